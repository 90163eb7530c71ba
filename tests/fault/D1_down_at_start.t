# PostgreSQL is down when the host starts: calls are acknowledged into the spool,
# and get into the database by themselves once it is there.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(size start_driver figure spooled now);
use Process qw(scratch wait_for);
use Test::More;

my $calls = size(100_000, 1000);
my $cluster = Cluster->new;
$cluster->install_schema;
$cluster->stop;
my $oracle = Oracle->new(cluster => $cluster, window => 512,
	driver => start_driver(conninfo => $cluster->conninfo,
		spool => scratch() . '/spool.db', commit_deadline_ms => 500));
$oracle->flow(calls => $calls, seconds => 600);
$oracle->settle;
my $saves = $oracle->acked_count;
cmp_ok $saves, '>=', $calls, "$saves saves are acknowledged without a database";
wait_for('health to know', sub { spooled($oracle->{driver}) == $saves });
pass 'and lie in the spool, each once';
$cluster->start;
my $back = now();
$oracle->await_all(60);
my $took = now() - $back;
cmp_ok $took, '<', 10, sprintf 'all are in the database %.1f s after it is there', $took;
figure('D1.spooled', $saves);
figure('D1.recovery_s', sprintf '%.2f', $took);
$oracle->conclude('D1', 'PostgreSQL down at start');
wait_for('the spool to be empty', sub { spooled($oracle->{driver}) == 0 });
pass 'the spool is empty again';
is $oracle->{driver}->quit, 0, 'the host ends well';
done_testing;
