# The spool's disk is full, or the user's share of it: what is acknowledged stays,
# new calls are refused as busy, nothing goes round in circles meanwhile, and all
# mends by itself, whether it is space that returns first or the database.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(size start_driver figure now spooled);
use POSIX qw(sysconf _SC_CLK_TCK);
use Process qw(scratch slurp wait_for);
use Test::More;

my $room = size(8 << 20, 1 << 18);
my $idle_s = size(10, 1);
my $cluster = Cluster->new;
$cluster->install_schema;

# Processor seconds of the process so far.
sub worked {
	my ($driver) = @_;
	my @stat = split ' ', slurp('/proc/' . $driver->pid . '/stat') =~ s/.*\) //sr;
	return ($stat[11] + $stat[12]) / sysconf(_SC_CLK_TCK);
}

sub bytes_of { my ($folder) = @_; my $sum = 0; $sum += -s for glob "$folder/*"; return $sum }

for my $case ([ P4 => grow => 'space' ], [ P4quota => quota => 'database' ]) {
	my ($name, $how, $first) = @$case;
	my $folder = scratch();
	my $oracle = Oracle->new(cluster => $cluster, prefix => lc $name, window => 256,
		driver => start_driver(conninfo => $cluster->conninfo, spool => "$folder/spool.db", commit_deadline_ms => 500));
	my $driver = $oracle->{driver};
	$oracle->flow(calls => 20);
	$oracle->settle;
	$cluster->stop;
	my $before = bytes_of($folder);
	$driver->disk($how, $room);

	wait_for('calls to be refused', sub { $oracle->flow(seconds => 0.1); ($oracle->{statuses}{BUSY} // 0) > 100 }, 120);
	cmp_ok bytes_of($folder) - $before, '<=', $room, "$name: the spool takes no more than there is";
	my $acked = $oracle->acked_count;
	cmp_ok $acked, '>', 100, "$name: $acked saves were acknowledged until then";
	is join(' ', sort keys %{ $oracle->{statuses} }), 'BUSY OK', "$name: the others are told that it is busy";
	like $driver->await_log(qr/spool cannot be used/), qr/^ERROR .*(?:full|space|quota)/i, "$name: the log tells why";
	# A small event may still have found room, which ends the error until the next.
	wait_for('health to tell why', sub { $oracle->flow(seconds => 0.1);
			($driver->health->{spool}{last_error} // '') =~ /full|space|quota/i }, 30);
	pass "$name: and health";

	wait_for('no answer to be owed', sub { $oracle->{waiting} = [ map { [ now() + 3600, $_->[1] ] } @{ $oracle->{waiting} } ];
			$oracle->pump(0.01); !$oracle->open_count });
	my ($start, $spent) = (now(), worked($driver));
	wait_for('some time', sub { now() - $start >= $idle_s });
	my $share = 100 * (worked($driver) - $spent) / (now() - $start);
	cmp_ok $share, '<', 30, sprintf "$name: it rests while nothing is asked of it (%.1f %%)", $share;
	figure("$name.cpu_percent_while_full", sprintf '%.1f', $share);
	figure("$name.bytes", bytes_of($folder));
	$_->[0] = 0 for @{ $oracle->{waiting} };

	if ($first eq 'space') {
		$driver->disk($how, -1);
		$oracle->settle;
		pass "$name: with space again the rest is acknowledged, without a database";
		$cluster->start;
	} else {
		$cluster->start;
		wait_for('the spool to be empty', sub { spooled($driver) == 0 }, 60);
		pass "$name: with the database again the spool is emptied, without space";
		$oracle->settle;
		$driver->disk($how, -1);
	}
	is scalar(grep { /spool cannot be used/ } $driver->log_lines), 1, "$name: the log told of it once";
	$oracle->conclude($name, $first eq 'space' ? 'the disk of the spool is full' : 'the quota of the spool is used up', seconds => 120);
	is $driver->quit, 0, "$name: the host ends well";
}
done_testing;
