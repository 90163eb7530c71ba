# A database as the first release left it, with calls in it and people writing: after
# the installation of today every call, note and answer is what it was, nobody has lost
# a right, nothing that was written meanwhile is missing, and reports count all of it.
use v5.32;
use warnings;
use Digest::SHA;
use File::Glob qw(bsd_glob);
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use Cluster;
use Feed qw(feed recording);
use PlainCount qw(comparison);
use Process qw(root run_ok wait_for);

my @migration = sort(bsd_glob(root() . '/sql/migrations/*.sql'));
my @released = @migration[ 0 .. 6 ];
my $digest = Digest::SHA->new(256);
$digest->addfile($_) for @released;
is($digest->hexdigest, 'bca7db53faf786dbf61405a999dfa72f2e1d1286a3fb6f4f8563e172e4dfbaa4', 'what was released is not edited');

my $cluster = Cluster->new(settings => { fsync => 'off', autovacuum => 'off' });
$cluster->create_db($_) for qw(old new);
my $old = $cluster->database('old');
$old->psql_file($_) for @released;

# ---------------------------------------------------------- what was recorded
my $hour = time - time % 3600;
my $serial = 0;
sub at { my @t = gmtime($hour - 3600 * $_[0]); sprintf '%04d-%02d-%02d %02d:%02d:00+00', $t[5] + 1900, $t[4] + 1, @t[ 3, 2, 1 ] }
sub event {
	my ($id, $agent, $hours_ago, %more) = @_;
	return { account => '', session_id => $id, agent => $agent, request_id => 'r' . ++$serial, hash => $serial, state => 'final', direction => 'Inbound',
		result => 'Accepted', duration_s => 60 + length $id, from_number => '+1' . substr($id, -1), to_number => '101', started_at => at($hours_ago), emitted_at => at($hours_ago), %more };
}
my @batch = (
	# several days of two agents; missed calls, some returned
	(map { my $n = $_; [ map { event($n, $_, 5 * $n, $n % 3 ? () : (result => 'Missed', duration_s => 5), body => '{"a": "\u0041"}') } qw(ann bob) ] } 1 .. 30),
	[ event(40, 'ann', 3, direction => 'Outbound', result => 'Call connected', to_number => '+13') ],
	# notes, contacts, forms; saved twice
	(map { [ event(41, 'ann', 4, logged_by => 'manual', note => "Zo\xc3\xab \\ $_", form => '{"b":[1,2]}', contact_id => 'c', contact_name => 'C', contact_picked => 't', emitted_at => at(4 - $_)) ] } 1, 2),
	# one call under two names, RingOut legs, a conference, several names of one
	[ event(50, 'ann', 20, telephony_session_id => 's-1', logged_by => 'manual', note => 'of the first') ], [ event(51, 'ann', 20, telephony_session_id => 's-1') ],
	[ event(52, 'bob', 21) ], [ event(53, 'bob', 21, other_leg => '52') ],
	[ event(54, 'bob', 22, telephony_session_id => 's-2') ], [ event(54, 'bob', 22, telephony_session_id => 's-3') ],
	[ event('0/7', 'bob', 0, duration_s => 9, from_number => '+19', state => 'connected', result => 'CallConnected') ],
	[ event(39, 'bob', 405) ],
	# live ones; one that nobody ever heard of again; one without a start; one moved
	[ event(60, 'ann', 0, state => 'ringing', result => 'Ringing', duration_s => undef) ], [ event(61, 'bob', 70, state => 'connected', result => undef) ],
	[ event(62, 'ann', 1, started_at => undef, state => 'ended', result => 'Disconnected') ],
	[ event(63, 'ann', 30, state => 'ringing', result => 'Ringing') ], [ event(63, 'ann', 54) ]);
feed($old, 'feed', \@batch);
$old->psql('CREATE UNLOGGED TABLE fed (step integer, written integer);' . recording('feed') . <<~'SQL');
	SELECT call_log.set_note('', 'bob', '3', 'by somebody''s script');
	UPDATE call_log.calls SET note = 'by plain SQL' WHERE (agent, session_id) = ('ann', '4');
	SELECT call_log.desk('rc-callLogger-auto-log-notify', '', 'ann', now(), '{"autoLog": false}');
	SELECT call_log.trigger_calls('{""}', '{ann}', '{5}');
	INSERT INTO call_log.rejected VALUES ('', 'ann', '70', 'r70', now(), '22021', 'SQLSTATE 22021', '{"account": "", "agent": "ann", "session_id": "70"}');
	SQL
# what an administrator had built upon it
$cluster->create_role('dashboard');
$old->psql(<<~'SQL');
	GRANT USAGE ON SCHEMA call_report TO dashboard; GRANT SELECT ON call_report.agent_day TO dashboard;
	CREATE VIEW busy AS SELECT * FROM call_report.agent_day WHERE calls > 1;
	SQL

# Everything in the tables and views of then, by the columns of then, and what is said of it.
my @column = map { [ split /\|/ ] } split /\n/, $old->psql(<<~'SQL');
	SELECT c.oid::regclass, string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid
	WHERE c.relnamespace IN ('call_log'::regnamespace, 'call_report'::regnamespace) AND c.relkind IN ('r', 'v') AND a.attnum > 0
	  AND c.relname <> 'migrations' GROUP BY c.oid ORDER BY 1
	SQL
my @late = ([ event(80, 'ann', 400) ], [ event(81, 'bob', 401) ], [ event(82, 'bob', 402), event(39, 'bob', 405, result => 'Voicemail', emitted_at => at(0)) ],
	[ event(83, 'bob', 403, telephony_session_id => 's-4', logged_by => 'manual', note => 'late') ], [ event(84, 'bob', 403, telephony_session_id => 's-4') ]);
sub content {
	return $old->psql(join(";\n", (map {
		my ($table, $columns) = @$_;
		my $early = $columns =~ /\bsession_id\b/ ? "session_id NOT IN ('39', '80', '81', '82', '83', '84')" : $columns =~ /\bday\b/ ? "day > '" . at(300) . "'" : 'true';
		"\\echo $table\nSELECT ROW ($columns)::text FROM $table AS t WHERE $early ORDER BY 1";
	} @column),
		q{SELECT m.* FROM unnest('{ann,bob}'::text[]) AS a, call_log.match_calls(array_fill(''::text, '{70}'), array_fill(a, '{70}'), (SELECT array_agg(n::text) FROM generate_series(0, 69) AS n)) AS m WHERE m.ordinal <> 40 ORDER BY a, m.ordinal},
		q{SELECT call_log.desk('call_log/call', '', 'ann', now(), '{"sessionId": "50"}')}) . ";\n");
}
my $rights = <<~'SQL';
	SELECT format('%s %s %s', coalesce(r.rolname, 'PUBLIC'), x.privilege_type, o.name) FROM (
		SELECT c.oid::regclass::text, c.relacl FROM pg_class c WHERE c.relkind IN ('r', 'v') AND c.relnamespace IN ('call_log'::regnamespace, 'call_report'::regnamespace)
		UNION ALL SELECT a.attrelid::regclass || '.' || a.attname, a.attacl FROM pg_attribute a WHERE a.attacl IS NOT NULL
		UNION ALL SELECT p.oid::regprocedure::text, coalesce(p.proacl, acldefault('f', p.proowner)) FROM pg_proc p WHERE p.pronamespace = 'call_log'::regnamespace
		UNION ALL SELECT n.nspname, n.nspacl FROM pg_namespace n WHERE n.nspname LIKE 'call%') AS o (name, acl)
	CROSS JOIN LATERAL aclexplode(o.acl) AS x LEFT JOIN pg_roles r ON r.oid = x.grantee WHERE r.rolname IS DISTINCT FROM 'postgres'
	SQL
my $before = content();
my @before = split /\n/, $old->psql($rights);
cmp_ok($before =~ tr/\n//, '>', 150, 'there is much to be lost');

# ---------------------------------------------------------- while people write
feed($old, 'late', \@late);
$old->psql('CREATE TABLE go (who text)');
my $until = sub { "DO \$\$ BEGIN WHILE NOT EXISTS (SELECT FROM go WHERE who = '$_[0]') LOOP PERFORM pg_sleep(0.01); END LOOP; END \$\$;\n" };
my $active = sub { $old->psql("SELECT count(*) FROM pg_stat_activity WHERE application_name = '$_[0]' AND $_[1]") };
my $step = sub { recording('late', step => $_[0]) . ";\n" };
my $writer = $old->session("SET application_name = 'writer'; BEGIN;" . $step->(0) . $until->('writer') . 'COMMIT;');
wait_for('the writer to have written', sub { $active->(writer => q{query LIKE 'DO %' AND state = 'active'}) });
# one that keeps its session, and with it the plans of then
my $waiter = $old->session("\\set VERBOSITY sqlstate\nSET application_name = 'waiter';" . $step->(1) . $until->('waiter') . $step->(2)
	. "\\if :ERROR\n\\echo failed :LAST_ERROR_SQLSTATE\n" . $step->(2) . "\\endif\n" . $step->(3) . $step->(4)
	. "SELECT 'note', call_log.set_note('', 'bob', '84', 'later') <> '';\n", arguments => []);
wait_for('the waiter to be there', sub { $active->(waiter => q{query LIKE 'DO %' AND state = 'active'}) });
my $waits = q{wait_event_type = 'Lock'};
my $install = $old->session(undef, file => root() . '/sql/install.sql', application_name => 'install');
wait_for('the migration to wait for the writer', sub { $active->(install => $waits) });
$old->psql(q{INSERT INTO go VALUES ('waiter')});
wait_for('the waiter to wait for the migration', sub { $active->(waiter => $waits) });
$old->psql(q{INSERT INTO go VALUES ('writer')});
wait_for('all to end', sub { !grep { $_->running } $writer, $waiter, $install }, 60);
is($install->log_text =~ s/.*\n(?=.)//sr, 'call_log: schema is at version ' . @migration . "\n", 'it is migrated, when who had begun to write had ended');
is($writer->log_text, "1\n", 'who lost nothing');
is($waiter->log_text =~ s/^psql:.*\n//mgr, "1\nfailed 42846\n2\n1\n1\nnote|t\n", 'who waited is told to write again, and can');

# ----------------------------------------------------------------- afterwards
is(content() =~ s/"recordings": \[\], //r, $before, 'every call, note, answer and setting is what it was, byte for byte');
is($old->psql(q{SELECT string_agg(session_id || coalesce(' ' || outcome, ''), ',' ORDER BY session_id) FROM call_report.calls WHERE session_id IN ('39', '80', '81', '82', '83', '84')}),
	'39 voicemail,80 answered,81 answered,82 answered,83 answered', 'and what was written meanwhile is there');
my %right = map { $_ => 1 } my @after = split /\n/, $old->psql($rights);
is(join("\n", grep { !$right{$_} } @before), '', 'nobody has lost a right');
my %had = map { $_ => 1 } @before;
is(join("\n", grep { !$had{$_} && !/^(?:call_log_report (?:SELECT call_report|EXECUTE)|call_log_writer (?:EXECUTE call_log\.|SELECT call_log\.(?:rollup$|erasing\.(?:one|until)$|(?:parts|team_hours|agent_days|missed_calls|teams|report_zone|purged)$)|INSERT call_log\.marks|(?:SELECT|INSERT|UPDATE) call_log\.recordings$|INSERT call_log\.recording_accesses$)|call_log_admin (?:USAGE call_log$|SELECT call_log\.(?:erasures|recordings|recording_accesses)$|EXECUTE call_log\.(?:erase_|purge\())|PUBLIC EXECUTE call_log\.(?:percentile|sorted|joined|covered_s|ratio|cell|iso_8601|own_reports_hold)\(|call_log_views (?:USAGE|SELECT)|call_log_reader (?:USAGE call_own|SELECT call_log\.readable_agents)$)/ } @after), '', 'and the roles got those that are new, and nobody others');
is($old->psql('SELECT count(*) > 0 FROM call_report.agent_day', user => 'dashboard') . $old->psql('SELECT count(*) > 0 FROM busy'), 'tt', 'what was built upon a view stands');

is($old->psql(comparison('not counted')), '', 'reports are right, where nothing is counted yet');
$old->psql('CALL call_log.rebuild_reports()');
is($old->psql('SELECT count(*) > 10 FROM call_log.rolled_agent_days') . $old->psql(comparison('counted')), 't', 'and where all is');

# As a new installation makes it, and to be made again without harm.
sub dump_of {
	my ($db, @option) = @_;
	my ($out) = run_ok([ $cluster->bin('pg_dump'), @option, '-n', 'call_log', '-n', 'call_report', '-n', 'call_own', '-d', $cluster->conninfo(dbname => $db) ]);
	return $out =~ s/^\\(un)?restrict .*\n//gmr;
}
my $dump = dump_of('old');
$old->install_schema;
ok(dump_of('old') eq $dump, 'a second installation changes nothing');
$old->psql('DROP VIEW busy; REVOKE ALL ON call_report.agent_day FROM dashboard; REVOKE ALL ON SCHEMA call_report FROM dashboard');
$cluster->install_schema(dbname => 'new');
my @difference = do { my %new = map { $_ => 1 } split /\n/, dump_of('new', '-s'); grep { !$new{$_} } split /\n/, dump_of('old', '-s') };
is(join("\n", @difference), '', 'the schema has nothing that a new one has not');
is(length dump_of('old', '-s'), length dump_of('new', '-s'), 'nor less');
done_testing;
