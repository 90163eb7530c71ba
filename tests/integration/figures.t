# The plugin has figures of reports counted beforehand, beside its work, as a role
# that may not read them; where it cannot, it says so once and goes on.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Process qw(wait_for);
use Test::More;

my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
$cluster->psql('CREATE ROLE plugin LOGIN IN ROLE call_log_writer');
my $driver = Driver->new;
# Each time it starts it counts at once what there is.
sub start_anew {
	is((($driver->stop(5000))[0]), 'OK', 'it stops') if $driver->{started}++;
	$driver->destroy if $driver->{started} > 1;
	is $driver->create(conninfo => $cluster->conninfo(user => 'plugin')), undef, 'created';
	$driver->start;
}
start_anew();
like(($cluster->try_psql('SELECT * FROM call_log.rolled_agent_days', user => 'plugin'))[2], qr/permission denied/, 'the plugin cannot read figures');
is $driver->logged(session_id => 'c1'), 'OK', 'a call is logged';
# as if it had been three days ago
$cluster->psql(q(UPDATE call_log.calls SET started_at = now() - interval '3 days'));
my $counted = sub { $cluster->psql('SELECT coalesce(sum(calls), 0) FROM call_log.rolled_agent_days') };
wait_for('figures to be counted', sub { $counted->() == 1 });
pass 'its figures are counted by themselves';
$cluster->psql(q(UPDATE call_log.calls SET agent = 'bob' WHERE session_id = 'c1'));
is $cluster->psql('SELECT agent FROM call_report.agent_day'), 'bob', 'a change is in the reports at once';
start_anew();
wait_for('a change to be counted', sub { $cluster->psql('SELECT count(*) FROM call_log.marks') == 0 });
is $cluster->psql('SELECT agent FROM call_log.rolled_agent_days'), 'bob', 'and counted later';

$cluster->psql('REVOKE EXECUTE ON FUNCTION call_log.roll_up(integer) FROM call_log_writer');
start_anew();
$driver->await_log(qr/figures of reports cannot be counted beforehand, so reports are slow: .*permission denied/);
is $driver->health->{listener}, 'ok', 'where it may not, it says so, and listens on';
is $driver->logged(session_id => 'c2'), 'OK', 'and calls are logged';
is((($driver->stop(5000))[0]), 'OK', 'and it stops');
done_testing;
