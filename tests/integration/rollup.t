# What reports say does not depend on what was counted beforehand, or when: after
# random histories of calls, notes, merges, deletions, moves, of teams and of time
# zones, with roll_up() at any moment, the reports are what a plain count of the
# calls is. What is erased or purged counts as it did. SEED= repeats a run, STEPS= sets its length.
use v5.32;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Cluster;
use Feed qw(feed record recording);
use PlainCount qw(comparison figures);
use Process qw(wait_for);

my $seed = $ENV{SEED} // time;
my $steps = $ENV{STEPS} // 25;
note "SEED=$seed STEPS=$steps";
srand $seed;

my $cluster = Cluster->new(settings => { fsync => 'off', autovacuum => 'off' });
$cluster->install_schema;
# The plain count knows whole seconds; a call whose start nobody told began when it
# came.
$cluster->psql(<<~'SQL');
	CREATE FUNCTION whole_second() RETURNS trigger LANGUAGE plpgsql AS
	'BEGIN NEW.logged_at := date_trunc(''second'', NEW.logged_at); RETURN NEW; END';
	CREATE TRIGGER whole_second BEFORE INSERT ON call_log.calls FOR EACH ROW EXECUTE FUNCTION whole_second();
	SQL

sub one_of { $_[ rand @_ ] }
sub maybe { rand() < $_[0] ? one_of(@_[ 1 .. $#_ ]) : undef }
sub sql { defined $_[0] ? "'$_[0]'" : 'NULL' }

# ----------------------------------------------------------- random histories
my @agent = qw(ann bob cyd dan);
my @number = ('+1', '+2', '+3', '102');
my @zone = qw(UTC Europe/Berlin America/Havana Asia/Kathmandu America/St_Johns Pacific/Auckland America/Sao_Paulo);
my $now = time;
# Whole seconds, at some midnight, when clocks change, by now, or at any time.
sub moment {
	my $back = one_of(
		sub { 86400 * int(rand 4) + int(rand 1800) - 900 + $now % 86400 },
		sub { $now - one_of(1792886400, 1793494800, 1774659600, 1794114000) + int(rand 10800) },
		sub { int rand 7200 }, sub { int rand 400000 })->();
	return $now - ($back < 0 ? 0 : $back);
}
my $serial = 0;
sub event {
	my $session = one_of(1 .. 25);
	my $manual = rand() < 0.2;
	return {
		account => rand() < 0.9 ? '' : 'acme', agent => one_of(@agent), session_id => $session, request_id => 'r' . ++$serial, hash => $serial,
		emitted_at => "$now", state => one_of(qw(ringing connected ended final final final)), connected => maybe(0.3, 't') // 'f',
		logged_by => $manual ? 'manual' : 'auto', note => $manual ? one_of('', 'n') : undef, contact_id => maybe(0.1, 'c'),
		telephony_session_id => maybe(0.15, 't1', 't2', 't3'), direction => maybe(0.9, 'Inbound', 'Inbound', 'Outbound'),
		from_number => maybe(0.9, @number), to_number => maybe(0.9, @number),
		started_at => maybe(0.6, 1) && moment(), duration_s => maybe(0.8, 0, 1, 7, 30, 90),
		result => maybe(0.8, 'Accepted', 'Missed', 'Missed', 'Voicemail', 'Call connected', 'Busy', 'Call Failed', 'No Answer', 'Strange') };
}
sub batch {
	my %of;
	for (1 .. 1 + rand 12) { my $e = event(); $of{"$e->{account}/$e->{agent}/$e->{session_id}"} = $e }
	for (values %of) {
		my $e = $_;
		# now and then later than before, or not
		$e->{emitted_at} = 'epoch ' . ($now - int rand 1000);
		s/^(?:epoch )?(\d+)$/strftime_utc($1)/e for grep { defined } $e->{emitted_at}, $e->{started_at};
	}
	return [ values %of ];
}
sub strftime_utc { my @t = gmtime $_[0]; sprintf '%04d-%02d-%02d %02d:%02d:%02d+00', $t[5] + 1900, $t[4] + 1, @t[ 3, 2, 1, 0 ] }
sub some_call { sprintf q{(account, agent, session_id) = ('%s', '%s', '%s')}, rand() < 0.9 ? '' : 'acme', one_of(@agent), one_of(1 .. 25) }
my @batch;
my %change = (
	record => sub { push @batch, batch(); recording('feed', step => $#batch) },
	set_note => sub { 'SELECT call_log.set_note(account, agent, session_id, ' . sql(one_of('', 'elsewhere')) . ') FROM call_log.calls WHERE erased_at IS NULL AND ' . some_call() },
	plain_note => sub { 'UPDATE call_log.calls SET note = ' . sql(one_of('', 'plain')) . ' WHERE merged_into IS NULL AND ' . some_call() },
	plain => sub { 'UPDATE call_log.calls SET ' . one_of('started_at = ' . sql(strftime_utc(moment())), 'started_at = NULL', q{result = 'Missed', state = 'final'},
		q{from_number = '+1'}, 'duration_s = 44', q{logged_at = logged_at - interval '2 days'}) . ' WHERE ' . some_call() },
	delete => sub { my $which = some_call(); "DELETE FROM call_log.notes WHERE $which; DELETE FROM call_log.calls WHERE $which" },
	team => sub { my ($account, $agent, $team) = (rand() < 0.8 ? '' : 'acme', one_of(@agent), one_of(qw(north south)));
		one_of("INSERT INTO call_log.teams VALUES ('$account', '$agent', '$team') ON CONFLICT (account, agent) DO UPDATE SET team = excluded.team",
			"DELETE FROM call_log.teams WHERE account = '$account' AND agent = '$agent'") },
	zone => sub { 'UPDATE call_log.settings SET report_time_zone = ' . sql(one_of(@zone)) },
	erase => sub { my $erase = one_of(q{erase_number('', '+1')}, q{erase_number('', '+2')}, q{erase_number('acme', '+1')}, q{erase_number('', '102')}, q{erase_contact('', 'c')});
		alike("DO \$\$ BEGIN WHILE call_log.$erase > 0 LOOP END LOOP; END \$\$") },
	purge => sub { my ($account, $before) = (one_of(q{''}, q{'acme'}, 'NULL'), $now - 8 * 86400 - int rand 86400 * one_of(1, 9, 40));
		alike("DO \$\$ BEGIN WHILE call_log.purge($account, to_timestamp($before), " . one_of(1, 5, 500) . ') > 0 LOOP END LOOP; END $$') . <<~"SQL" },
		;
		TRUNCATE kept;
		INSERT INTO kept SELECT f.* FROM (${\ figures() }) AS f JOIN call_log.purged p ON p.account = f.account AND f.day < p.until_day
		SQL
	forget => sub { q{UPDATE call_log.rollup SET rolled_day = '-infinity', settled_until = '-infinity'} },
	roll => sub { join ';', map { 'SELECT call_log.roll_up(' . one_of(1, 2000, 2000) . ') IS NULL' } 1 .. 1 + rand 4 });
# No figure changes by it.
sub alike {
	my ($sql) = @_;
	my $figures = figures();
	return <<~"SQL";
		CREATE TEMP TABLE before AS $figures;
		$sql;
		INSERT INTO unlike (SELECT * FROM before EXCEPT ALL ($figures)) UNION ALL (($figures) EXCEPT ALL SELECT * FROM before);
		DROP TABLE before
		SQL
}
$cluster->psql('CREATE TABLE kept (of text, account text, day date, figures text); CREATE TABLE unlike (LIKE kept)');
# What is wrong after a step: also what was kept of purged days and is not so now.
sub wrong {
	my ($step) = @_;
	my $kept = "SELECT f.* FROM (${\ figures() }) AS f JOIN call_log.purged p ON p.account = f.account AND f.day < p.until_day";
	return comparison($step) . "SELECT '$step', 'kept', * FROM ((($kept) EXCEPT ALL SELECT * FROM kept) UNION ALL (SELECT * FROM kept EXCEPT ALL ($kept))) AS wrong LIMIT 3;\n"
	  . "SELECT '$step', 'unlike', * FROM unlike LIMIT 6;\n";
}

my @script;
for my $step (1 .. $steps) {
	my $kind = one_of(('record') x 8, ('roll') x 8, qw(set_note plain_note plain plain delete team team erase purge), maybe(0.3, 'zone', 'forget') // 'roll');
	push @script, [ "step $step $kind", $change{$kind}->() ];
}
feed($cluster, 'feed', \@batch);
my $text = join '', map { my ($name, $sql) = @$_; "\\o /dev/null\n$sql;\n\\o\n" . wrong($name) } @script;
is($cluster->psql($text), '', "after each of $steps steps every report is a plain count of the calls");

# Counts until there is nothing to count.
sub count_all {
	my ($db) = @_;
	wait_for('all to be counted', sub { $db->psql('SELECT call_log.roll_up(10000)') == 15000 });
}
count_all($cluster);
is($cluster->psql('SELECT count(*) FROM call_log.marks'), 0, 'in the end nothing is left to be counted anew');
# perhaps all that is old was purged
is($cluster->psql('SELECT EXISTS (SELECT FROM call_log.rolled_agent_days) OR EXISTS (SELECT FROM call_log.kept_agent_days)') . $cluster->psql(comparison('end')), 't', 'and the reports are right again');

# ------------------------------------------------- at the same time as others
$cluster->create_db('late');
my $late = $cluster->database('late');
$late->install_schema;
$late->psql('CREATE TABLE go (at timestamptz)');
feed($late, 'feed', [ [ { session_id => 1, started_at => '2026-03-02 10:00+00', state => 'final', result => 'Missed', direction => 'Inbound', from_number => '+1' } ] ]);
my $writer = $late->session('BEGIN; ' . recording('feed', step => 0)
	. '; DO $$ BEGIN WHILE NOT EXISTS (SELECT FROM go) LOOP PERFORM pg_sleep(0.01); END LOOP; END $$; COMMIT;');
wait_for('the writer to write', sub { $late->psql(q{SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE 'DO %go%' AND pid <> pg_backend_pid()}) });
is(join(' ', map { $late->psql('SELECT call_log.roll_up(1000)') } 1 .. 5), '1000 1000 1000 1000 1000', 'counting waits, without waiting, for whoever began to write before');
$late->psql('INSERT INTO go VALUES (now())');
wait_for('the writer to end', sub { !$writer->running });
count_all($late);
is($late->psql('SELECT count(*) FROM call_log.rolled_missed_calls') . $late->psql(comparison('late')), 1, 'and counts what they wrote');

# A call is of the day on which it began at whichever agent of a team, so a team's
# change may change other days than those of the agent.
record($late, [ map { [ { account => '', session_id => 2, agent => $_->[0], started_at => $_->[1], state => 'final', result => $_->[2], direction => 'Inbound' } ] }
	[ ann => '2026-03-02 10:00+00', 'Missed' ], [ bob => '2026-03-04 10:00+00', 'Accepted' ] ]);
count_all($late);
$late->psql("INSERT INTO call_log.teams VALUES ('', 'bob', 'north')");
is($late->psql(comparison('team')), '', 'an agent of another team takes along the figures of the calls');
count_all($late);
is($late->psql(comparison('team')), '', 'and they are counted so');

# A part of a day that is not counted yet is of a call that is: when it goes, the call is
# what the others made of it, also where it was counted.
for my $goes ([ 'is deleted', sub { $late->psql(q{DELETE FROM call_log.calls WHERE (agent, session_id) = ('bob', '3')}) } ],
	[ 'is merged into another', sub { record($late, [ [ { account => '', session_id => '1/4', agent => 'bob', telephony_session_id => 't-4', state => 'final', started_at => strftime_utc($now - 60) } ] ]) } ]) {
	my ($how, $go) = @$goes;
	my $session = $how =~ /deleted/ ? 3 : 4;
	record($late, [ map { [ { account => '', session_id => $session, state => 'final', direction => 'Inbound', from_number => '+1', %$_ } ] }
		{ agent => 'ann', started_at => '2026-03-05 10:00+00', result => 'Missed' },
		{ agent => 'bob', started_at => strftime_utc($now - 60), result => 'Accepted', telephony_session_id => "t-$session" } ]);
	count_all($late);
	is($late->psql(q{SELECT sum(answered) FROM call_log.rolled_team_hours WHERE everyone AND day = '2026-03-05'}), 1, 'a call of a day that is counted was answered by somebody today');
	$go->();
	is($late->psql(comparison($how)), '', "when that part $how, the call is what is left of it");
	count_all($late);
	is($late->psql(comparison("$how, counted")), '', 'and is counted so');
}

# Writers, counters and a rebuild at once.
$cluster->psql('DROP TABLE IF EXISTS feed; UPDATE call_log.settings SET report_time_zone = \'Europe/Berlin\'');
my @writer;
for my $n (1 .. 3) {
	feed($cluster, "feed$n", [ map { batch() } 1 .. 40 ]);
	push @writer, $cluster->session(join(';', map { my $s = $_; recording("feed$n", step => $s), $s % 9 ? () : $change{ one_of(qw(set_note plain_note plain)) }->() } 0 .. 39), arguments => []);
}
push @writer, $cluster->session('SELECT call_log.roll_up(1);' x 60), $cluster->session('CALL call_log.rebuild_reports()');
wait_for('them to end', sub { !grep { $_->running } @writer }, 120);
# one erases what another is about to note something on
is(join('', grep { /ERROR/ && !/was erased$/ } map { split /\n/, $_->log_text } @writer), '', 'calls are written while reports are counted and rebuilt');
is($cluster->psql(comparison('meanwhile')), '', 'and reports are right');
count_all($cluster);
is($cluster->psql('SELECT count(*) FROM call_log.marks') . $cluster->psql(comparison('afterwards')), 0, 'also when all is counted');
done_testing;
