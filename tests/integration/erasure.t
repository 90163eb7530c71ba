# What calls tell of a person is erased: nothing of it is in a dump of the database
# afterwards, nothing that comes later brings it back, and the calls count as before.
use v5.32;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Cluster;
use Feed qw(feed record recording);
use PlainCount qw(figures);
use Process qw(run_ok wait_for);

my $cluster = Cluster->new(settings => { fsync => 'off', autovacuum => 'off' });
$cluster->install_schema;
$cluster->psql(q{CREATE ROLE plugin LOGIN IN ROLE call_log_writer; CREATE ROLE officer LOGIN IN ROLE call_log_admin});
my $number = '+16505550100';
my $days = sub { $cluster->psql("SELECT now() - interval '$_[0] days'") };
my ($then, $later) = map { $days->($_) } 3, 2.9;

# ------------------------------------------------------------------- the calls
my $serial = 0;
sub event {
	my ($id, $agent, %more) = @_;
	return { account => '', session_id => $id, agent => $agent, request_id => 'r' . ++$serial, hash => $serial, emitted_at => $then, started_at => $then,
		state => 'final', direction => 'Inbound', result => 'Accepted', duration_s => 60, to_number => '101', %more };
}
sub zoe { my ($id, $agent, %more) = @_; return event($id, $agent, from_number => $number, from_name => 'Zoe Quarry', %more) }
my @all = (
	# with all there is, noted twice
	(map { [ zoe(1, 'ann', logged_by => 'manual', note => "quarry-note $_", form => '{"topic":"quarry"}', contact_id => 'kunde-77', contact_name => 'Zoe Quarry', contact_type => 'Person', contact_picked => 't',
		ai_note => 'quarry', transcript => 'quarry', recording_id => 'quarry', recording_link => 'https://quarry/', recording_uri => 'https://quarry/', body => qq({"from":"$number"}), request_id => "save$_") ] } 1, 2),
	# handed over: the other agent sees no number; another session of the same call
	[ zoe(2, 'ann'), event(2, 'bob', from_number => '101', from_name => 'Zoe Quarry', logged_by => 'manual', note => 'quarry') ],
	[ zoe(4, 'ann', telephony_session_id => 't-4') ], [ event(5, 'cyd', telephony_session_id => 't-4', from_number => '102', from_name => 'Zoe Quarry', recording_link => 'https://quarry/') ],
	# one call under two names
	[ event(30, 'ann', direction => 'Outbound', to_number => $number, telephony_session_id => 's-3') ], [ zoe(31, 'ann', telephony_session_id => 's-3', logged_by => 'manual', note => 'quarry') ],
	# in progress
	[ zoe(6, 'bob', state => 'connected', connected => 't', result => 'CallConnected', duration_s => 1) ],
	# missed, and returned
	[ zoe(7, 'ann', result => 'Missed') ], [ event(8, 'bob', direction => 'Outbound', result => 'Call connected', to_number => $number, to_name => 'Zoe Quarry', started_at => $later) ],
	# written another way, or without a direction
	[ zoe(10, 'ann', from_number => '+1 (650) 555-0100') ], [ zoe(11, 'ann', direction => undef) ],
	# somebody else, whom an agent first took for another contact
	[ event(9, 'ann', from_number => '+16505550111', from_name => 'Ida Other', logged_by => 'manual', note => 'theirs', contact_id => 'kunde-99', contact_picked => 't', emitted_at => $then) ],
	[ event(9, 'ann', from_number => '+16505550111', logged_by => 'manual', note => 'theirs', contact_id => 'kunde-78', contact_name => 'Ida Other', contact_picked => 't', emitted_at => $later) ]);
record($cluster, \@all);
record($cluster, [ [ zoe(1, 'ann', account => 'acme') ] ]);
$cluster->psql(<<~"SQL");
	SELECT call_log.set_note('', 'ann', '2', 'quarry, by a script');
	INSERT INTO call_log.rejected (account, agent, session_id, request_id, sqlstate, reason, body) VALUES
		('', 'ann', '1', 'r', '23514', 'x', '{"note":"quarry"}'),
		('', 'ann', '20', 'r', '23514', 'x', '{"from_number":"+1 650 555-0100","note":"quarry"}'),
		('', 'ann', '21', 'r', '23514', 'x', '{"from_number":"+16505550111","note":"quarry: call $number"}'),
		('', 'ann', '22', 'r', '23514', 'x', '{"account":"","agent":"ann","session_id":"22","request_id":"r","emitted_at":"$then","hash":1,"state":"final","to_self":false,"logged_by":"auto","connected":false,"from_number":"+16505550111"}');
	SQL
sub count_all { wait_for('all to be counted', sub { $cluster->psql('SELECT call_log.roll_up(10000)') == 15000 }) }
count_all();
like($cluster->psql('SELECT string_agg(r::text, E\'\n\') FROM call_log.rolled_missed_calls r'), qr/\Q$number/, 'a number stands in counted figures, too');

# What a dump of the whole database says of something, by line.
sub told { my ($what, %option) = @_; my ($dump) = run_ok([ $cluster->bin('pg_dump'), '--data-only', '--inserts', '-n', 'call_log', '-d', $cluster->conninfo(%option) ]); return join "\n", map { substr $_, 0, 400 } grep { $_ =~ $what } split /\n/, $dump }
my $person = qr/quarry|6505550100|650.{1,3}555.{0,2}0100|kunde-77/i;
my $all_figures = sub { $cluster->psql('SELECT * FROM (' . figures() . ') AS f ORDER BY f::text COLLATE "C"') };
my $markers = sub { $cluster->psql(q{SELECT account, agent, session_id, merged_into, id, started_at, direction, outcome, result, duration_s, state, logged_by, rank FROM call_log.calls ORDER BY 1, 2, 3}) };
my $lists = sub { $cluster->psql('SELECT count(*) FROM call_report.missed UNION ALL SELECT count(*) FROM call_report.live UNION ALL SELECT count(*) FROM call_report.not_logged_by_hand') };
my @before = ($all_figures->(), $markers->(), $lists->());
my $others = sub { $cluster->psql(q{SELECT c FROM call_log.calls c WHERE session_id = '9' OR account = 'acme'; SELECT n.* FROM call_log.notes n WHERE session_id = '9'}) };
my $untouched = $others->();

# --------------------------------------------------------------------- erasing
is($cluster->psql(qq{SELECT call_log.erase_number('', '$number')}, user => 'officer'), 1, 'the first time an erasure is written down');
unlike($cluster->psql('SELECT erased_at FROM call_log.calls'), qr/\d/, 'before anything is erased');
my $done = $cluster->psql(qq{SELECT call_log.erase_number('', '+1 (650) 555-0100')}, user => 'officer');
cmp_ok($done, '>', 8, "then calls are, however the number is written ($done rows)");
$cluster->psql(q{CALL call_log.erase_person('', number => '1-650-555-0100')}, user => 'officer');
is($cluster->psql(qq{SELECT call_log.erase_number('', '$number')}, user => 'officer'), 0, 'until nothing is left');
my $left = told($person);
is(join("\n", grep { !/ VALUES \('acme', / } split /\n/, $left), '', 'nothing of the person is in a dump, but in another account');
is($others->(), $untouched, 'where all is as it was, as with other calls');
is($cluster->psql(q{SELECT count(*), string_agg(session_id, ',') FROM call_log.rejected}), '1|22', 'as with events that were refused');
is($all_figures->(), $before[0], 'every figure of reports is as it was');
is($markers->(), $before[1], 'since each call is there, without anybody');
is($lists->(), $before[2], 'also in lists of calls');
unlike($cluster->psql('SELECT l.* FROM call_report.without_note l') , qr/\|1\n/, 'of those that lack a note an erased one is none');
count_all();
is($all_figures->(), $before[0], 'and so it is when all is counted anew');
is($cluster->psql(q{SELECT m.id IS NOT NULL, m.note, m.contact_id FROM call_log.match_calls('{""}', '{ann}', '{1}') m}), 't||', 'a match still finds the call, without a note');
is($cluster->psql(q{CALL call_log.erase_person('acme', number => '16505550100')}) . told($person), '', 'after the other account no dump knows the number');

# ------------------------------------------------------- what comes afterwards
my $nothing = sub { my ($why, %option) = @_; is(told($person), '', $why) };
record($cluster, \@all);
$nothing->('the same events once more tell nothing');
my $now = $days->(0);
record($cluster, [ map { [ map { { %$_, emitted_at => $now, hash => ++$serial, request_id => "again$serial", state => 'final', note => ($_->{note} ? 'quarry, edited' : undef) } } grep { $_->{session_id} ne '9' } @$_ ] } @all ]);
$nothing->('nor do new events of these calls, and saves');
is($all_figures->() =~ tr/\n//, $before[0] =~ tr/\n//, 'which add no row to any report');
record($cluster, [ [ zoe(40, 'ann', emitted_at => $now) ], [ zoe(41, 'bob', started_at => undef) ], [ zoe(42, 'cyd', from_number => '+1650 555 0100', emitted_at => $now) ] ]);
$nothing->('nor calls from before that come for the first time, backfilled or out of a spool');
is($cluster->psql(q{SELECT count(erased_at), count(*), bool_and(outcome = 'answered') FROM call_log.calls WHERE session_id IN ('40', '41', '42')}), '3|3|t', 'but they count');
record($cluster, [ [ event(1, 'cyd', from_number => '102', from_name => 'Zoe Quarry', started_at => $now, emitted_at => $now) ] ]);
$nothing->('nor the part of another agent');
record($cluster, [ [ event(32, 'ann', from_name => 'Zoe Quarry', telephony_session_id => 's-3', started_at => $now, emitted_at => $now, logged_by => 'manual', note => 'quarry') ] ]);
record($cluster, [ [ event(33, 'ann', from_name => 'Zoe Quarry', other_leg => '7', started_at => $now, emitted_at => $now, logged_by => 'manual', note => 'quarry') ] ]);
$nothing->('nor what turns out to be the same call');
like(($cluster->try_psql(q{SELECT call_log.set_note('', 'ann', '1', 'quarry')}))[2], qr/call '1' was erased/, 'a note from elsewhere is refused');
is($cluster->psql(q{SELECT call_log.desk_set_note('', 'ann', '1', 'quarry', '')->'saved'}), 'false', 'as for the pages');
$cluster->psql(q{UPDATE call_log.calls SET note = 'quarry', erased_at = NULL, contact_id = 'kunde-77' WHERE session_id = '1'});
$nothing->('and by plain SQL nothing can be written');
my $reject = sub { $cluster->psql(qq{INSERT INTO call_log.rejected (account, agent, session_id, request_id, sqlstate, reason, body) VALUES ('', 'ann', '$_[0]', 'late', '23514', 'x', '$_[1]') ON CONFLICT DO NOTHING}, user => 'plugin') };
$reject->(1, '{"note":"quarry"}');
$reject->(50, qq({"direction":"Inbound","from_number":"$number","emitted_at":"$now","started_at":"$then"}));
$nothing->('nor what the database refuses');
is($cluster->psql('SELECT call_log.retry_rejected()') . told($person), 1, 'and what was refused before');

is($cluster->psql(q{SELECT state, outcome FROM call_log.calls WHERE session_id = '6'}), 'final|answered', 'an erased call that was in progress ends');
is($cluster->psql('SELECT count(*) FROM call_report.live'), 0, 'so none is live for ever');
record($cluster, [ [ zoe(60, 'ann', started_at => $days->(-0.01), emitted_at => $days->(-0.01)) ] ]);
is($cluster->psql(q{SELECT from_number FROM call_log.calls WHERE session_id = '60'}), $number, 'a call after that is a call');

# --------------------------------------------------------------------- contacts
is($cluster->psql(q{CALL call_log.erase_person('', contact => 'kunde-99')}) . told(qr/kunde-99/), '', 'a contact is erased where it was picked once');
like($cluster->psql(q{SELECT note, contact_id FROM call_log.calls WHERE session_id = '9'}), qr/^theirs\|kunde-78$/, 'the call is the other\'s');
$cluster->psql(q{CALL call_log.erase_person('', contact => 'kunde-78')}, user => 'officer');
is(told(qr/Ida|kunde-78|'theirs'/), '', 'then that one, with all its calls');
record($cluster, [ [ event(90, 'ann', from_number => '+16505550112', contact_id => 'kunde-78', contact_name => 'Ida Other') ] ]);
is(told(qr/Ida|kunde-78/), '', 'and those that come late');

# ------------------------------------------------------------- rights and trail
my $refusal = sub { my ($sql, $user) = @_; ($cluster->try_psql($sql, user => $user // 'plugin'))[2] =~ /ERROR:  (.*)/ ? $1 : 'done' };
like($refusal->("SELECT call_log.$_"), qr/^permission denied/, "the plugin may not $_") for q{erase_number('', '1')}, q{erase_contact('', 'c')}, q{erase_rows('', '{ann}', '{9}', now())};
like($refusal->("DELETE FROM call_log.$_"), qr/^permission denied/, "nor delete $_") for qw(calls notes rejected);
like($refusal->("SELECT $_"), qr/^permission denied/, "nor read $_") for '* FROM call_log.erasures', 'salt FROM call_log.erasing';
is($cluster->psql('SELECT DISTINCT kind, account, done_by, rows > 0, last_at >= began_at AND until = began_at FROM call_log.erasures ORDER BY 1, 2, 3', user => 'officer'),
	"contact||officer|t|t\ncontact||postgres|t|t\nnumber||officer|t|t\nnumber|acme|postgres|t|t", 'who erased what is written down, not whom');
like($refusal->($_, 'officer'), qr/^permission denied/, "the officer may not $_") for 'DELETE FROM call_log.erasures', 'UPDATE call_log.erasures SET rows = 0';
like($refusal->("$_ call_log.erasures" . (/UPD/ ? ' SET done_by = \'x\'' : ''), 'postgres'), qr/stays written down/, "nor the owner: $_") for 'DELETE FROM', 'UPDATE', 'TRUNCATE';
like($refusal->('SELECT ' . $_, 'officer'), qr/^there is no (number|contact) to erase/, "$_ is refused") for q{call_log.erase_number('', ' - ')}, q{call_log.erase_contact('', '')};

# ------------------------------------------- beside one that began to write before
$cluster->psql('CREATE TABLE go (at timestamptz)');
my $late = '+16505550199';
feed($cluster, 'feed', [ [ event(95, 'ann', from_number => $late) ] ]);
my $slow = $cluster->session('BEGIN; ' . recording('feed', step => 0) . '; DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM go) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$; COMMIT;');
wait_for('it to have written', sub { $cluster->psql(q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'DO %go%' AND state = 'active' AND pid <> pg_backend_pid()}) });
my $waiting = $cluster->session("CALL call_log.erase_person('', number => '$late')");
wait_for('the erasure to wait, or to end', sub { !$waiting->running || $cluster->psql(q{SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'CALL%' AND wait_event_type = 'Lock'}) });
$cluster->psql('INSERT INTO go VALUES (now())');
wait_for('both to end', sub { !grep { $_->running } $slow, $waiting });
# where it waited too long it says so, and is to be called again
$cluster->psql("CALL call_log.erase_person('', number => '$late')") if $waiting->log_text =~ /lock timeout/;
is(told(qr/6505550199/), '', 'what was being written when an erasure began is erased');

# ------------------------------------------------------- at the same time, killed
$cluster->create_db('busy');
my $busy = $cluster->database('busy');
$busy->install_schema;
my @agent = map { "a$_" } 1 .. 5;
sub many { my ($from, $to, $first, %more) = @_; return [ map { my $n = $_; [ map { zoe("$first$n-$_", $agent[ ($n + $_) % 5 ], hash => $_, logged_by => 'manual', note => 'quarry', %more) } 1 .. 20 ] } $from .. $to ] }
record($busy, many(1, 15, 'old'));
my @batch = map { many(1, 20, "new$_") } 1 .. 3;
feed($busy, "feed$_", $batch[ $_ - 1 ]) for 1 .. 3;
my @writer = map { my $n = $_; $busy->session(join ';', map { recording("feed$n", step => $_) } 0 .. 19) } 1 .. 3;
my $eraser = $busy->session(q{CALL call_log.erase_person('', number => '16505550100')});
my $erased = sub { $busy->psql('SELECT count(*) FROM call_log.calls WHERE erased_at IS NOT NULL') };
wait_for('some to be erased', sub { $erased->() > 50 });
$busy->psql(q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'CALL%'});
wait_for('the end of it', sub { !$eraser->running });
is($busy->psql(q{SELECT count(*) FROM call_log.calls c WHERE (c.erased_at IS NULL) <> (c.from_number IS NOT NULL AND c.note IS NOT NULL
	AND EXISTS (SELECT FROM call_log.notes n WHERE n.session_id = c.session_id AND n.note = 'quarry'))}), 0, 'an erasure that is killed leaves each call whole, or erased');
$eraser = $busy->session(q{CALL call_log.erase_person('', number => '16505550100')});
wait_for('all to end', sub { !grep { $_->running } @writer, $eraser }, 120);
is(join('', grep { /ERROR/ } map { $_->log_text } @writer, $eraser), '', 'writers and it are not in each other\'s way');
is($busy->psql('SELECT count(*), count(erased_at) FROM call_log.calls'), '1500|1500', 'no call is lost');
is(told($person, dbname => 'busy'), '', 'and of what was written meanwhile nothing is left either');
done_testing;
