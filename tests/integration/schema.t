# The schema: installed by psql alone, twice without harm, from any older version;
# every object explained; what is missing told; reports right.
use v5.32;
use warnings;
use File::Glob qw(bsd_glob);
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Cluster;
use Feed qw(feed record recording);
use Process qw(root run_ok);

my $cluster = Cluster->new(settings => { fsync => 'off' });
my @migration = map { m{([^/]+)$} } sort(bsd_glob(root() . '/sql/migrations/*.sql'));
my $check = sub { $cluster->psql_file(root() . '/sql/install.sql', arguments => [ '-v', 'check=1' ], @_) };

is($check->(), join("\n", map { "missing: migrations/$_" } @migration), 'the check names every migration that is missing');
# Roles belong to the server: whoever installs second finds them there.
for my $installer ([ boss => 'CREATEROLE' ], [ owner => '' ]) {
	my ($name, $attributes) = @$installer;
	$cluster->create_role($name, $attributes);
	$cluster->psql("CREATE DATABASE of_$name OWNER $name");
	my ($status, undef, $complaint) = $cluster->try_psql(undef, file => root() . '/sql/install.sql', dbname => "of_$name", user => $name);
	is($status, 0, "$name, no superuser, installs too") or diag $complaint;
	if ($attributes) {
		is($complaint, '', 'without a complaint');
	} else {
		like($complaint, qr/WARNING:  schema call_own is not made.*HINT:  GRANT call_log_views TO owner; and then, as owner: SELECT call_log.make_own_reports/s, 'but the views of call_own, and is told what that takes');
		$cluster->psql('GRANT call_log_views TO owner');
		$cluster->psql('SELECT call_log.make_own_reports()', dbname => "of_$name", user => $name);
	}
	$cluster->psql("CREATE ROLE reader_of_$name LOGIN IN ROLE call_log_reader");
	is($cluster->psql('SELECT count(*) FROM call_own.agent_day', dbname => "of_$name", user => "reader_of_$name"), 0, 'and so it has all views');
}

$cluster->install_schema;
is($check->(), '', 'after the installation it names none');
my $dump = sub { $cluster->psql(q{SELECT string_agg(format('%s %s', version, applied_at), ',' ORDER BY version) FROM call_log.migrations}) };
my $before = $dump->();
$cluster->install_schema;
is($dump->(), $before, 'a second installation changes nothing');
is($cluster->psql('SELECT call_log.schema_version()'), scalar @migration, 'the version is the number of migrations');

$cluster->create_db('older');
for my $file (@migration[ 0, 1 ]) {
	$cluster->psql_file(root() . "/sql/migrations/$file", dbname => 'older');
}
is($check->(dbname => 'older'), join("\n", map { "missing: migrations/$_" } @migration[ 2 .. $#migration ]), 'an older schema lacks the rest');
$cluster->install_schema(dbname => 'older');
is($check->(dbname => 'older'), '', 'and is brought up to date');

is($cluster->psql(<<~'SQL'), '', 'every table, column, view, function, type and index that is ours has a comment');
	SELECT string_agg(what, E'\n' ORDER BY what) FROM (
		SELECT c.oid::regclass::text AS what FROM pg_class c
		WHERE c.relnamespace IN ('call_log'::regnamespace, 'call_report'::regnamespace, 'call_own'::regnamespace) AND c.relkind IN ('r', 'v', 'i')
		  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = c.oid) AND obj_description(c.oid, 'pg_class') IS NULL
		UNION ALL
		SELECT a.attrelid::regclass || '.' || a.attname FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid
		WHERE c.relnamespace IN ('call_log'::regnamespace, 'call_report'::regnamespace, 'call_own'::regnamespace) AND c.relkind IN ('r', 'v')
		  AND a.attnum > 0 AND NOT a.attisdropped AND col_description(a.attrelid, a.attnum) IS NULL
		UNION ALL
		SELECT p.oid::regprocedure::text FROM pg_proc p
		WHERE p.pronamespace = 'call_log'::regnamespace AND obj_description(p.oid, 'pg_proc') IS NULL
		UNION ALL
		SELECT t.typname FROM pg_type t JOIN pg_class c ON c.oid = t.typrelid
		WHERE c.relkind = 'c' AND t.typnamespace = 'call_log'::regnamespace AND obj_description(t.oid, 'pg_type') IS NULL
	) AS missing
	SQL

# The figures of agent_day, on calls that can be counted by eye.
sub event { return { state => 'final', agent => 'ann', started_at => '2026-03-02 10:00+00', @_ } }
record($cluster, [ [
	event(session_id => 1, direction => 'Inbound', result => 'Accepted', duration_s => 10),
	event(session_id => 2, direction => 'Outbound', result => 'Call connected', duration_s => 20, logged_by => 'manual', note => 'n'),
	event(session_id => 3, direction => 'Outbound', result => 'Call connected', duration_s => 60),
	event(session_id => 4, direction => 'Inbound', result => 'Missed', duration_s => 30),
	event(session_id => 5, direction => 'Inbound', result => 'Voicemail', duration_s => 15),
	event(session_id => 6, direction => 'Inbound', state => 'connected', result => 'CallConnected', duration_s => 500),
	event(session_id => 7, direction => 'Inbound', result => 'Accepted', duration_s => 7, started_at => '2026-03-02 23:30+00') ] ]);
my $day = 'SELECT concat_ws(\'|\', day, calls, inbound, outbound, answered, missed, voicemail, talk_total_s, talk_average_s, talk_median_s, with_note) FROM call_report.agent_day ORDER BY day';
is($cluster->psql($day), '2026-03-02|7|5|2|4|1|1|97|24.3|15.0|1', 'agent_day counts right, talk time of answered calls only');
is($cluster->psql("SET TimeZone = 'Europe/Berlin'; $day"),
	"2026-03-02|6|4|2|3|1|1|90|30.0|20.0|1\n2026-03-03|1|1|0|1|0|0|7|7.0|7.0|0", 'by the days of the session\'s time zone');

# Calls are found by the index made for the search, also by a plan that was made
# while the table was empty, small or unknown, and that a session keeps.
$cluster->create_db('plans');
$cluster->install_schema(dbname => 'plans');
my @search = (
	[ calls_pkey => q{session_id = '1'}, 'a call by its key' ],
	[ calls_telephony_session => q{telephony_session_id = '1'}, 'the same call under another name' ],
	[ calls_other_leg => q{other_leg = '1'}, 'the other leg' ],
	[ calls_several_names => q{(telephony_session_ids IS NOT NULL OR other_legs IS NOT NULL) AND '1' = ANY (other_legs)}, 'calls of several names' ],
	[ calls_zero => q{(session_id = telephony_session_id OR session_id LIKE '0/%')}, 'calls without a name' ],
	[ calls_merged => q{merged_into = '1' AND merged_into IS NOT NULL}, 'the other names of a call' ],
	[ calls_unstarted => q{started_at IS NULL AND merged_into IS NULL ORDER BY session_id DESC LIMIT 51}, 'calls that never began' ],
	[ calls_started => q{started_at IS NOT NULL AND started_at <= coalesce($3, 'infinity') AND merged_into IS NULL
		ORDER BY started_at DESC, session_id DESC LIMIT 51}, 'the newest calls' ]);
sub plans_are_right {
	my ($when) = @_;
	my @explain = map { "EXPLAIN (COSTS OFF) EXECUTE s$_ ('', 'ann', NULL)" } 0 .. $#search;
	my @prepare = map { "PREPARE s$_ (text, text, timestamptz) AS SELECT * FROM call_log.calls WHERE account = \$1 AND agent = \$2 AND $search[$_][1]" } 0 .. $#search;
	my @plan = split /^next$/m, $cluster->psql(join(";\n", 'SET enable_seqscan = off', 'SET plan_cache_mode = force_generic_plan', @prepare, join(";\n\\echo next\n", @explain)), dbname => 'plans');
	like($plan[$_], qr/(?:using|on) $search[$_][0]\b/, "$search[$_][2], $when") for 0 .. $#search;
}
plans_are_right('in a new table');
$cluster->psql('VACUUM call_log.calls', dbname => 'plans');
plans_are_right('in one that was vacuumed while empty');
sub grow {
	$cluster->psql(qq{INSERT INTO call_log.calls (account, agent, session_id, telephony_session_id, started_at, state, logged_by, connected, last_event_at, rank, ranks)
		SELECT '', (ARRAY['ann', 'bob', 'cyd'])[1 + n % 3], n, 's-' || n, now() - n * interval '1 min', 'final', 'auto', true, now(), '\\x00',
		       json_populate_record(NULL::call_log.fact_ranks, '{}') FROM generate_series($_[0], $_[1]) AS n}, dbname => 'plans');
}
grow(1, 100);
plans_are_right('in one that has grown since');
$cluster->psql('ANALYZE call_log.calls', dbname => 'plans');
plans_are_right('in one that is known to be small');
grow(101, 5000);
$cluster->psql('VACUUM ANALYZE call_log.calls', dbname => 'plans');
plans_are_right('and in one that is not');

# So is the one by which a usual event is written, in a session that began when there
# were no calls yet.
$cluster->create_db('grown');
$cluster->install_schema(dbname => 'grown');
my $grown = $cluster->database('grown');
$grown->psql('VACUUM ANALYZE call_log.calls');
my $batch = sub { my ($state, @id) = @_; return [ map { event(session_id => $_, state => $state, emitted_at => $state eq 'ringing' ? '2026-03-02 10:00:00+00' : '2026-03-02 10:01:00+00') } @id ] };
feed($grown, 'feed', [ $batch->('ringing', 1), (map { my $from = 1000 * $_; $batch->('ringing', map { $from + $_ } 1 .. 1000) } 1 .. 4), $batch->('connected', 1001 .. 1200) ]);
my ($read) = $grown->psql(join ";\n", (map { recording('feed', step => $_) } 0 .. 4), 'BEGIN', recording('feed', step => 5),
	q{SELECT 'read ' || idx_tup_fetch FROM pg_stat_xact_user_tables WHERE relid = 'call_log.calls'::regclass}, 'COMMIT') =~ /^read (\d+)/m;
cmp_ok($read, '<', 1000, 'a batch of 200 of 4,001 calls looks at few others');

# What pg_dump writes can be restored, and is then dumped the same.
my $dump_of = sub {
	my ($out) = run_ok([ $cluster->bin('pg_dump'), '-d', $cluster->conninfo(dbname => $_[0]) ]);
	return $out =~ s/^\\(un)?restrict .*\n//gmr;
};
record($cluster, [ map { my $t = $_; [ map { event(session_id => $_, telephony_session_id => 's-' . int($_ / 2), emitted_at => "2026-03-02 10:0$t:00+00",
		from_name => $t ? undef : 'Å\\"', logged_by => 'manual', note => "note $t", form => '{"a":1}', contact_id => 'c', contact_picked => 't',
		body => '{"a": "\u0041"}') } 10 .. 19 ] } 0, 1 ]);
$cluster->create_db('restored');
my $dumped = $dump_of->('postgres');
$cluster->psql($dumped, dbname => 'restored');
ok($dump_of->('restored') eq $dumped, 'a dump with merged calls and notes restores to the same');
is($check->(dbname => 'restored'), '', 'nothing is missing in it');
is($cluster->psql(q{SELECT string_agg(DISTINCT note, ',') FROM call_log.calls WHERE session_id = '10';
	UPDATE call_log.calls SET note = 'x' WHERE session_id = '10'; SELECT count(*) FROM call_log.notes WHERE note = 'x'}, dbname => 'restored'),
	"note 1\n1", 'and it works on');

done_testing;
