# The process dies at the Kth call that writes, syncs or renames on the disk, or
# sends to the server, in the midst of that call, for every K of a cycle: the
# plugin starts without a database, makes its spool, calls are spooled and then
# replayed, one goes to the database, the plugin ends. A process that is started
# on what is left goes on, each time.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Oracle qw(size figure spooled start_driver);
use Process qw(scratch wait_for);
use Test::More;

my $step = size(1, 29);
my $cluster = Cluster->new;
$cluster->install_schema;
my $dir = scratch();
# The database is away while this link is missing.
my $door = "$dir/.s.PGSQL." . $cluster->port;
my $oracle = Oracle->new(cluster => $cluster);

sub open_door { symlink $cluster->dir . '/.s.PGSQL.' . $cluster->port, $door or die "link: $!" if !-l $door }

# Until the process has ended, or the condition holds.
sub alive_until {
	my ($driver, $what, $condition) = @_;
	return wait_for($what, sub { $driver->ended ? 'ended' : $condition->() ? 'held' : 0 }) eq 'held';
}

sub all_answered { $oracle->pump(0.002); !@{ $oracle->{waiting} } && !$oracle->open_count }

# False: it died on the way.
sub cycle {
	my ($k, %config) = @_;
	unlink $door;
	my $driver = Driver->new;
	$driver->disk(die => $k);
	$oracle->attach($driver);
	return eval {
		$driver->create(%config);
		$driver->start;
		$oracle->flow(calls => 3);
		alive_until($driver, 'calls to be spooled', \&all_answered) or return 0;
		open_door();
		alive_until($driver, 'their replay', sub { (eval { spooled($driver) } // 1) == 0 }) or return 0;
		$oracle->flow(calls => 1);
		alive_until($driver, 'a call to be stored', \&all_answered) or return 0;
		my $calls = $driver->disk('calls');
		$oracle->note_times;
		$driver->stop(5000);
		$driver->destroy;
		$driver->quit == 0 or die 'it did not end well';
		figure('P2.calls_of_a_cycle', $calls);
		1;
	} // ($@ =~ /driver ended/ ? 0 : die $@);
}

my ($k, $died, $done, @bad) = (1, 0, 0);
for (; !$done; $k += $step) {
	my %config = (conninfo => $cluster->conninfo(host => $dir),
		spool => "$dir/$k/spool.db", commit_deadline_ms => 500);
	$done = cycle($k, %config);
	next if $done;
	$died++;
	$oracle->kill_host; # which reaps it
	open_door();
	my $driver = start_driver(%config);
	$oracle->attach($driver);
	$oracle->settle;
	wait_for('the spool to be empty', sub { spooled($driver) == 0 });
	my $found = $oracle->compare;
	push @bad, "died at call $k: @$_" for grep { @$_ } values %$found;
	push @bad, "died at call $k: $_" for grep { /aside/ } $driver->log_lines;
	push @bad, "died at call $k: its successor ended badly" if $driver->quit != 0;
}
is "@bad", '', 'after each death nothing is lost or doubled, and the spool is whole';
cmp_ok $died, '>', 3, "$died processes died, each at another call";
figure('P2.k_max', $k - $step);
figure('P2.died', $died);
my $driver = start_driver(conninfo => $cluster->conninfo, spool => "$dir/last.db");
$oracle->attach($driver);
$oracle->conclude('P2', "the process dies at the Kth write, sync, rename or send of a spool-and-replay cycle, for $died K");
is $driver->quit, 0, 'the last host ends well';
done_testing;
