# What was changed elsewhere is told once by changes_since(), whatever was open, cut
# or promoted meanwhile: to all agents' listeners, and to who asks for one agent.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Feed qw(record);
use IPC::Open2 qw(open2);
use Test::More;

my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
$cluster->create_role('asker', 'IN ROLE call_log_writer');
record($cluster, [ [ map { { agent => $_, session_id => "${_}1" }, { agent => $_, session_id => "${_}2" } } qw(ann bob) ] ]);

# Asks for what is new since the cursor, which is moved: the sessions, in the order
# told; and whether there is a gap.
sub since {
	my ($cursor, %ask) = @_;
	my @arguments = map { defined $_ ? "'" . s/'/''/gr . "'" : 'NULL' } $$cursor, @ask{qw(account agent)};
	my @rows = ($ask{at} // $cluster)->rows('SELECT * FROM call_log.changes_since(' . join(', ', @arguments, $ask{many} // 1000) . ')',
		user => 'asker', $ask{dbname} ? (dbname => $ask{dbname}) : ());
	my $first = shift @rows;
	$$cursor = $first->[0];
	return join ' ', $first->[1] eq 't' ? 'gap:' : (), map { $_->[4] } @rows;
}
sub note_sql { my ($id, $note) = @_; return sprintf q(SELECT call_log.set_note('acme', '%s', '%s', '%s');), $id =~ s/\d//gr, $id, $note // 'x' }
sub set_note { $cluster->psql(note_sql(@_)) }

# A session that stays open.
sub open_session {
	my ($sql) = @_;
	my $pid = open2(my $said, my $ask, $cluster->bin('psql'), '-XqAt', '-d', $cluster->conninfo);
	$ask->autoflush(1);
	my $session = { pid => $pid, said => $said, ask => $ask };
	query($session, $sql);
	return $session;
}
sub query {
	my ($session, $sql) = @_;
	print { $session->{ask} } "$sql\n\\echo done\n";
	while ((readline($session->{said}) // die 'psql ended') ne "done\n") { }
}
sub end { my ($session) = @_; close $session->{ask}; readline $session->{said}; waitpid $session->{pid}, 0 }

my $cursor;
set_note('ann1', 'before');
is since(\$cursor), '', 'a beginning tells nothing';
is since(\$cursor), '', 'nor does a look when nothing changed';
set_note('ann1');
$cluster->psql(q(UPDATE call_log.calls SET note = 'sql' WHERE session_id = 'bob1'));
is since(\$cursor), 'ann1 bob1', 'set_note() and a plain UPDATE are told';
is since(\$cursor), '', 'once';
record($cluster, [ [ { session_id => 'ann1', logged_by => 'manual', note => 'mine', hash => 1 } ] ]);
is since(\$cursor), '', 'what the widget saves is not from elsewhere';

# ------------------------------------------------------- open transactions
my $slow = open_session('BEGIN; ' . note_sql('ann2', 'slow'));
my @told;
set_note("bob$_"), push @told, since(\$cursor) for 1, 2;
my $other = open_session('BEGIN; ' . note_sql('bob1'));
push @told, since(\$cursor);
query($slow, 'COMMIT;');
push @told, since(\$cursor);
query($other, 'ROLLBACK;');
push @told, since(\$cursor);
is_deeply \@told, [ 'bob1', 'bob2', '', 'ann2', '' ],
  'a save is told when it is committed, however long that took, and what came meanwhile is not told again';
end($_) for $slow, $other;

# ------------------------------------------------------------- one agent's
my ($ann, $bob);
since(\$ann, account => 'acme', agent => 'ann');
since(\$bob, account => 'acme', agent => 'bob');
set_note($_) for qw(ann2 bob2 ann1);
is since(\$ann, account => 'acme', agent => 'ann'), 'ann2 ann1', 'an agent is told of its own calls';
is since(\$bob, account => 'acme', agent => 'bob'), 'bob2', 'as is another';
my $strange = $cursor;
is since(\$strange, account => 'other', agent => 'ann'), '', 'of another account nothing';
is since(\$cursor), 'ann2 bob2 ann1', 'and a listener of all';

# ------------------------------------------------------- more than one page
$cluster->psql(q(BEGIN; UPDATE call_log.calls SET note = note || n FROM generate_series(1, 2) n;
	UPDATE call_log.calls SET note = note || 'y'; COMMIT;) . note_sql('ann1'));
$slow = open_session('BEGIN; ' . note_sql('bob2', 'slow'));
@told = since(\$cursor, many => 3);
query($slow, 'COMMIT;');
end($slow);
push @told, since(\$cursor, many => 3) for 1 .. 4;
is_deeply [ map { scalar split } @told ], [ 3, 3, 3, 0, 1 ], 'many changes of one transaction are told in pages, and what is committed meanwhile after them';
is_deeply [ sort map { split } @told ], [ qw(ann1 ann1 ann1 ann2 ann2 bob1 bob1 bob2 bob2 bob2) ], 'each save once';

# ------------------------------------------------------------ by the time
my $lately = '-3600000';
is +(split ' ', since(\$lately))[0], 'ann1', 'what was saved lately can be asked for';
is since(\$lately), '', 'and then what came since';
my $past = '-0';
is since(\$past), '', 'what is older than that is not told';
is since(\$past, many => 2), '', 'nor in pages';
$lately = '-3600000';
my $pages = 0;
$pages++ while since(\$lately, many => 4);
cmp_ok $pages, '>=', 5, 'that comes in pages too';

# ---------------------------------------------- cursors that are not of here
my $lost = $cursor;
$cluster->create_db('other');
$cluster->install_schema(dbname => 'other');
like since(\$lost, dbname => 'other'), qr/^gap:$/, 'the cursor of another database is known as such';
is since(\$lost, dbname => 'other'), '', 'and is replaced';
set_note('ann2', 'after');
for my $none ('', 'x', '-', $cursor =~ s/ \S+$/ 5:3:/r, $cursor =~ s/^\S+/1.00000001.5/r, $cursor =~ s/ \S+$/ 900000000:900000000:/r, $cursor =~ s/ (\d+):\S+$/ $1:$1:1,/r) {
	my $cursor = $none;
	like since(\$cursor), qr/^gap: .*ann2$/, "a gap, and what is young: '$none'";
	is since(\$cursor), '', 'and it works on';
}
is since(\$cursor), 'ann2', 'the right one tells what is new';
is $cluster->psql('SELECT count(*) FROM call_log.changes_since(call_log.server_name(), how_many => 0)'), 2, 'a page holds one at least';

# ------------------------------------------------------------ its price
$cluster->psql(q(INSERT INTO call_log.notes (account, agent, session_id, saved_at, request_id)
	SELECT 'acme', 'ann', 'ann1', now() - n * interval '1 s', CASE WHEN n % 2 = 0 THEN 'r' ELSE 'sql/' END || n FROM generate_series(1, 20000) n));
since(\$cursor, many => 100_000);
set_note('bob1');
my $read = sub {
	my ($ask) = @_;
	my $now = q(SELECT sum(pg_stat_get_xact_tuples_returned(oid)) FROM pg_class WHERE oid = 'call_log.notes'::regclass
		OR oid IN (SELECT indexrelid FROM pg_index WHERE indrelid = 'call_log.notes'::regclass));
	return $cluster->psql("BEGIN; SELECT count(*) FROM call_log.changes_since($ask) \\g /dev/null\n$now; COMMIT");
};
cmp_ok $read->("'$cursor'"), '<=', 5, 'a look reads what is new, not what there is';
cmp_ok $read->("'$cursor', 'acme', 'ann'"), '<=', 5, 'for one agent as well';
cmp_ok $read->(q('-1000')), '<=', 5, 'and by the time';

# ------------------------------------------------------------- promotion
my $standby = Cluster->new(start => 0);
$standby->follow($cluster);
my $there = $cursor;
$cluster->stop('immediate');
$standby->promote;
$standby->psql(note_sql('ann2', 'on the new one'));
like since(\$there, at => $standby), qr/^gap: .*ann2$/, 'after a promotion what is young is told, with a gap';
$standby->psql(note_sql('bob1'));
is since(\$there, at => $standby), 'bob1', 'and then exactly what is new';
$standby->restart;
$standby->psql(note_sql('bob2'));
is since(\$there, at => $standby), 'bob2', 'also after a restart';
done_testing;
