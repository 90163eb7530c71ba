# Backends are terminated, and every fourth killed by SIGKILL (upon which PostgreSQL
# restarts all of them), at random moments while calls flow; one that is at work is
# preferred. What is counted is what the server says of it.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(size start_driver figure now);
use Process qw(scratch wait_for);
use Test::More;

my $calls = size(20_000, 2_000);
my $kills = size(200, 20);
my $cluster = Cluster->new;
$cluster->install_schema;
my $oracle = Oracle->new(cluster => $cluster,
	driver => start_driver(conninfo => $cluster->conninfo, spool => scratch() . '/spool.db'));

# Ends a backend; what it was doing, or nothing when there was none to be ended.
sub end_one {
	my ($by_signal) = @_;
	my $end = $by_signal ? 'true' : 'pg_terminate_backend(pid, 10000)';
	my ($status, $out) = $cluster->try_psql(<<~"SQL");
		SELECT pid, state, $end FROM (SELECT pid, state FROM pg_stat_activity
			WHERE application_name = 'call_log'
			ORDER BY state = 'active' DESC, random() LIMIT 1) AS victim
		SQL
	my ($pid, $state, $ended) = split /[|\n]/, $out;
	return if $status != 0 || !$ended || $ended ne 't';
	return if $by_signal && !kill KILL => $pid;
	return $state;
}
sub terminated { scalar(() = $cluster->log_text =~ /terminating connection due to administrator command/g) }
sub killed { scalar(() = $cluster->log_text =~ /was terminated by signal 9/g) }

my $at_work = 0;
my $end = now() + size(1200, 120);
while (terminated() + killed() < $kills || killed() < $kills / 4 || $oracle->{calls} < $calls || !$at_work) {
	die 'backends cannot be ended' if now() > $end;
	$oracle->flow(calls => 1 + int rand 2 * $calls / $kills, seconds => 1);
	my $state = end_one(killed() * 3 < terminated()) // 'idle';
	$at_work++ if $state ne 'idle';
}
$oracle->settle;
wait_for('PostgreSQL to be back', sub { ($cluster->try_psql('SELECT 1'))[0] == 0 });
my ($terminated, $killed) = (terminated(), killed());
cmp_ok $terminated, '>', 0, "$terminated backends were terminated";
cmp_ok $killed, '>', 0, "$killed were killed by SIGKILL";
cmp_ok $at_work, '>', 0, "$at_work of them while at work";
figure('D3.kills', $terminated + $killed);
figure('D3.at_work', $at_work);
$oracle->conclude('D3', "$terminated backends terminated, $killed killed by SIGKILL");
is $oracle->{driver}->quit, 0, 'the host ends well';
done_testing;
