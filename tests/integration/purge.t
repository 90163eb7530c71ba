# Old calls are purged, a few at a time, by the plugin or by hand: the figures of their
# days stay, also when all is counted anew, and whoever writes meanwhile loses nothing.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Feed qw(feed record recording);
use PlainCount qw(comparison figures);
use Process qw(wait_for);
use Test::More;

my $cluster = Cluster->new(settings => { fsync => 'off', autovacuum => 'off' });
$cluster->install_schema;
$cluster->psql(q{CREATE ROLE plugin LOGIN IN ROLE call_log_writer; UPDATE call_log.settings SET report_time_zone = 'Europe/Berlin'});
my $at = sub { $cluster->psql("SELECT (date_trunc('day', now() AT TIME ZONE 'Europe/Berlin') - interval '$_[0]') AT TIME ZONE 'Europe/Berlin'") };

my $serial = 0;
sub event {
	my ($id, $agent, $began, %more) = @_;
	return { account => '', session_id => $id, agent => $agent, request_id => 'r' . ++$serial, hash => $serial, emitted_at => $began, started_at => $began,
		state => 'final', direction => 'Inbound', result => 'Accepted', duration_s => 60, from_number => '+1650', to_number => '101', %more };
}
my ($twenty, $nineteen, $ten, $new) = map { $at->("$_ days -10 hours") } 20, 19, 10, 1;
my ($eve, $morrow) = ($at->('10 days 10 seconds'), $at->('10 days -10 seconds'));
record($cluster, [
	[ event(1, 'ann', $twenty, logged_by => 'manual', note => 'n'), event(1, 'bob', $twenty) ],
	[ event(2, 'ann', $twenty, result => 'Missed') ], [ event(3, 'ann', $nineteen, direction => 'Outbound', to_number => '+1650') ],
	# two names of one call
	[ event(4, 'bob', $nineteen, telephony_session_id => 't') ], [ event(5, 'bob', $new, telephony_session_id => 't', state => 'ended') ],
	# handed over at midnight
	[ event(6, 'ann', $eve), event(6, 'bob', $morrow) ], [ event(7, 'ann', $new, result => 'Missed') ],
	[ event(8, 'ann', $twenty, account => 'acme') ], [ event(9, 'ann', $twenty, started_at => undef) ] ]);
$cluster->psql(qq{UPDATE call_log.calls SET logged_at = '$twenty' WHERE session_id = '9';
	INSERT INTO call_log.rejected (account, agent, session_id, request_id, sqlstate, reason, rejected_at, body) VALUES ('', 'ann', '20', 'r', 'x', 'x', '$twenty', '{}'), ('', 'ann', '21', 'r', 'x', 'x', now(), '{}')});
my $figures = sub { $cluster->psql('SELECT * FROM (' . figures() . ') AS f ORDER BY f::text COLLATE "C"') };
my $sessions = sub { $cluster->psql(q{SELECT string_agg(account || session_id || agent, ' ' ORDER BY 1, session_id, agent) FROM call_log.calls}) };
my $before = $figures->();
sub count_all { wait_for('all to be counted', sub { $cluster->psql('SELECT call_log.roll_up(10000)') == 15000 }) }

# --------------------------------------------------------------------- by hand
my $refusal = sub { ($cluster->try_psql("SELECT $_[0]", user => 'plugin'))[2] };
like($refusal->(q{call_log.purge('', now() - interval '7 days')}), qr/calls until .* cannot be purged, only until .* or earlier\nDETAIL:  The widget looks back 7 days.*\nHINT:  Ask for now\(\) - interval '8 days'/, 'what the widget would log again is not purged');
like($refusal->(q{call_log.purge('', NULL)}), qr/calls until NULL cannot be purged/, 'nor everything');
like($refusal->($_), qr/permission denied/, "the plugin may not $_") for q{call_log.purge_calls('', now(), 500)}, q{call_log.keep_figures('', '2026-01-01', '2026-02-01')};
my $purge = sub { my ($account, $before, $rows) = @_; $cluster->psql("SELECT call_log.purge($account, '$before', $rows)", user => 'plugin') };
is($purge->(q{'acme'}, $ten, 500), 1, 'it may purge old calls of an account');
is($purge->(q{'acme'}, $ten, 500), 0, 'until none is left');
is($figures->(), $before, 'and no figure changes, though nothing was counted before');
is($purge->(q{''}, $nineteen, 1), 2, 'a call goes with all agents\' parts');
count_all();
my @rows;
push @rows, $purge->('NULL', $ten, 2) while !@rows || $rows[-1];
is($figures->(), $before, 'nor by purging the rest');
is($sessions->(), '6ann 6bob 7ann', 'a call goes with all its names, when all parts of it are old enough') or diag "@rows";
is($cluster->psql(q{SELECT string_agg(session_id, ',') FROM call_log.rejected}) . $cluster->psql('SELECT count(*) FROM call_log.notes'), '210', 'with its notes, and with what was refused then');
is($cluster->psql('SELECT string_agg(session_id, \',\') FROM call_report.missed'), 7, 'nor is it among the missed ones any more');
is($cluster->psql('SELECT count(*) FROM call_log.marks'), 0, 'none is to be counted anew');
count_all();
is($figures->(), $before, 'which changes nothing');
$cluster->psql('CALL call_log.rebuild_reports()');
is($figures->(), $before, 'nor does counting everything anew');
record($cluster, [ [ event(30, 'ann', $twenty) ] ]);
$cluster->psql(q{UPDATE call_log.calls SET duration_s = 5 WHERE session_id = '6' AND agent = 'ann'});
count_all();
is($figures->(), $before, 'what is told later of days that were purged is not counted');
is($cluster->psql(comparison('purged')), '', 'other days are a plain count of their calls');
my $first = q{SELECT f FROM call_report.company_day f WHERE account = '' ORDER BY day LIMIT 1};
is($cluster->psql("SET TimeZone = 'Asia/Kathmandu'; $first"), $cluster->psql($first), 'in another time zone purged days are as they were in the reports\'');
is($cluster->psql('SELECT kind, account, done_by, sum(rows) FROM call_log.erasures GROUP BY 1, 2, 3 ORDER BY 2'), "purge||plugin|7\npurge|acme|plugin|1", 'who purged what is written down');
is($cluster->psql('SELECT count(*) FROM call_log.erasures'), 3, 'a row a day');

# ------------------------------------------------- at the same time as writers
$cluster->create_db('busy');
my $busy = $cluster->database('busy');
$busy->install_schema;
my @agent = map { "a$_" } 1 .. 5;
sub many { my ($name, $began) = @_; return [ map { my $n = $_; [ map { event("$name$n-$_", $agent[ ($n + $_) % 5 ], $began, logged_by => 'manual', note => 'n') } 1 .. 20 ] } 1 .. 20 ] }
record($busy, many('old', $twenty));
my @old = @{ many('old', $twenty) };
feed($busy, "feed$_", [ @{ many("new$_", $new) }, @old[ 0 .. 4 ] ]) for 1 .. 2;
my @writer = map { my $n = $_; $busy->session(join ';', map { recording("feed$n", step => $_) } 0 .. 24) } 1 .. 2;
push @writer, map { $busy->session("SELECT call_log.purge(NULL, '$ten', 20);" x 25) } 1 .. 2;
wait_for('all to end', sub { !grep { $_->running } @writer }, 120);
is(join('', grep { /ERROR/ } map { $_->log_text } @writer), '', 'several purge while others write');
is($busy->psql(q{SELECT count(*) FROM call_log.calls WHERE session_id LIKE 'new%'}), 800, 'and no new call is lost');
is($busy->psql(q{SELECT count(*) FROM call_log.calls c WHERE NOT EXISTS (SELECT FROM call_log.notes n WHERE n.session_id = c.session_id)}), 0, 'nor a note');
record($busy, [ $old[0] ]);
my $holder = $busy->session(q{BEGIN; UPDATE call_log.calls SET note = 'in hand' WHERE session_id IN (SELECT session_id FROM call_log.calls WHERE session_id LIKE 'old%' LIMIT 1); SELECT pg_sleep(600)});
wait_for('somebody to hold a call', sub { $busy->psql(q{SELECT count(*) FROM pg_locks WHERE relation = 'call_log.calls'::regclass AND mode = 'RowExclusiveLock'}) });
1 while $busy->psql("SELECT call_log.purge(NULL, '$ten', 500)");
is($busy->psql(q{SELECT count(*) FROM call_log.calls WHERE session_id LIKE 'old%'}), 1, 'a call that somebody has in hand stays, and nobody waits');
$holder->stop;

# -------------------------------------------------------------- by the plugin
my $driver = Driver->new;
like($driver->create(conninfo => $busy->conninfo(user => 'plugin'), retention_days => 7), qr/'retention_days' is '7'; allowed are 0, to keep all, and 8 to/, 'too short a time is refused');
$driver->create(conninfo => $busy->conninfo(user => 'plugin'), retention_days => 15);
is($driver->start, 'OK', 'with a longer one the plugin starts');
record($busy, many('older', $twenty));
record($busy, many('newer', $ten));
wait_for('the listener', sub { $driver->health->{listener} eq 'ok' });
is_deeply($driver->health->{retention}, { days => 15, last_error => '' }, 'which status shows');
my $left = sub { $busy->psql(q{SELECT count(*) FROM call_log.calls WHERE session_id LIKE 'older%'}) };
is($left->(), 400, 'at first it has other things to do');
$busy->psql('REVOKE EXECUTE ON FUNCTION call_log.purge(text, timestamptz, integer) FROM call_log_writer');
$driver->advance(60);
like($driver->await_log(qr/cannot be purged/), qr/^WARN calls that began more than 15 days ago cannot be purged, which is tried again every 10 minutes: .*permission denied/, 'where it may not purge it says so');
like($driver->health->{retention}{last_error}, qr/permission denied/, 'as status does');
is($driver->logged(session_id => 'meanwhile'), 'OK', 'and logs calls');
$busy->psql('GRANT EXECUTE ON FUNCTION call_log.purge(text, timestamptz, integer) TO call_log_writer');
$driver->advance(600);
wait_for('old calls to be purged', sub { $left->() == 0 });
is($driver->await_log(qr/purged \d/), 'INFO purged 401 rows of calls that began more than 15 days ago', 'later it purges, and says how much, once');
is($driver->health->{purged}, 401, 'status, too');
is($driver->health->{retention}{last_error}, '', 'without an error');
is($busy->psql(q{SELECT count(*) FROM call_log.calls WHERE session_id LIKE 'newer%'}), 400, 'newer calls stay');
is(scalar(grep { /cannot be purged/ } $driver->log_lines), 1, 'the failure was said once');
is((($driver->stop(5000))[0]), 'OK', 'and it stops');
done_testing;
