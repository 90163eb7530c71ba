# Who reads what: an agent's database role own calls, a supervisor's those of the team,
# an analyst's all, one that is not listed nothing; in every view there is, whatever is
# tried. And the calls as CSV, by the command in README.md.
use v5.32;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Cluster;
use Feed qw(record);
use Process qw(root run scratch slurp spew);

my $cluster = Cluster->new(settings => { fsync => 'off', jit => 'off' });
$cluster->create_db('crm');
my $db = $cluster->database('crm');
$db->install_schema;
my $readme = slurp(root() . '/README.md');

# Each agent has something for every view, and everything that is text says whose it is.
my @everybody = ([ acme => 'ann' ], [ acme => 'bob' ], [ acme => 'cyd' ], [ beta => 'ann' ], [ beta => 'cyd' ]);
my $n = 0;
my @event;
for (@everybody) {
	my ($account, $agent) = @$_;
	my $mine = "<$account $agent>";
	my %call = (account => $account, agent => $agent, state => 'final', emitted_at => '2026-03-02 10:00+00',
		started_at => sprintf('2026-03-02 09:%02d+00', $n), from_name => "caller of $mine", to_name => "own $mine", direction => 'Inbound');
	my $number = sub { "+49$mine$_[0]" };
	my $id = sub { "$n-$_[0]" };
	push @event, [ { %call, session_id => $id->(1), from_number => $number->(1), result => 'Accepted', duration_s => 100,
			contact_id => "c $mine", contact_name => "contact $mine", contact_picked => 't', recording_id => "r $mine" } ],
	  [ { %call, session_id => $id->(2), from_number => $number->(2), result => 'Missed', duration_s => 5 } ],
	  [ { %call, session_id => $id->(3), from_number => $number->(3), state => 'connected', connected => 't' } ],
	  # a leg that was superseded
	  [ { %call, session_id => $id->(4), direction => 'Outbound', result => 'Call connected', duration_s => 1, other_leg => $id->(5) } ],
	  [ { %call, session_id => $id->(5), direction => 'Outbound', result => 'Call connected', duration_s => 200, logged_by => 'manual', note => "note of $mine" } ];
	$db->psql("INSERT INTO call_log.agents VALUES ('$account', '$agent', false, '2026-03-01')");
	$db->psql("INSERT INTO call_log.recording_accesses (reader_account, reader, account, agent, session_id, recording_id, recording, granted)
		VALUES ('$account', '$agent', '$account', '$agent', '$n-1', 'r $mine', 1, true)");
	$n++;
}
# a queue call that rang at two teams, returned by one of them
push @event, map { [ { agent => $_, session_id => 'q1', state => 'final', direction => 'Inbound', from_number => '+1', from_name => 'Customer',
	result => 'Missed', duration_s => 9, started_at => '2026-03-02 11:00+00', queue_call => 't' } ] } qw(ann cyd);
push @event, [ { agent => 'cyd', session_id => 'q2', state => 'final', direction => 'Outbound', to_number => '+1', to_name => 'returned <acme cyd>',
	result => 'Call connected', duration_s => 9, started_at => '2026-03-02 11:10+00' } ];
record($db, \@event);
$db->psql(<<~'SQL');
	INSERT INTO call_log.teams VALUES ('acme', 'ann', 'sales'), ('acme', 'bob', 'sales'), ('acme', 'cyd', 'service'), ('beta', 'ann', 'sales');
	CREATE ROLE plugin LOGIN IN ROLE call_log_writer;
	CREATE ROLE analyst LOGIN IN ROLE call_log_report;
	CREATE ROLE ann LOGIN IN ROLE call_log_reader;
	CREATE ROLE lead LOGIN IN ROLE call_log_reader;
	CREATE ROLE two LOGIN IN ROLE call_log_reader;
	CREATE ROLE nobody LOGIN IN ROLE call_log_reader;
	INSERT INTO call_log.readers (reader, account, agent) VALUES ('ann', 'acme', 'ann'), ('two', 'acme', 'cyd'), ('two', 'beta', 'ann');
	INSERT INTO call_log.readers (reader, account, team) VALUES ('lead', 'acme', 'sales');
	SQL
my %sees = (
	ann => { agents => [ '<acme ann>' ], teams => [] },
	lead => { agents => [ '<acme ann>', '<acme bob>' ], teams => [ '<acme sales>' ] },
	# neither acme's ann nor beta's cyd
	two => { agents => [ '<acme cyd>', '<beta ann>' ], teams => [] },
	nobody => { agents => [], teams => [] });
my @reader = sort keys %sees;

# ------------------------------------------------------ whatever views there are
my %columns = map { $_->[0] => { map { $_ => 1 } split / /, $_->[1] } } $db->rows(<<~'SQL');
	SELECT c.relname, string_agg(a.attname, ' ') FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	WHERE c.relnamespace = 'call_own'::regnamespace AND c.relkind = 'v' AND a.attnum > 0 GROUP BY 1
	SQL
my @view = sort keys %columns;
cmp_ok(scalar @view, '>=', 17, 'there are views');
sub list { return join ' ', sort @_ }
sub unique { my %seen = map { $_ => 1 } @_; return list(keys %seen) }
# the agents of whom a text tells something
sub told { return unique($_[0] =~ /<\w+ (?:ann|bob|cyd)>/g) }

my $everything = join ' UNION ALL ', map { "SELECT '$_', to_jsonb(v) FROM call_own.$_ v" } @view;
sub all_is_right {
	my ($when) = @_;
	for my $reader (@reader) {
		my ($agents, $teams) = @{ $sees{$reader} }{qw(agents teams)};
		my %row;
		push @{ $row{ $_->[0] } }, $_->[1] for $db->rows($everything, user => $reader);
		for my $view (@view) {
			my $has = $columns{$view};
			my @row = @{ $row{$view} // [] };
			my $name = "$reader reads $view $when";
			my $of = sub { my ($column) = @_; map { /"account": "(\w+)"/; my $account = $1; /"$column": "(\w+)"/; "<$account $1>" } @row };
			if ($has->{agent}) {
				is(unique($of->('agent')), list(@$agents), $name);
			} elsif ($has->{team}) {
				is(unique($of->('team')), list(@$teams), $name);
			} elsif ($has->{agents} && $view ne 'contact') {
				my @foreign = grep { my $row = $_; !grep { my ($account, $agent) = /(\w+)/g; $row =~ /"account": "$account"/ && $row =~ /"agents": \[[^]]*"$agent"/ } @$agents } @row;
				is("@foreign", '', $name);
				is(scalar @row > 0, @$agents > 0, '  what there is');
			} else {
				is($view, 'contact', "$view is a view of which this test knows whose it shows");
				is(unique(map { /contact (<.*?>)/ } @row), list(@$agents), $name);
			}
			my %may = map { $_ => 1 } @$agents;
			is(join(' ', grep { !$may{$_} } "@row" =~ /<\w+ (?:ann|bob|cyd)>/g), '', '  and nothing of others in any column');
		}
	}
}
all_is_right('when nothing is counted');
$db->psql('CALL call_log.rebuild_reports()');
all_is_right('when all is');
is($db->psql(q{SELECT count(*), min(agents::text), min(returned_by) FROM call_own.missed WHERE session_id = 'q1'}, user => 'ann'), '1|{ann,cyd}|cyd',
	'whom a missed call rang at reads who else, and who called back');
is($db->psql('SELECT agents, calls FROM call_own.contact', user => 'ann'), '1|1', 'a contact\'s figures are of own calls');
for my $same (qw(agent_day agent_week agent_month recorded)) {
	is($db->psql("SELECT * FROM call_own.$same", user => 'ann'), $db->psql("SELECT * FROM call_report.$same WHERE account = 'acme' AND agent = 'ann'", user => 'analyst'),
		"$same is for the agent what it is for everybody");
}
for my $same (qw(team team_hour_of_week)) {
	is($db->psql("SELECT * FROM call_own.$same ORDER BY 1, 2, 3, 4", user => 'lead'), $db->psql("SELECT * FROM call_report.$same WHERE account = 'acme' AND team = 'sales' ORDER BY 1, 2, 3, 4", user => 'analyst'),
		"and $same for the supervisor");
}
is($db->psql('SELECT count(DISTINCT (account, agent)) FROM call_report.calls', user => 'analyst'), scalar @everybody, 'an analyst reads everything');
is($db->psql('SET ROLE ann; SELECT DISTINCT account, agent FROM call_own.calls'), 'acme|ann', 'who takes on a role reads what that may');
is($db->psql('SELECT count(*) FROM call_own.calls'), 0, 'a superuser who is not listed nothing, there');
$db->psql(q{UPDATE call_log.teams SET team = 'service' WHERE account = 'acme' AND agent = 'bob'});
is($db->psql('SELECT DISTINCT agent FROM call_own.calls', user => 'lead'), 'ann', 'who leaves the team is not seen any more');
$db->psql(q{UPDATE call_log.teams SET team = 'sales' WHERE account = 'acme' AND agent = 'bob'});

# ------------------------------------------------------------ whatever is tried
sub refused { my ($user, $sql, $why, $name) = @_; like(($db->try_psql($sql, user => $user))[2], $why, $name) }
my $denied = qr/permission denied/;
refused($_, 'SELECT * FROM call_log.calls', $denied, "$_ does not read the table") for @reader, 'analyst';
refused('ann', 'SELECT * FROM call_report.calls', $denied, 'an agent not the views of all calls');
refused('ann', $_, $denied, "nor may do: $_") for
  q{SELECT * FROM call_log.readable_agents}, q{SELECT call_log.desk_calls('acme', 'bob', '', NULL, 50)},
  q{INSERT INTO call_log.readers VALUES ('ann', 'acme', 'bob')}, q{CREATE OR REPLACE VIEW call_own.calls AS SELECT 1}, q{CREATE TABLE call_own.t ()}, q{SET ROLE call_log_views};
refused('ann', $_, qr/permission denied|cannot (?:update|delete)/, "nor: $_") for q{UPDATE call_own.calls SET note = 'x'}, q{DELETE FROM call_own.merged_calls};
refused('ann', 'SET row_security = off; SELECT * FROM call_own.calls', qr/would be affected by row-level security/, 'who has row-level security off is told, not shown');
is(join('', $db->try_psql(q{SELECT count(*) FROM call_own.calls WHERE 1 / (CASE WHEN from_name LIKE '%bob%' THEN 0 ELSE 1 END) = 1}, user => 'ann')), "05\n", 'no error tells of others\' rows');

# Functions that cost nothing and tell what they see, in conditions, as operators with
# estimates, or in the place of those that the views use.
$db->psql(<<~'SQL');
	CREATE SCHEMA trap;
	GRANT CREATE, USAGE ON SCHEMA trap TO PUBLIC;
	ANALYZE;
	SQL
$db->psql(<<~'SQL', user => 'ann');
	CREATE FUNCTION trap.saw(text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE WARNING 'saw %', $1; RETURN true; END $$;
	CREATE FUNCTION trap.saw(text, text) RETURNS boolean LANGUAGE plpgsql COST 0.0000001 AS $$ BEGIN RAISE WARNING 'saw %', $1; RETURN true; END $$;
	CREATE OPERATOR trap.=== (LEFTARG = text, RIGHTARG = text, FUNCTION = trap.saw, RESTRICT = eqsel, JOIN = eqjoinsel);
	CREATE FUNCTION trap.unnest(integer[]) RETURNS SETOF integer LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'saw array %', $1; RETURN; END $$;
	CREATE FUNCTION trap.cardinality(integer[]) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'saw array %', $1; RETURN 1; END $$;
	CREATE FUNCTION trap.round(numeric, integer) RETURNS numeric LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'saw number %', $1; RETURN 1; END $$;
	CREATE FUNCTION trap.upper(tstzrange) RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'saw range %', $1; RETURN now(); END $$;
	CREATE FUNCTION trap.pick(integer, integer) RETURNS integer LANGUAGE plpgsql AS $$ BEGIN RAISE WARNING 'saw number %', $2; RETURN 1; END $$;
	CREATE AGGREGATE trap.array_agg(integer) (SFUNC = trap.pick, STYPE = integer);
	CREATE AGGREGATE trap.sum(numeric) (SFUNC = numeric_add, STYPE = numeric);
	GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA trap TO PUBLIC;
	SQL
$db->psql(q{UPDATE call_log.rollup SET rolled_day = '-infinity', settled_until = '-infinity'});
my %text = map { $_->[0] => 1 } $db->rows(q{SELECT table_name || '.' || column_name FROM information_schema.columns WHERE table_schema = 'call_own' AND data_type = 'text'});
my @trap = map { my $view = $_; map { "SELECT count(*) FROM call_own.$view v WHERE $_" } 'trap.saw(v::text)', map { "trap.saw($_) AND $_ OPERATOR(trap.===) 'x'" }
	grep { $text{"$view.$_"} } sort keys %{ $columns{$view} } } @view;
for my $rolled (0, 1) {
	my $seen = ($db->try_psql(join(";\n", @trap), user => 'ann'))[2];
	like($seen, qr/saw.*<acme ann>/, 'such a function sees own calls' . ($rolled ? ' too when all is counted' : ''));
	is(told($seen), '<acme ann>', 'and nothing else');
	my ($status, $out, $err) = $db->try_psql(join(";\n", 'SET search_path = trap, pg_catalog', map { "SELECT * FROM call_own.$_" } @view), user => 'ann');
	is("$status$err", 0, 'what views are made of is not taken from the reader\'s schemas');
	$db->psql('CALL call_log.rebuild_reports()');
}
$db->psql('DROP SCHEMA trap CASCADE');
unlike($db->psql(join(";\n", map { "EXPLAIN (ANALYZE, VERBOSE) SELECT * FROM call_own.$_" } @view), user => 'ann'), qr/<\w+ \w+>/, 'EXPLAIN tells nothing of calls');

# ------------------------------------------------------------- by the catalogue
is($db->psql(<<~'SQL'), 'company_day, hour_of_week, outcome', 'each view of call_report has its like in call_own, but those of the whole company');
	SELECT string_agg(c.relname, ', ' ORDER BY c.relname) FROM pg_class c
	WHERE c.relnamespace = 'call_report'::regnamespace AND c.relkind = 'v'
	  AND (SELECT array_agg((a.attname, a.atttypid, col_description(c.oid, a.attnum)) ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attnum > 0)
	      IS DISTINCT FROM
	      (SELECT array_agg((a.attname, a.atttypid, col_description(a.attrelid, a.attnum)) ORDER BY a.attnum) FROM pg_attribute a
	       WHERE a.attrelid = to_regclass('call_own.' || c.relname) AND a.attnum > 0)
	SQL
is($db->psql(<<~'SQL'), '', 'each of those is a security_barrier, belongs to call_log_views, is read by readers, and has a comment');
	SELECT string_agg(c.relname, ', ') FROM pg_class c
	WHERE c.relnamespace = 'call_own'::regnamespace
	  AND NOT (c.relkind = 'v' AND coalesce('security_barrier=true' = ANY (c.reloptions), false) AND c.relowner = 'call_log_views'::regrole
	           AND has_table_privilege('call_log_reader', c.oid, 'SELECT') AND NOT has_table_privilege('call_log_reader', c.oid, 'INSERT, UPDATE, DELETE, TRUNCATE')
	           AND obj_description(c.oid, 'pg_class') IS NOT NULL)
	SQL
is($db->psql(<<~'SQL'), '', 'every table that tells of an agent holds back from readers, and from nobody else');
	SELECT string_agg(c.relname, ', ') FROM pg_class c
	WHERE c.relnamespace = 'call_log'::regnamespace AND c.relkind IN ('r', 'p')
	  AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname IN ('agent', 'agents', 'team'))
	  AND NOT (c.relrowsecurity AND 'granted true {0} *' = (SELECT format('%s %s %s %s', p.polname, p.polpermissive::text, p.polroles, p.polcmd) FROM pg_policy p WHERE p.polrelid = c.oid AND p.polpermissive AND pg_get_expr(p.polqual, c.oid) = 'true')
	       AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND NOT p.polpermissive AND p.polcmd = '*' AND p.polroles @> ARRAY['call_log_reader'::regrole, 'call_log_views'::regrole]::oid[]))
	SQL
$db->psql(q{BEGIN; GRANT USAGE ON SCHEMA call_log TO call_log_reader; GRANT ALL ON ALL TABLES IN SCHEMA call_log TO ann; COMMIT});
my @table = map { $_->[0] } $db->rows(q{SELECT relname FROM pg_class WHERE relnamespace = 'call_log'::regnamespace AND relkind = 'r' AND relrowsecurity});
is(told($db->psql(join(";\n", map { "SELECT to_jsonb(t) FROM call_log.$_ t" } @table), user => 'ann')), '<acme ann>', 'so a table that is granted by mistake tells a reader nothing of others');
is($db->psql(q{WITH n AS (UPDATE call_log.calls SET note = 'by ann' WHERE merged_into IS NULL RETURNING agent) SELECT DISTINCT agent FROM n}, user => 'ann'), 'ann', 'nor lets others\' calls be changed');
$db->psql(q{REVOKE USAGE ON SCHEMA call_log FROM call_log_reader; REVOKE ALL ON ALL TABLES IN SCHEMA call_log FROM ann});
is($db->psql(<<~'SQL'), '', 'none is for what analysts read');
	SELECT string_agg(c.relname, ', ') FROM pg_class c
	WHERE c.relnamespace IN ('call_report'::regnamespace, 'call_log'::regnamespace) AND c.relkind IN ('r', 'v')
	  AND (c.relowner <> (SELECT relowner FROM pg_class WHERE oid = 'call_log.calls'::regclass) OR c.relforcerowsecurity)
	SQL
is($db->psql(q{SELECT rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole OR rolcreatedb OR EXISTS (SELECT FROM pg_auth_members m WHERE m.roleid = r.oid OR m.member = r.oid)
	FROM pg_roles r WHERE rolname = 'call_log_views'}), 'f', 'call_log_views may do nothing else, and nobody has it');
is($db->psql(<<~'SQL'), 'agents, calls, live_calls, readable_agent_days, readable_agents, readable_missed_calls, readable_recorded_days, readable_team_hours, recording_accesses, report_zone, settings, teams', 'and reads no more than it needs');
	SELECT string_agg(c.relname, ', ' ORDER BY c.relname) FROM pg_class c
	WHERE c.relnamespace IN ('call_log'::regnamespace, 'call_report'::regnamespace) AND c.relkind IN ('r', 'v') AND has_any_column_privilege('call_log_views', c.oid, 'SELECT, INSERT, UPDATE')
	SQL
is($db->psql(<<~'SQL'), '', 'what readers run is bound when it is made');
	-- outcome() is run where calls are written
	SELECT string_agg(p.oid::regprocedure::text, ', ') FROM pg_proc p JOIN pg_language l ON l.oid = p.prolang
	WHERE p.pronamespace = 'call_log'::regnamespace AND has_function_privilege('call_log_reader', p.oid, 'EXECUTE') AND p.proname <> 'outcome'
	  AND p.prokind = 'f' AND p.prosqlbody IS NULL AND NOT coalesce('search_path=pg_catalog, pg_temp' = ANY (p.proconfig), false)
	SQL
is($db->psql(<<~'SQL'), '', 'neither the writer nor a reader may delete anything, nor a reader write');
	SELECT string_agg(r || ' ' || c.oid::regclass, ', ') FROM pg_class c, unnest('{call_log_writer,call_log_report,call_log_reader,call_log_views}'::text[]) AS r
	WHERE c.relnamespace IN ('call_log'::regnamespace, 'call_report'::regnamespace, 'call_own'::regnamespace) AND c.relkind IN ('r', 'v')
	  AND c.relowner <> r::regrole
	  AND (has_table_privilege(r, c.oid, 'DELETE, TRUNCATE, TRIGGER')
	       OR r <> 'call_log_writer' AND has_any_column_privilege(r, c.oid, 'INSERT, UPDATE'))
	SQL
refused('plugin', 'DELETE FROM call_log.calls', $denied, 'the writer cannot delete');
is($db->psql('SELECT count(DISTINCT (account, agent)) FROM call_log.calls', user => 'plugin'), scalar @everybody, 'it has all calls, though');

# ------------------------------------------------------ if the owners got lost
$db->psql('ALTER VIEW call_own.contact OWNER TO postgres');
refused('ann', 'SELECT * FROM call_own.calls', qr/do not belong to call_log_views.*HINT:  SELECT call_log\.make_own_reports\(\)/s, 'views that nobody would hold back show nothing');
$db->psql('SELECT call_log.make_own_reports()');
is($db->psql('SELECT count(*) FROM call_own.contact', user => 'ann'), 1, 'as it says, they are made anew');
$db->psql('CREATE VIEW call_report.mine AS SELECT agent, calls FROM call_report.agent_day; CREATE VIEW call_report.ours AS SELECT calls FROM call_report.company_day');
like(($db->try_psql('SELECT call_log.make_own_reports()'))[2], qr/\A\S+ WARNING:  call_report\.ours has no like in call_own: .*\Z/, 'a view of the company that somebody added is told of');
is($db->psql('SELECT DISTINCT agent FROM call_own.mine', user => 'ann'), 'ann', 'and others have theirs');

# ------------------------------------------------------------ README.md, and CSV
my $dir = scratch();
mkdir "$dir/build" or die $!;
spew("$dir/build/psql.env", join '', map { "export $_\n" } 'PGHOST=' . $cluster->dir, 'PGPORT=' . $cluster->port, 'PGUSER=postgres', 'PGDATABASE=crm');
sub typed {
	my ($like) = @_;
	my ($block) = grep { $_ =~ $like } $readme =~ /^```sh\n(.*?)^```$/gms;
	ok($block, "README.md says how: $like") or return;
	my ($status, $out, $err) = run([ 'sh', '-ec', ". build/psql.env\n" . $block =~ s/^sudo -u postgres //mgr ], dir => $dir);
	is("$status$err", 0, '  and it works') or diag $block;
	return $out;
}
record($db, [ map { [ { account => '', session_id => "d-$_", agent => $_, state => 'final', direction => 'Inbound', result => 'Accepted', duration_s => 5, started_at => '2026-03-02 10:00+00' } ] } qw(dana sam lee) ]);
typed(qr/INSERT INTO call_log\.teams/);
typed(qr/INSERT INTO call_log\.readers/);
is($db->psql('SELECT agent FROM call_own.calls', user => 'dana'), 'dana', 'and so an agent reads own calls');
is($db->psql('SELECT agent FROM call_own.calls ORDER BY 1', user => 'kim'), "dana\nsam", 'a supervisor those of the team');

$db->psql('TRUNCATE call_log.calls CASCADE; TRUNCATE call_log.teams');
record($db, [
	[ { account => '', session_id => 1, agent => 'dana', state => 'final', direction => 'Inbound', from_number => '+4930123', from_name => '=HYPERLINK("http://x")', to_number => '101',
		result => 'Accepted', duration_s => 61, started_at => '2026-03-28 23:30+00', queue_call => 't', contact_id => 'c-1', contact_name => '@Ada, "Ltd"', contact_picked => 't',
		logged_by => 'manual', note => "-two\nlines", recording_id => 'r', recording_link => 'https://r', ai_note => 'fine' } ],
	[ { account => '', session_id => 2, agent => 'sam', state => 'final', direction => 'Outbound', to_number => "+49'30", to_name => '－full', result => 'No Answer', duration_s => 9, started_at => '2026-03-29 01:30+00' } ],
	[ { account => '', session_id => 3, agent => 'sam', state => 'ringing', direction => 'Inbound', from_number => '+1', started_at => '2026-03-31 22:00+00' } ] ]);
$db->psql(q{INSERT INTO call_log.teams VALUES ('', 'dana', 'sales')});
typed(qr/call_report\.export/);
is(slurp((glob "$dir/build/*.csv")[0] // die 'no file') =~ s/,\d+(,'?\d+,[-0-9: +]+)$/,ID$1/mgr, <<~'CSV', 'a month of calls is in the file, times of the reports\' time zone, nothing in it a formula');
	day,started_at,ended_at,account,agent,team,direction,outcome,result,duration_s,talk_s,other_number,other_name,from_number,to_number,queue_call,contact_id,contact_name,note,ai_note,recording_link,logged_by,id,session_id,began_at
	2026-03-29,2026-03-29T00:30:00+01:00,2026-03-29T00:31:01+01:00,,dana,sales,Inbound,answered,Accepted,61,61,+4930123,"'=HYPERLINK(""http://x"")",+4930123,101,yes,c-1,"'@Ada, ""Ltd""","'-two
	lines",fine,https://r,manual,ID,1,2026-03-28 23:30:00+00
	2026-03-29,2026-03-29T03:30:00+02:00,2026-03-29T03:30:09+02:00,,sam,,Outbound,no_answer,No Answer,9,,'+49'30,'－full,,'+49'30,,,,,,,auto,ID,2,2026-03-29 01:30:00+00
	2026-04-01,2026-04-01T00:00:00+02:00,,,sam,,Inbound,,,,,+1,,+1,,,,,,,,auto,ID,3,2026-03-31 22:00:00+00
	CSV
is($db->psql(q{SET TimeZone = 'America/New_York'; SELECT started_at FROM call_report.export WHERE id = (SELECT min(id) FROM call_report.calls)}), '2026-03-28T19:30:00-04:00', 'or those of the session\'s');
done_testing;
