# How events become transactions: together under load, once each, in spite of
# repeats and of rows that the database refuses.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Test::More;

my $cluster = Cluster->new;
$cluster->install_schema;
$cluster->psql('CREATE ROLE plugin LOGIN IN ROLE call_log_writer');
my $conninfo = $cluster->conninfo(user => 'plugin');
my $driver = Driver->new;
is $driver->create(conninfo => $conninfo, commit_deadline_ms => 14000), undef, 'created';
is $driver->start, 'OK', 'started';
$driver->logged(session_id => 'warm');
$driver->match(['warm']);

sub pids {
	return $cluster->psql(<<~'SQL');
		SELECT string_agg(pid::text, ' ' ORDER BY pid) FROM pg_stat_activity
		WHERE application_name = 'call_log'
		SQL
}
sub rows { $cluster->psql("SELECT count(*) FROM call_log.calls WHERE $_[0]") }
sub line { my (%option) = @_; return Driver::line(Driver::log_message(%option), %option) }

# many calls at once
my $before = $driver->health;
my $tally = $driver->burst([ map { line(session_id => "load-$_", agent => 'a' . $_ % 7) } 1 .. 5000 ]);
my $after = $driver->health;
is $tally->{OK}, 5000, '5,000 calls from 8 threads are all logged';
is rows("session_id LIKE 'load-%'"), 5000, 'and all in the table';
my $batches = $after->{batches} - $before->{batches};
cmp_ok $batches, '<', 2500, 'in fewer transactions than events';
cmp_ok $batches, '>=', 10, 'of no more than 500 events each';
note "figure: transactions for 5,000 events $batches, $tally->{ms} ms, slowest submit $tally->{slowest_submit_us} us";

# each event three times, from eight threads at once
my @history = map {
	my $n = $_;
	map {
		line(session_id => "thrice-$n", request_id => "t-$n-$_", sent_at => 1_770_000_000_000 + $_,
			call => { duration => $_ })
	} 1 .. 6
} 1 .. 40;
$tally = $driver->burst(\@history, repeat => 3);
is $tally->{OK}, 720, '40 calls of six events, each event three times from eight threads, are logged';
is rows("session_id LIKE 'thrice-%'"), 40, 'as 40 rows';
is rows("session_id LIKE 'thrice-%' AND duration_s = 6"), 40, 'each as its newest event tells it';

# one event 32 times at once
my $same = line(session_id => 'same', request_id => 'same', sent_at => 1_770_000_000_000);
$tally = $driver->burst([$same], repeat => 32, threads => 32);
is $tally->{OK}, 32, '32 equal events at once are all answered';
is rows("session_id = 'same'"), 1, 'and are one row';
my %seen = map { $driver->match(['same'])->{same}[0]{id} => 1 } 1 .. 5;
is_deeply [ keys %seen ], [ $cluster->psql(q(SELECT id FROM call_log.calls WHERE session_id = 'same')) ],
  'which every match names by the same id';

# two agents, one session id, in one batch
$tally = $driver->burst([ map { line(session_id => 'shared', agent => "agent-$_") } 1 .. 50 ]);
is rows("session_id = 'shared'"), 50, 'one session id of 50 agents is 50 rows';

unlike $cluster->log_text, qr/ERROR/, 'in all this no statement has failed';

# what repeats is not parsed and planned each time, whatever becomes of the connection
$cluster->psql(q(ALTER ROLE plugin SET log_statement = 'all'));
my $before_cut = $cluster->log_text;
$cluster->psql(q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'call_log'));
is $driver->logged(session_id => "cut-$_"), 'OK', "call $_ after all connections were cut is logged" for 1 .. 20;
$driver->match(["cut-$_"]) for 1 .. 20;
my $said = substr($cluster->log_text, length $before_cut);
for my $statement ('BEGIN', 'SELECT call_log.record_calls', 'COMMIT', 'SELECT ordinal') {
	my @executed = $said =~ /LOG:  execute (\S+): \Q$statement/g;
	is scalar(grep { !/^call_log_\d$/ } @executed), 0, "$statement goes by a name";
	cmp_ok scalar @executed, '>=', 20, 'each time';
}
sub told { return scalar(() = $said =~ /execute \S+: SELECT set_config\('statement_timeout', \$1, (?:tru|fals)e\), set_config\('lock_timeout', \$2/g) }
cmp_ok told(), '<=', 10, 'how long the server may take it is not told in each of 40 turns';
cmp_ok told(), '>=', 2, 'but once over each connection';
$cluster->psql(q(ALTER ROLE plugin RESET log_statement));

# what is acknowledged is on the disk, whatever the role's settings say
$cluster->psql(<<~'SQL');
	ALTER ROLE plugin SET synchronous_commit = 'off';
	CREATE TABLE public.committing AS SELECT ''::text AS how WITH NO DATA;
	GRANT INSERT ON public.committing TO plugin;
	CREATE FUNCTION public.note_commit() RETURNS trigger LANGUAGE plpgsql AS
	$$BEGIN INSERT INTO public.committing VALUES (current_setting('synchronous_commit')); RETURN NULL; END$$;
	CREATE CONSTRAINT TRIGGER note_commit AFTER INSERT ON call_log.calls DEFERRABLE INITIALLY DEFERRED
	FOR EACH ROW EXECUTE FUNCTION public.note_commit();
	SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = 'call_log'
	SQL
is $driver->logged(session_id => 'durable'), 'OK', 'a role that does not wait for the disk logs a call';
is $cluster->psql('SELECT DISTINCT how FROM public.committing'), 'on', 'and does wait';
$cluster->psql('DROP TRIGGER note_commit ON call_log.calls; ALTER ROLE plugin RESET synchronous_commit');

# rows that the database refuses
my $pids = pids();
$cluster->psql(<<~'SQL');
	ALTER TABLE call_log.calls ADD CONSTRAINT no_poison CHECK (from_name <> 'SECRET-POISON');
	SQL
my @mixed = map {
	line(session_id => "mixed-$_", call => { fromName => $_ % 100 == 37 ? 'SECRET-POISON' : 'fine' })
} 1 .. 500;
$tally = $driver->burst(\@mixed);
is $tally->{FAILED}, 5, 'of 500 calls, five that break a constraint are answered as failed';
is $tally->{OK}, 495, 'and all others are logged';
is rows("session_id LIKE 'mixed-%'"), 495, 'and stand in the table';
my $log = $driver->await_log(qr/refuses/);
like $log, qr/no_poison.*23514/, 'the log names the constraint and SQLSTATE';
unlike join("\n", $driver->log_lines), qr/SECRET|mixed-/, 'and nothing of the row';
my ($status, $why) = $driver->log_call(session_id => 'poison', call => { fromName => 'SECRET-POISON' });
is $status, 'FAILED', 'a bad row alone fails as well';
unlike $why, qr/SECRET/, 'and the sentence quotes nothing';
is $driver->logged(session_id => 'after'), 'OK', 'and the next call is logged';
is pids(), $pids, 'over the same connections';

$cluster->psql('ALTER TABLE call_log.calls DROP CONSTRAINT no_poison');
is $driver->health->{failed}, 6, 'health counts what failed';
is $driver->health->{database}{state}, 'ok', 'and the database is none the worse';

# a batch that is made ready while another is under way
is +($driver->stop(5000))[0], 'OK', 'stopped';
$driver->destroy;
is $driver->create(conninfo => $conninfo, batch_max => 7, commit_deadline_ms => 14000), undef, 'an instance with batches of 7';
$driver->start;
$cluster->psql(q(ALTER TABLE call_log.calls ADD CONSTRAINT no_poison CHECK (from_name <> 'SECRET-POISON')));
$tally = $driver->burst([ map {
	line(session_id => "next-$_", call => { fromName => $_ % 50 == 13 ? 'SECRET-POISON' : "name of next-$_" }) } 1 .. 2000 ]);
is "$tally->{OK} $tally->{FAILED}", '1960 40', 'of 2,000 calls all are logged but those that are refused';
is rows("session_id LIKE 'next-%' AND from_name = 'name of ' || session_id"), 1960, 'each with what its message told';
$cluster->psql('ALTER TABLE call_log.calls DROP CONSTRAINT no_poison');

# a full queue
is +($driver->stop(5000))[0], 'OK', 'stopped';
$driver->destroy;
is $driver->create(conninfo => $conninfo, queue_max => 10, commit_deadline_ms => 500), undef,
  'an instance with a queue for 10';
$driver->start;
$driver->logged(session_id => 'warm');
$tally = $driver->burst([ map { line(session_id => "full-$_") } 1 .. 3000 ], threads => 16);
cmp_ok $tally->{refused}, q(>), 0, "calls beyond it are refused at once";
is $tally->{OK} + $tally->{refused} + $tally->{BUSY}, 3000, "and none is forgotten";
is $tally->{all}, 1, 'and what was accepted is answered';
is rows("session_id LIKE 'full-%'"), $tally->{OK}, 'and only what was answered ok is logged';
is +($driver->stop(5000))[0], 'OK', 'stopped';
$driver->destroy;
is $driver->quit, 0, 'the process ends well';
# an administrator's default for other programs is not ours
$cluster->psql(q(ALTER ROLE plugin SET default_transaction_isolation = 'repeatable read'));
my $strict = Driver->new;
$strict->create(conninfo => $conninfo);
$strict->start;
is $strict->logged(session_id => 'strict'), 'OK', 'a call is logged where transactions are repeatable read by default';

done_testing;
