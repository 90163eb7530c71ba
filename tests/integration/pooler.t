# Through a real pgbouncer in transaction mode, with one server connection for
# the writer and the matcher together.
use v5.32;
use warnings;
use lib 'tests/lib';
use Bouncer;
use Cluster;
use Driver;
use Process qw(run_ok wait_for);
use Test::More;

my $cluster = Cluster->new;
$cluster->install_schema;
$cluster->psql('CREATE ROLE plugin LOGIN IN ROLE call_log_writer');
my $bouncer = Bouncer->new($cluster, users => ['plugin'], settings => { default_pool_size => 1, server_login_retry => 1 });
my $driver = Driver->new;
is $driver->create(conninfo => $bouncer->conninfo(user => 'plugin'), commit_deadline_ms => 10000,
	match_deadline_ms => 10000), undef, 'created';
is $driver->start, 'OK', 'started';
is $driver->logged(session_id => '1'), 'OK', 'a call is logged through the pooler';
is scalar(@{ $driver->match(['1'])->{1} }), 1, 'and found';

my @lines = map { (
	Driver::line(Driver::log_message(session_id => "p$_")),
	Driver::line(Driver::match_message("p$_"))) } 1 .. 1000;
my $tally = $driver->burst(\@lines);
is $tally->{OK}, 2000, '1,000 calls and 1,000 matches from 8 threads all succeed';
is $cluster->psql(q(SELECT count(*) FROM call_log.calls WHERE session_id LIKE 'p%')), 1000,
  'every call once';
cmp_ok $cluster->connections('plugin'), '<=', 1, 'over one server connection';
# the limits of our statements do not leak to the next client on that connection
is run_ok([ $cluster->bin('psql'), '-XqAt', '-d', $bouncer->conninfo(user => 'plugin'),
	'-c', 'SHOW statement_timeout', '-c', 'SHOW lock_timeout' ]), "0\n0\n",
  'and nothing stays set in it';

# names would be another session's
my $named = q(SELECT count(*) FROM pg_prepared_statements);
is run_ok([ $cluster->bin('psql'), '-XqAt', '-d', $bouncer->conninfo(user => 'plugin'), '-c', $named ]), "0\n",
  'nor is any statement prepared there';

# a refused row leaves no transaction open
$cluster->psql(q(ALTER TABLE call_log.calls ADD CONSTRAINT no_poison CHECK (from_name <> 'POISON')));
$tally = $driver->burst([ map {
	Driver::line(Driver::log_message(session_id => "q$_", call => { fromName => $_ == 50 ? 'POISON' : 'fine' }))
} 1 .. 100 ]);
is "$tally->{OK} $tally->{FAILED}", '99 1', 'a bad row spoils nothing else';
is $driver->logged(session_id => 'after'), 'OK', 'and the pooled connection works on';

# the pooler goes and comes
$bouncer->stop;
my $other = Driver::log_message(session_id => 'later');
my ($id) = $driver->submit($other);
my $again = Bouncer->new($cluster, users => ['plugin'], settings => { default_pool_size => 1, server_login_retry => 1 });
$driver->answer($id);
$driver->stop(5000);
$driver->destroy;
is $driver->create(conninfo => $again->conninfo(user => 'plugin')), undef, 'created';
$driver->start;
is +($driver->call($other))[0], 'OK', 'a call is logged through another pooler';
$cluster->stop;
isnt +($driver->call($other))[0], 'OK', 'with the database behind the pooler away no call is said to be logged';
$cluster->start;
wait_for('a call to be logged', sub { ($driver->call($other))[0] eq 'OK' });
pass 'and when it is back they are';
is +($driver->stop(5000))[0], 'OK', 'stopped';
$driver->destroy;
is $driver->quit, 0, 'the process ends well';
done_testing;
