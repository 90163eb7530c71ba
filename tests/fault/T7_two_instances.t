# Two instances in one process, each with a database and a spool of its own. What
# happens to one (its database goes, it is stopped under load) is nothing to the
# other.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Oracle qw(size figure);
use Process qw(scratch wait_for);
use Test::More;

my $rounds = size(10, 1);
my @cluster = map { my $c = Cluster->new; $c->install_schema; $c } 0, 1;
my @config = map { { conninfo => $_->conninfo, spool => scratch() . '/spool.db',
		commit_deadline_ms => 14_000 } } @cluster;
my $driver = Driver->new;
my (@oracle, @acked);
for my $i (0, 1) {
	is $driver->create(%{ $config[$i] }), undef, "instance $i is created";
	$driver->use($i);
	is $driver->start, 'OK', 'and starts';
	$oracle[$i] = Oracle->new(cluster => $cluster[$i], prefix => "i$i-", driver => $driver);
}

my $spooled = 0;
for my $round (1 .. $rounds) {
	for my $bad (0, 1) {
		my $good = 1 - $bad;
		my @names = map { "f$round-$_" } 1 .. 300;
		my @flood = map { Driver::line(Driver::log_message(session_id => $_)) } @names;
		# one is flooded without a database; the other works as ever
		$cluster[$bad]->stop('immediate');
		$driver->use($bad);
		$driver->flood(\@flood, threads => 2);
		$driver->use($good);
		my $before = $driver->health->{spooled};
		$oracle[$good]->flow(calls => 60);
		$oracle[$good]->settle;
		$spooled += $driver->health->{spooled} - $before;
		my $at = $driver->health->{database}{state};
		is $at, 'ok', "its database is $at" if $at ne 'ok';
		ok @{ $driver->match(["i$good-1"], agent => 'agent1')->{"i$good-1"} }, "instance $good finds its calls";
		is_deeply $driver->match(["i$bad-1"], agent => 'agent1')->{"i$bad-1"}, [], 'and none of the other';

		# one stops under load while the other is in the middle of its work
		$driver->use($good);
		my $lines = [ map { Driver::line(Driver::log_message(session_id => "g$round-$_")) } 1 .. 300 ];
		$driver->flood($lines, threads => 1);
		my $written = $driver->health->{stored};
		$driver->use($bad);
		my ($status, undef, $tally) = $driver->stop(3000);
		is $tally->{accepted} - $tally->{answered}, 0,
		  "instance $bad stops ($status), everything it took is answered";
		$driver->destroy;
		$driver->use($good);
		wait_for('the other to go on', sub { $driver->health->{stored} > $written });
		(undef, undef, $tally) = $driver->stop(10_000);
		is $tally->{accepted} - $tally->{answered}, 0, 'the other goes on, and stops as well';
		$driver->destroy;
		for my $i (0, 1) {
			$driver->create(%{ $config[$i] });
			$driver->use($i);
			$driver->start eq 'OK' or die "instance $i does not start again";
		}
		$cluster[$bad]->start;
		for my $i (0, 1) {
			$driver->use($i);
			wait_for('both databases to be known to be there', sub {
				$driver->logged(session_id => "i$i-state") eq 'OK'
				  && $driver->health->{database}{state} eq 'ok';
			});
		}
	}
}
is $spooled, 0, 'the one with a database never spooled anything';
for my $i (0, 1) {
	$driver->use($i);
	$oracle[$i]->conclude("T7instance$i", 'of two instances in one process the other fails');
	is $cluster[$i]->psql("SELECT count(*) FROM call_log.calls WHERE session_id LIKE 'i" . (1 - $i) . "%'"), 0,
	  'no call is in the database of the other';
}
figure('T7.rounds', $rounds);
is $driver->quit, 0, 'the host ends well';
done_testing;
