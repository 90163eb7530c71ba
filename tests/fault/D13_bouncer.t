# The server is pgbouncer in transaction mode: it is killed and started again, and
# its connections to PostgreSQL are cut, while calls flow. Changes from elsewhere
# are heard of over a connection that does not lead through it.
use v5.32;
use warnings;
use lib 'tests/lib';
use Bouncer;
use Cluster;
use Oracle qw(size start_driver figure);
use Process qw(scratch wait_for);
use Test::More;

my $rounds = size(20, 3);
my $cluster = Cluster->new;
$cluster->install_schema;
# One connection for all, so that what one leaves behind the next would find.
my $bouncer = Bouncer->new($cluster, settings => { default_pool_size => 1, server_login_retry => 1 });
$cluster->create_role('listener', 'IN ROLE call_log_writer');
my $oracle = Oracle->new(cluster => $cluster, driver => start_driver(
	conninfo => $bouncer->conninfo, listen_conninfo => $cluster->conninfo(user => 'listener'),
	spool => scratch() . '/spool.db'));
my $driver = $oracle->{driver};

# Those that lead through pgbouncer; the one that listens is left alone.
sub cut {
	return $cluster->psql(<<~'SQL');
		SELECT count(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
		WHERE application_name = 'call_log' AND usename <> 'listener'
		SQL
}

sub listeners {
	return $cluster->psql(q(SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE usename = 'listener'));
}
wait_for('the listener', sub { $driver->health->{listener} eq 'ok' });
my $listeners = listeners();
like $listeners, qr/^\d+$/, 'one connection listens';

my ($cuts, $missed) = (0, 0);
for my $round (1 .. $rounds) {
	$oracle->flow(seconds => 0.3, per_second => 1500);
	$bouncer->kill9;
	$oracle->flow(seconds => 0.3, per_second => 1000);
	$bouncer->start;
	$oracle->settle;
	$oracle->flow(seconds => 0.3, per_second => 500, at => sub { $cuts += cut() if $_[0] % 40 == 39 });
	$cuts += wait_for('a connection to cut', \&cut);
	$oracle->settle;
	$missed++ if $driver->logged(session_id => "b$round") ne 'OK'
	  || !@{ $driver->match(["b$round"])->{"b$round"} };
	$cluster->psql("SELECT call_log.set_note('acme', 'ann', 'b$round', 'changed', NULL)")
	  if wait_for('the call to be in the database', sub {
		$cluster->psql("SELECT count(*) FROM call_log.calls WHERE session_id = 'b$round'") });
	$driver->await_trigger("b$round");
}
pass "a note changed elsewhere reaches the agent, $rounds times";
is $missed, 0, 'a call is found right after it is logged, each time';
cmp_ok $cuts, '>', 0, "although $cuts connections behind pgbouncer were cut";
is listeners(), $listeners, 'and the listener never fell';
unlike join("\n", $driver->log_lines, $cluster->log_text), qr/26000|prepared statement/,
  'and no statement was missed that another connection had prepared';
figure('D13.rounds', $rounds);
figure('D13.cuts', $cuts);
$oracle->conclude('D13', "pgbouncer killed and restarted $rounds times, its connections cut $cuts times");
is $driver->quit, 0, 'the host ends well';
done_testing;
