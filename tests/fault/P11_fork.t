# The host forks. Prefork servers create the plugin and start it in each of their
# children; others fork while it runs, and the child ends in one way or another,
# even by ending the plugin: what is the parent's stays the parent's.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Oracle qw(size start_driver figure);
use Process qw(scratch wait_for);
use Test::More;

my $rounds = size(50, 8);
my $cluster = Cluster->new;
$cluster->install_schema;
my %config = (conninfo => $cluster->conninfo, spool => scratch() . '/spool.db',
	commit_deadline_ms => 14_000);

# ----------------------------------------------------- create, fork, start
my $parent = Driver->new;
is $parent->create(%config), undef, 'a host creates the plugin, then forks';
my @children = map { $parent->fork_child } 1 .. 3;
my @oracles = map {
	is $children[$_]->start, 'OK', 'the plugin starts in a child';
	Oracle->new(cluster => $cluster, driver => $children[$_], prefix => "child$_-");
} 0 .. 2;
for my $round (1 .. $rounds) {
	$cluster->stop('immediate') if $round % 4 == 2;
	$_->flow(calls => 20) for @oracles;
	$cluster->start if $round % 4 == 3;
	$_->settle for @oracles;
}
# A wake-up of one that went to another would leave a message unanswered.
my @lines = map { Driver::line(Driver::match_message("child0-$_")) } 1 .. 3;
my $unanswered = 0;
for my $round (1 .. size(2000, 80)) {
	$_->begin_burst(\@lines, threads => 1) for @children;
	$unanswered += !$_->end_burst->{all} for @children;
	last if $unanswered;
}
is $unanswered, 0, 'every message to each of them is answered';
$cluster->start if !$cluster->running;
$_->conclude('P11children', 'plugin created, then started in 3 forked children') for @oracles;
for my $child (@children) {
	is(($child->stop(5000))[0], 'OK', 'the plugin stops in the child');
	$child->destroy;
	is $child->quit, 0, 'the child ends well';
}
$parent->destroy;
is $parent->quit, 0, 'the parent, which never started it, ends well';

# ------------------------------------------------------ fork while it runs
my $oracle = Oracle->new(cluster => $cluster, driver => start_driver(%config), prefix => 'running');
my $driver = $oracle->{driver};
sub pids {
	return $cluster->psql(q(SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity WHERE application_name = 'call_log'));
}
$oracle->flow(calls => 50);
$oracle->settle;
wait_for('the listener to rest', sub { $driver->health->{listener} eq 'ok' });
$driver->match(['running1']);
my $pids = pids();
my $forks = 0;
for my $round (1 .. $rounds) {
	for my $how (qw(exit _exit end)) {
		$oracle->flow(calls => 5);
		$oracle->tell('fork', $how);
		my ($status) = $oracle->hear(qr/^forked (.*)/);
		is $status, 0, "the child ends by $how" if $status;
		$forks++;
	}
}
$oracle->settle;
is pids(), $pids, "the parent's connections are the same after $forks forks";
is $driver->health->{spooled} // 0, 0, 'and nothing had to be spooled';
$cluster->stop('immediate');
for my $how (qw(exit _exit end)) {
	$oracle->flow(calls => 50);
	$oracle->settle;
	is $driver->fork_and_end($how), 0, "a child ends by $how while the spool is used";
}
$cluster->start;
figure('P11.forks', $forks);
$oracle->conclude('P11', "the host forked $forks times while it ran");
is $driver->quit, 0, 'the host ends well';
done_testing;
