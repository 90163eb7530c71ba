# The server is called by a name, and whoever knows names does not answer: nothing
# waits for it, neither calls and matches nor stop(), other servers are tried, and the
# threads that hang do not become more and more.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Oracle qw(size start_driver figure now spooled);
use Process qw(scratch wait_for);
use Test::More;

my $calls = size(5000, 500);
my $cluster = Cluster->new(tcp => 1);
$cluster->install_schema;
my %config = (conninfo => $cluster->conninfo(host => 'db.test'), spool => scratch() . '/spool.db');
my $oracle = Oracle->new(cluster => $cluster, driver => start_driver(%config));
my $driver = $oracle->{driver};
my $rest = 6; # the driver's own and the plugin's five
sub threads { scalar(() = glob "/proc/$driver->{pid}/task/*") }
sub end_connections {
	$cluster->psql(q(SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'call_log'));
}

$oracle->flow(calls => $calls);
$oracle->settle;
is spooled($driver), 0, 'a server called by its name is connected to';
wait_for('every lookup to have ended', sub { threads() == $rest });
pass 'no lookup keeps a thread';

# ------------------------------------------------------------- names hang
$driver->names('hang');
end_connections();
$oracle->flow(calls => $calls);
$oracle->settle;
my $id = "c$oracle->{calls}";
is scalar @{ $driver->match([$id], agent => $oracle->{made}{"$id-1"}{agent})->{$id} }, 1,
  'while names hang calls are logged and found';
like $driver->await_log(qr/was not looked up/), qr/away: the name "db\.test" was not looked up within \d+ ms/, 'and the log names it';
$oracle->flow(seconds => size(20, 0.5), per_second => 10);
$oracle->settle;
cmp_ok threads(), '<=', $rest + 3, 'each connection has at most one thread that hangs';
my ($status, $ms) = $driver->stop(5000);
is $status, 'OK', 'stop() does not wait for it';
cmp_ok $ms, '<', 5000, "but ends in time ($ms ms)";
$driver->destroy;
figure('D15.stop_ms', $ms);

# ----------------------------------------------------- and another server
is $driver->create(%config, conninfo => $cluster->conninfo(host => 'away.test,127.0.0.1')), undef, 'of two servers';
is $driver->start, 'OK', 'the first of which has a name that hangs';
wait_for('the spool to be empty', sub { spooled($driver) == 0 }, 60);
pass 'the second is written to';
is +($driver->stop(5000))[0], 'OK', 'and stopped';
$driver->destroy;

# --------------------------------------------------------- names come back
is $driver->create(%config), undef, 'again with one server';
is $driver->start, 'OK', 'started while its name hangs';
$oracle->flow(calls => $calls);
$oracle->settle;
$driver->names('answer');
my $back = now();
wait_for('the spool to be empty', sub { spooled($driver) == 0 }, 60);
figure('D15.recovery_s', sprintf '%.2f', now() - $back);
pass 'once names are known again it is written to';
wait_for('every lookup to have ended', sub { threads() == $rest });
pass 'and the threads that hung have ended';
$oracle->conclude('D15', 'looking up the name of the server hangs');
is $driver->quit, 0, 'the host ends well';
done_testing;
