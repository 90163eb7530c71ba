# What the page of reports asks: the figures are those of the reports, behind each are
# as many calls as it says, and who is no supervisor has her own, whatever she asks.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Encode ();
use Feed qw(record);
use JSON::PP ();
use Process qw(root wait_for);
use Test::More;

my $json = JSON::PP->new->canonical->allow_nonref;
my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
$cluster->psql('CREATE ROLE plugin LOGIN IN ROLE call_log_writer');
my $driver = Driver->new;
is $driver->create(conninfo => $cluster->conninfo(user => 'plugin'), supervisors => 'acme/boss'), undef, 'created';
$driver->start;

# (status, data), or the data alone where it must be an answer; boss asks, unless
# somebody else does.
sub ask { return $driver->question($_[0], $_[1], account => 'acme', agent => 'boss', @_[ 2 .. $#_ ]) }
sub data {
	my ($status, $data) = ask(@_);
	is $status, 'OK', "$_[0] is answered" or diag $data if $status ne 'OK';
	return $data;
}
sub report { return data('call_log/report', @_) }
my $empty = report({})->{empty};
is_deeply [ @$empty{qw(last_day others other_days)} ], [ undef, JSON::PP::false, JSON::PP::false ], 'without any call it says so';

# ------------------------------------------------------------------------ calls
# Of a company, made up; two teams and agents of none; and some by hand: of another
# account, when clocks change, of several agents, without a start.
$cluster->psql_file(root() . '/tests/bench/make_calls.sql', arguments => [ '-v', 'rows=600', '-v', 'days=40' ]);
$cluster->psql(<<~'SQL');
	UPDATE call_log.settings SET report_time_zone = 'Europe/Berlin';
	UPDATE call_log.calls SET account = 'acme', agent = replace(agent, ' ', '');
	TRUNCATE call_log.teams;
	INSERT INTO call_log.teams VALUES ('acme', 'agent0000', 'north'), ('acme', 'agent0001', 'north'), ('acme', 'agent0002', 'south'),
		('acme', 'agent0003', 'south'), ('acme', 'ann', 'south'), ('acme', 'nobody', 'empty'), ('other', 'agent0000', 'theirs');
	SQL
sub event {
	my ($id, $agent, $at, $result, %more) = @_;
	return { session_id => $id, agent => $agent, started_at => $at, result => $result, state => 'final', direction => 'Inbound',
		duration_s => 60, from_number => '+49301', to_number => '+49302', from_name => 'Ada', emitted_at => '2026-01-02 09:00+00', %more };
}
my $odd = q(=HYPERLINK("http://x") <b>$1</b> 日本);
record($cluster, [ map { [$_] }
		event(1, 'ann', '2025-10-26 00:30+00', 'Accepted'), event(2, 'ann', '2025-10-26 01:30+00', 'Missed'), event(3, 'ann', '2025-10-26 02:30+00', 'Accepted'),
	event(4, 'agent0000', '2025-10-25 21:59+00', 'Missed'), event(5, 'ann', '2025-10-26 22:30+00', 'Accepted'), event(6, 'ann', '2025-10-26 23:00+00', 'Accepted'),
	event(7, 'agent0000', '2025-10-26 10:00+00', 'Missed', queue_call => 't'), event(7, 'ann', '2025-10-26 10:00:05+00', 'Accepted', queue_call => 't', logged_by => 'manual', note => $odd),
	event(8, 'ann', '2025-10-26 12:00+00', undef, state => 'connected', connected => 't'),
	event(9, 'ann', '2025-10-26 12:00+00', 'Call connected', direction => 'Outbound'), event(9, 'bob', '2025-10-26 12:00+00', 'Accepted'),
	event(1, 'ann', '2025-10-26 10:00+00', 'Accepted', account => 'other') ]);
# who was not told when it began is known by when it was logged
$cluster->psql(q(UPDATE call_log.calls SET started_at = NULL, logged_at = '2025-10-26 15:00+00' WHERE session_id = '5' AND account = 'acme'));
my %changed = (period => 'days', from => '2025-10-26', until => '2025-10-26');

# -------------------------------------------------- figures, and the calls behind
# Whose, as the page asks and as the reports name them.
my %whose = ('everybody' => [ {}, q(call_report.company_day WHERE account = 'acme') ],
	'a team' => [ { team => 'south' }, q(call_report.team WHERE account = 'acme' AND team = 'south') ],
	'agents of no team' => [ { team => undef }, q(call_report.team WHERE account = 'acme' AND team IS NULL) ],
	'one agent' => [ { agent => 'agent0002' }, q(call_report.agent_day WHERE account = 'acme' AND agent = 'agent0002') ],
	'an agent herself' => [ { team => 'north', agent => 'agent0000' }, q(call_report.agent_day WHERE account = 'acme' AND agent = 'ann'), agent => 'ann' ]);
my @figures = qw(calls inbound outbound live ended answered missed voicemail rejected no_answer busy failed other
  inbound_ended inbound_answered with_note by_hand talk_total_s);

# Counts by paging through all of it.
sub paged {
	my ($question, @who) = @_;
	my (%seen, $before, $count, $pages);
	while (1) {
		my $page = data('call_log/report-calls', { %$question, before => $before, limit => 200 }, @who);
		$seen{ $_->{session_id} }++ for @{ $page->{calls} };
		$count = $page->{count};
		$before = $page->{next};
		last if !$before || ++$pages > 100;
	}
	return (scalar(keys %seen), $count, scalar grep { $_ > 1 } values %seen);
}
for my $rolled (0, 1) {
	$cluster->psql('CALL call_log.rebuild_reports()') if $rolled;
	for my $name (sort keys %whose) {
		my ($question, $view, @who) = @{ $whose{$name} };
		for my $period ({ period => 'last-30' }, \%changed) {
			my $report = report({ %$question, %$period }, @who);
			my $sql = join ', ', map { "coalesce(sum($_), 0)" } @figures;
			is join(' ', map { $report->{figures}{$_} } @figures), $cluster->psql("SELECT $sql FROM $view AND day BETWEEN '$report->{from}' AND '$report->{until}'") =~ tr/|/ /r,
			  "the figures of $name are those of the reports, $report->{from} to $report->{until}";
			is join(' ', map { my $figure = $_; my $sum = 0; $sum += $_->{$figure} for @{ $report->{days} }; $sum } qw(calls answered missed)),
			  join(' ', @{ $report->{figures} }{qw(calls answered missed)}), '  and of their days together';
			is join(' ', map { my $figure = $_; my $sum = 0; $sum += $_->{$figure} for @{ $report->{hours} }; $sum } qw(calls inbound outbound missed voicemail)),
			  join(' ', @{ $report->{figures} }{qw(calls inbound outbound missed voicemail)}), '  and of their hours';
			next if $rolled && $period->{period} eq 'days';
			my (@wrong, $listed);
			# all of them on one day, or of everybody
			for my $figure ($name eq 'everybody' || $period->{period} eq 'days' ? (grep { $_ ne 'talk_total_s' } @figures, 'internal', 'recorded') : qw(calls missed)) {
				my ($seen, $count, $twice) = paged({ %$question, %$period, figure => $figure }, @who);
				$listed += $seen;
				push @wrong, "$figure: $seen of $count, not $report->{figures}{$figure}, $twice twice"
				  if $twice || $seen != $count || $count != $report->{figures}{$figure};
			}
			for my $hour (grep { defined } @{ $report->{hours} }[ 0, 5, 9 ]) {
				my ($seen, $count) = paged({ %$question, %$period, figure => 'calls', weekday => $hour->{weekday}, hour => $hour->{hour} }, @who);
				push @wrong, "weekday $hour->{weekday}, hour $hour->{hour}: $seen of $count, not $hour->{calls}" if $seen != $count || $count != $hour->{calls};
			}
			my ($seen, $count) = paged({ %$question, %$period, figure => 'waiting' }, @who);
			push @wrong, "waiting: $seen of $count, not $report->{waiting}{calls}" if $seen != $count || $count != $report->{waiting}{calls};
			is "@wrong", '', "  and behind each are as many calls ($listed)";
		}
	}
}
my $all = report({ period => 'last-30' });
is $all->{waiting}{calls}, $cluster->psql(<<~"SQL"), 'who waits is who waits in the reports';
	SELECT count(*) FROM call_report.unreturned WHERE account = 'acme'
	AND (started_at AT TIME ZONE 'Europe/Berlin')::date BETWEEN '$all->{from}' AND '$all->{until}'
	SQL
is $json->encode($all->{figures}{talk_median_s} + 0), $json->encode(0 + $cluster->psql(<<~"SQL")), 'the median is that of all answered calls';
	SELECT round(percentile_cont(0.5) WITHIN GROUP (ORDER BY s)::numeric, 1) FROM call_log.team_hours, unnest(talk) AS s
	WHERE account = 'acme' AND everyone AND day BETWEEN '$all->{from}' AND '$all->{until}'
	SQL
my $before = report({ period => 'days', from => $all->{before}{from}, until => $all->{before}{until} });
is_deeply $all->{before}{figures}, $before->{figures}, 'the figures before are those of as many days before';
is $all->{waiting}{before}, $before->{waiting}{calls}, 'so is who waited';
for my $row (@{ $all->{agents} }) {
	my $own = report({ period => 'last-30', agent => $row->{agent} });
	is_deeply { map { $_ => $own->{figures}{$_} } grep { $_ !~ /^(?:agent|team|calls_before)$/ } keys %$row },
	  { map { $_ => $row->{$_} } grep { $_ !~ /^(?:agent|team|calls_before)$/ } keys %$row }, "the row of $row->{agent} is what the agent's own report says";
	is $row->{calls_before}, $own->{before}{figures}{calls}, '  also of the days before';
}

# -------------------------------------------------- a day on which clocks change
my $day = report(\%changed);
is join(' ', map { "$_->{hour}:$_->{calls}" } @{ $day->{hours} }), '2:2 3:1 11:1 13:2 16:1',
  'the hour that comes twice holds both; a call belongs to the day and hour of the reports\' zone';
my $list = data('call_log/report-calls', { %changed, figure => 'calls' });
is join(' ', map { $_->{session_id} } @{ $list->{calls} }), '5 9 8 7 3 2 1', 'calls come newest first';
my ($queue) = grep { $_->{session_id} eq '7' } @{ $list->{calls} };
is_deeply [ @$queue{qw(outcome direction talk_s number name note queue)}, map { "$_->{agent} $_->{outcome}" } @{ $queue->{parts} } ],
  [ 'answered', 'Inbound', 60, '+49301', 'Ada', Encode::decode_utf8($odd), JSON::PP::true, 'ann answered', 'agent0000 missed' ], 'a call of several agents is one, with what became of it at each';
is join(' ', map { $_->{session_id} } @{ data('call_log/report-calls', { %changed, figure => 'missed', team => 'north' })->{calls} }), '7',
  'for one team it is what it was there';
my ($internal) = grep { $_->{session_id} eq '9' } @{ $list->{calls} };
is $internal->{direction}, 'internal', 'one between agents is neither incoming nor outgoing';
is report({ %changed, from => '2025-10-25', until => '2025-10-25' })->{figures}{missed}, 1, 'a minute before midnight is the day before';
is data('call_log/report-calls', { %changed, figure => 'calls', limit => -5 })->{next}{id}, '5', 'there is a least limit';

# --------------------------------------------------------- who sees whose figures
my @ann = (agent => 'ann');
for my $wanted ({}, { agent => 'agent0000' }, { team => 'north' }, { team => undef }, { agent => undef }) {
	my $report = report({ %changed, %$wanted }, @ann);
	is "$report->{agent} $report->{figures}{calls} " . ($report->{sees_all} ? 'all' : 'own'), 'ann 7 own', 'who is no supervisor has her own figures, asked for ' . $json->encode($wanted);
	is_deeply [ map { $_->{agent} } @{ $report->{agents} } ], ['ann'], '  no other agent is named';
	is_deeply $report->{teams}, [], '  nor team';
	my $calls = data('call_log/report-calls', { %changed, %$wanted, figure => 'calls' }, @ann);
	is join(' ', sort map { $_->{session_id} } @{ $calls->{calls} }), '1 2 3 5 7 8 9', '  behind them her own calls';
	is join(' ', grep { $_ ne 'ann' } map { $_->{agent} } map { @{ $_->{parts} } } @{ $calls->{calls} }), '', '  and her own part in them';
}
my $waits = report({ period => 'days', from => '2025-10-20', until => '2025-10-27' }, agent => 'agent0000')->{waiting};
is join(' ', map { @{ $_->{agents} } } @{ $waits->{list} }), join(' ', ('agent0000') x $waits->{calls}), 'of who waits, too, only what rang there';
for my $who ([ agent => 'boss', account => 'other' ], [ agent => 'boss', account => '' ], [ agent => 'acme/boss', account => '' ], [ agent => 'Boss' ], [ agent => 'bos' ], [ agent => 'boss2' ]) {
	my $report = report({ %changed, agent => 'ann' }, @$who);
	my %who = (account => 'acme', @$who);
	next if $who{agent} eq 'acme/boss'; # is named so where there is one account only
	is "$report->{sees_all} $report->{figures}{calls}", '0 0', "$who{agent} of '$who{account}' is no supervisor";
}
is report({ %changed })->{sees_all}, JSON::PP::true, 'who is one sees all';
is report({ %changed, agent => 'ann' })->{figures}{calls}, 7, '  or any one agent, of the own account';
is report(\%changed, account => 'other', agent => 'ann')->{figures}{calls}, 1, 'accounts have nothing in common';

# ------------------------------------------------------------------ why it is empty
my %none = (period => 'days', from => '2020-01-01', until => '2020-01-31');
is_deeply report({ %none, team => 'empty' })->{empty}, { last_day => undef, others => JSON::PP::false, other_days => JSON::PP::true, agents => 1 }, 'a team without calls, an empty period';
is_deeply report({ %changed, team => 'none' })->{empty}, { last_day => undef, others => JSON::PP::true, other_days => JSON::PP::true, agents => 0 }, 'a team that nobody belongs to, others had calls';
is_deeply report({ %none, agent => 'x' }, @ann)->{empty}, { last_day => '2025-10-27', others => JSON::PP::false, other_days => JSON::PP::false, agents => 0 }, 'an agent hears of her own last call alone';
ok !exists report(\%changed)->{empty}, 'where there are calls nothing is to be explained';

# ----------------------------------------------------------------------- questions
for my $wrong ({ period => 'x' }, { period => 'days' }, { period => 'days', from => 'x', until => 'y' }, { period => 'days', from => '2025-01-02', until => '2025-01-01' },
	{ period => 'days', from => '2024-01-01', until => '2025-01-01' }, { period => 'days', from => '-infinity', until => 'infinity' }) {
	my ($status, $said) = ask('call_log/report', $wrong);
	is "$status: $said", 'BAD_REQUEST: the question is not understood', 'refused: ' . $json->encode($wrong);
}
is report({ period => 'days', from => '2024-01-01', until => '2024-12-31' })->{until}, '2024-12-31', 'a leap year is not too long';
for my $wrong ({}, { figure => 'x' }, { figure => 'account' }, { figure => 'calls', hour => 'x' }, { figure => 'calls', before => 'x', limit => [] }) {
	is +(ask('call_log/report-calls', $wrong))[0], 'BAD_REQUEST', 'refused: ' . $json->encode($wrong);
}

# -------------------------------------------------------------- erased, purged
# until nothing is left to do
$cluster->psql(q(SELECT call_log.erase_number('acme', '+49301'))) for 1 .. 3;
my ($erased) = grep { $_->{session_id} eq '7' } @{ data('call_log/report-calls', { %changed, figure => 'calls' })->{calls} };
is_deeply [ @$erased{qw(number name contact note erased outcome)} ], [ undef, undef, undef, undef, JSON::PP::true, 'answered' ],
  'of an erased call nothing is told but that it was';
is report(\%changed)->{figures}{with_note}, $day->{figures}{with_note}, 'it counts as before';
$cluster->psql(q(SELECT call_log.purge('acme', '2025-10-28 00:00+01', 1000))) for 1 .. 3;
is $cluster->psql(q(SELECT count(*) FROM call_log.calls WHERE account = 'acme' AND started_at < '2025-10-27')), 0, 'old calls are purged';
for my $who ([], \@ann) {
	my $purged = report(\%changed, @$who);
	is $purged->{figures}{calls}, 7, 'their figures stay';
	is_deeply { map { $_ => data('call_log/report-calls', { %changed, figure => 'calls' }, @$who)->{$_} } qw(count calls next) },
	  { count => 7, calls => [], next => undef }, '  and their list says of how many none is left';
}

# ------------------------------------------------------------ nobody waits for it
my $lock = $cluster->session('BEGIN; LOCK TABLE call_log.teams; SELECT pg_sleep(60)');
wait_for('the lock', sub { $cluster->psql(q(SELECT count(*) FROM pg_locks WHERE relation = 'call_log.teams'::regclass AND mode = 'AccessExclusiveLock' AND granted)) });
my $id = $driver->submit({ type => 'rc-post-message-request', path => 'call_log/report', requestId => 'slow', body => {} }, account => 'acme', agent => 'boss');
wait_for('it to wait', sub { $cluster->psql(q(SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%report_page%')) });
is +(ask('call_log/calls', {}))[0], 'OK', 'while a report takes its time, the desk answers';
is $driver->logged(session_id => 'while'), 'OK', 'and calls are logged';
is_deeply $driver->match(['while'])->{while}[0]{note}, '', 'and found';
$cluster->psql(q(SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)%' AND pid <> pg_backend_pid()));
like +($driver->answer($id))[0], qr/^(?:OK|BUSY)$/, 'the report is answered in the end';
is report({})->{sees_all}, JSON::PP::true, 'as is the next';
$cluster->stop('immediate');
is join(' ', (ask('call_log/report', {}))[ 0, 1 ]), 'BUSY the database is away; try again', 'without a database it is refused for now' for 1 .. 2;
$cluster->start;
wait_for('the database to be back', sub { (ask('call_log/report', {}))[0] eq 'OK' });
pass 'and answered again once that is back';
is +($driver->stop(5000))[0], 'OK', 'stopped';
done_testing;
