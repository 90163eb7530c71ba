# What the database refused is logged after all, once a person has mended the cause.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Process qw(wait_for);
use Test::More;

my $cluster = Cluster->new;
$cluster->install_schema;
$cluster->psql(q{CREATE ROLE plugin LOGIN IN ROLE call_log_writer;
	ALTER TABLE call_log.calls ADD CONSTRAINT no_poison CHECK (note NOT LIKE '%poison%')});
my $driver = Driver->new;
$driver->create(conninfo => $cluster->conninfo(user => 'plugin'));
$driver->start;
wait_for('the listener', sub { $driver->health->{listener} eq 'ok' });
sub status_of {
	my ($id, $note) = @_;
	return $driver->logged(session_id => $id, call => { from => { phoneNumber => '+1650' }, duration => 61 },
		body => { triggerType => 'logForm', note => $note, formData => { note => $note, topic => 'a' } });
}
my $row = q{SELECT concat_ws('|', session_id, note, form, from_number, from_name, duration_s, state, logged_by, started_at, last_event_at, encode(rank, 'hex'))
	FROM call_log.calls WHERE session_id IN ('1', '2', '3') ORDER BY session_id};
sub retry { $cluster->psql('SELECT call_log.retry_rejected(' . (shift // '') . ')') }

isnt status_of($_, qq(poison "$_")), 'OK', "call $_ is refused" for 1 .. 3;
is $cluster->psql('SELECT count(*) FROM call_log.rejected'), 3, 'and kept';
is retry(), 0, 'while the cause stays none is logged';
is $cluster->psql('SELECT count(*), min(sqlstate), min(reason) FROM call_log.rejected'), '3|23514|constraint no_poison (SQLSTATE 23514)',
  'and all stay, with the reason but without the data';
like +($cluster->try_psql('SELECT call_log.retry_rejected()', user => 'plugin'))[2], qr/permission denied/, 'the plugin itself may not';

$cluster->psql('ALTER TABLE call_log.calls DROP CONSTRAINT no_poison');
$driver->forget_posts;
is retry(q('acme', 'ann', '2')), 1, 'once it is mended one call can be chosen';
is $cluster->psql(q(SELECT string_agg(session_id, ' ' ORDER BY session_id) FROM call_log.rejected)), '1 3', 'the others stay';
is retry(), 2, 'or all';
is $cluster->psql('SELECT count(*) FROM call_log.rejected'), 0, 'none is left';
is retry(), 0, 'and again there is nothing to do';
$driver->await_trigger($_) for 1 .. 3;
pass 'the agent is told';
is $driver->match([2])->{2}[0]{note}, 'poison "2"', 'and finds the call';
is $cluster->psql(q(SELECT string_agg(note, ',' ORDER BY note) FROM call_log.notes)), 'poison "1",poison "2",poison "3"', 'each save is kept once';
my $retried = $cluster->psql($row);
like $retried, qr/^1\|poison "1"\|\{"topic": "a"\}\|\+1650\|A\|61\|connected\|manual\|20/, 'with all that was sent';
$driver->stop(5000);
$driver->destroy;
is $driver->quit, 0, 'the host ends well';
done_testing;
