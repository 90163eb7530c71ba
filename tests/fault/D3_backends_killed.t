# Backends are terminated, and killed by SIGKILL (upon which PostgreSQL restarts
# all of them), at random moments while calls flow.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(size start_driver figure now);
use Process qw(scratch wait_for);
use Test::More;

my $calls = size(20_000, 3_000);
my $kills = size(200, 30);
my $cluster = Cluster->new;
$cluster->install_schema;
my $oracle = Oracle->new(cluster => $cluster,
	driver => start_driver(conninfo => $cluster->conninfo, spool => scratch() . '/spool.db'));

my ($terminated, $killed) = (0, 0);
sub backends {
	my ($status, $out) = $cluster->try_psql(
		q(SELECT pid FROM pg_stat_activity WHERE application_name = 'call_log' ORDER BY random()));
	return $status == 0 ? split ' ', $out : ();
}
my $next = $calls / $kills * rand 2;
$oracle->flow(calls => $calls, seconds => 3000, at => sub {
	return if $_[0] < $next;
	$next += $calls / $kills;
	my ($pid) = backends() or return;
	if (($terminated + $killed) % 4 == 3) {
		$killed += kill KILL => $pid;
	} else {
		$cluster->try_psql("SELECT pg_terminate_backend($pid)");
		$terminated++;
	}
});
wait_for('PostgreSQL to be back', sub { ($cluster->try_psql('SELECT 1'))[0] == 0 });
cmp_ok $terminated, '>', $kills / 4, "$terminated backends were terminated";
cmp_ok $killed, '>', $kills / 16, "$killed were killed";
$oracle->conclude('D3', "$terminated backends terminated, $killed killed by SIGKILL");
is $oracle->{driver}->quit, 0, 'the host ends well';
done_testing;
