# A connection that is being made gets no answer: the server accepts it and says
# nothing, or the network drops all packets; also where that is only the first of
# several servers.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(start_driver figure now spooled);
use Process qw(scratch wait_for);
use Proxy;
use Submits;
use Test::More;

my $cluster = Cluster->new;
$cluster->install_schema;
my $submits = Submits->new($cluster);

for my $case (
	[ D8 => 'that is accepted and not answered', 'hole' ],
	[ D8drop => 'whose packets the network drops', 'drop' ],
) {
	my ($name, $what, $break) = @$case;
	my $proxy = Proxy->new($cluster);
	$proxy->$break(1);
	my $oracle = Oracle->new(cluster => $cluster, prefix => lc($name) . '_',
		driver => start_driver(conninfo => $proxy->conninfo, spool => scratch() . '/spool.db',
			commit_deadline_ms => 500));
	my $driver = $oracle->{driver};
	my $started = now();
	$oracle->flow(calls => 100);
	$oracle->settle;
	wait_for('health to know', sub { $driver->health->{database}{state} eq 'away' });
	figure("$name.detect_s", sprintf '%.2f', now() - $started);
	like $driver->await_log(qr/WARN the database/), qr/no connection within \d+ ms/,
	  "$name: the log tells of a connection $what";
	$submits->compare($name, $oracle);
	cmp_ok scalar(grep { /^WARN the database/ } $driver->log_lines), '<=', 1 + (now() - $started) / 60,
	  "$name: once, and once a minute";
	$proxy->$break(0);
	my $mended = now();
	wait_for('the database to be back', sub { $driver->health->{database}{state} eq 'ok' }, 60);
	figure("$name.reconnected_s", sprintf '%.2f', now() - $mended);
	$oracle->flow(calls => 200);
	$oracle->conclude($name, "black hole at a connection $what");
	is $driver->quit, 0, "$name: the host ends well";
}

# The second server is the same database, reached without that proxy.
my ($dead, $alive) = map { Proxy->new($cluster) } 1, 2;
$dead->drop(1);
my $oracle = Oracle->new(cluster => $cluster, prefix => 'd8both_', driver => start_driver(
	conninfo => $alive->conninfo(host => '127.0.0.1,127.0.0.1', port => join(',', $dead->port, $alive->port),
		target_session_attrs => 'read-write'),
	spool => scratch() . '/spool.db', commit_deadline_ms => 500));
my $started = now();
my $rows = q(SELECT count(*) FROM call_log.calls WHERE session_id LIKE 'd8both%');
wait_for('the calls to reach the second server', sub {
	$oracle->flow(calls => 1);
	$oracle->settle;
	$cluster->psql($rows) > 0;
});
figure('D8both.detect_s', sprintf '%.2f', now() - $started);
pass 'D8both: a first server in a black hole does not keep calls from the second';
$oracle->flow(calls => 100);
$oracle->settle;
# A connection to the second that falls is made again past the first.
for (1 .. 3) {
	$alive->close_all;
	$oracle->flow(calls => 50);
	$oracle->settle;
}
$oracle->conclude('D8both', 'the first of two servers is a black hole');
wait_for('the spool to be empty', sub { spooled($oracle->{driver}) == 0 });
pass 'D8both: nothing is left in the spool';
is scalar(grep { /^WARN the database/ } $oracle->{driver}->log_lines), 0, 'D8both: which is no news to the log';
is $oracle->{driver}->quit, 0, 'D8both: the host ends well';
done_testing;
