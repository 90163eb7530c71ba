use strict;
use warnings;

# Calls - reads calls where analysts read them, in schema call_report, over a
# connection of its own, so that a database that is away never disturbs RT's: each
# question has little time, and after one without an answer the next are refused for a
# while. It changes nothing, and knows nothing of tickets.
package RT::Extension::CallLog::Calls;

use DBD::Pg qw(:async);
use DBI;
use IO::Select;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use constant {
	ACCOUNT => '',  # one RT, one tenant
	CONNECT_S => 2, # libpq takes less for this
	ANSWER_S => 1,
	REST_S => 15,
	FINAL_MAX => 1000,
};

# The connection, the process that it is of, and until when the database is left alone.
my ($dbh, $pid, $rest_until);

# ------------------------------------------------------------------- questions
my $columns = join ', ', (map { "c.$_" } qw(agent session_id direction from_number from_name
  to_number to_name other_number other_name state outcome duration_s talk_s contact_id
  contact_name note recording_id recording_link)), 'extract(epoch FROM c.started_at)::bigint AS started_at';

# The call that an agent's session id names, or that stands for it; with all of its
# session_ids. Nothing when there is none.
sub call {
	my ($class, $agent, $session) = @_;
	my $rows = _rows(<<~"SQL", ACCOUNT, $agent, ACCOUNT, $agent, $session, $session);
		SELECT $columns, ARRAY(SELECT m.session_id FROM call_report.merged_calls m
			WHERE m.account = c.account AND m.agent = c.agent AND m.merged_into = c.session_id) AS merged
		FROM call_report.calls c
		WHERE c.account = ? AND c.agent = ? AND c.session_id = coalesce((
			SELECT m.merged_into FROM call_report.merged_calls m
			WHERE m.account = ? AND m.agent = ? AND m.session_id = ?), ?)
		SQL
	my $call = $rows->[0] or return;
	$call->{session_ids} = [ $call->{session_id}, @{ delete $call->{merged} } ];
	return $call;
}

# An agent's final calls of the last days, newest first: {session_id, contact_id}.
sub final {
	my ($class, $agent, $days) = @_;
	return @{ _rows(<<~"SQL", ACCOUNT, $agent, $days, FINAL_MAX) };
		SELECT c.session_id, c.contact_id, c.recording_id, c.recording_link FROM call_report.calls c
		WHERE c.account = ? AND c.agent = ? AND c.started_at > now() - make_interval(days => ?)
		  AND c.state = 'final'
		ORDER BY c.started_at DESC LIMIT ?
		SQL
}

# The newest calls of an agent.
sub latest {
	my ($class, $agent, $how_many) = @_;
	return @{ _rows(<<~"SQL", ACCOUNT, $agent, $how_many) };
		SELECT $columns FROM call_report.calls c
		WHERE c.account = ? AND c.agent = ? AND c.started_at IS NOT NULL
		ORDER BY c.started_at DESC LIMIT ?
		SQL
}

# The calls of these names, newest first; a name is [agent, session id]. Each once,
# however many of its names there are.
sub named {
	my ($class, @name) = @_;
	return if !@name;
	my ($agents, $sessions) = ([ map { $_->[0] } @name ], [ map { $_->[1] } @name ]);
	return @{ _rows(<<~"SQL", $agents, $sessions, ACCOUNT, ACCOUNT) };
		WITH name AS (
			SELECT DISTINCT n.agent, coalesce(m.merged_into, n.session_id) AS session_id
			FROM unnest(?::text[], ?::text[]) AS n (agent, session_id)
			LEFT JOIN call_report.merged_calls m
			  ON m.account = ? AND m.agent = n.agent AND m.session_id = n.session_id)
		SELECT $columns FROM name n JOIN call_report.calls c
		  ON c.account = ? AND c.agent = n.agent AND c.session_id = n.session_id
		ORDER BY c.started_at DESC NULLS FIRST, c.session_id
		SQL
}

# The newest calls with a contact or one of these numbers; of one agent, or of all.
sub with {
	my ($class, $contact, $numbers, $agent, $how_many) = @_;
	my ($whose, @whose) = defined $agent ? ('AND c.agent = ?', $agent) : ('');
	my $part = "FROM call_report.calls c WHERE c.account = ? $whose";
	my $end = 'ORDER BY c.started_at DESC LIMIT ?';
	return @{ _rows(<<~"SQL", ACCOUNT, @whose, $contact, $how_many, ACCOUNT, @whose, $numbers, $how_many, $how_many) };
		SELECT * FROM (
			(SELECT $columns $part AND c.contact_id = ? $end)
			UNION
			(SELECT $columns $part AND c.other_number = ANY (?::text[]) AND c.other_number IS NOT NULL $end)
		) AS c $end
		SQL
}

# ------------------------------------------------------------------ the database
# Whether it had no answer a moment ago; then it has none now.
sub is_away { return $rest_until && clock_gettime(CLOCK_MONOTONIC) < $rest_until }

# Rows, each a reference to a hash; dies with a line when there is no answer.
sub _rows {
	my ($sql, @value) = @_;
	die "the calls' database was away a moment ago\n" if is_away();
	# another process's connection is that one's
	$dbh->{InactiveDestroy} = 1 if $dbh && $pid != $$;
	undef $dbh if $dbh && $pid != $$;
	my $is_old = defined $dbh;
	my $rows = eval { _ask($sql, @value) };
	# one that broke while nobody used it says nothing of now
	$rows //= eval { _ask($sql, @value) } if $is_old && $@ !~ /in time/;
	return $rows if $rows;
	my $why = $@;
	$rest_until = clock_gettime(CLOCK_MONOTONIC) + REST_S;
	die "the calls cannot be read: $why";
}

sub _ask {
	my ($sql, @value) = @_;
	$pid = $$;
	my $rows = eval {
		$dbh //= _connect();
		_answered($sql, @value)->fetchall_arrayref({});
	};
	return $rows if $rows;
	my $why = $@;
	_drop();
	die $why;
}

# The statement, once the server has answered. That does not rely on the server: one
# that is stopped, or behind a dead network, ends nothing in time.
sub _answered {
	my ($sql, @value) = @_;
	my $statement = $dbh->prepare($sql, { pg_async => PG_ASYNC, pg_server_prepare => 0 });
	$statement->execute(@value);
	my $end = clock_gettime(CLOCK_MONOTONIC) + ANSWER_S;
	my $socket = IO::Select->new($dbh->{pg_socket});
	until ($dbh->pg_ready) {
		my $left = $end - clock_gettime(CLOCK_MONOTONIC);
		if ($left <= 0) {
			_cut();
			die "no answer in time\n";
		}
		$socket->can_read($left);
	}
	$dbh->pg_result;
	return $statement;
}

# $CallLogReports is a connection string of libpq, of a user who has the role
# call_log_report; without it the calls are looked for in RT's own database.
sub _connect {
	my $conninfo = RT->Config->Get('CallLogReports');
	my ($dsn, @login) = $conninfo ? ("dbi:Pg:$conninfo", '', '')
	  : (RT->DatabaseHandle->DSN, map { RT->Config->Get($_) } qw(DatabaseUser DatabasePassword));
	$dbh = DBI->connect("$dsn;connect_timeout=" . CONNECT_S . ';application_name=call-log', @login,
		{ RaiseError => 1, PrintError => 0, AutoCommit => 1, pg_enable_utf8 => 1 });
	_answered('SET statement_timeout = ' . ANSWER_S * 1000);
	return $dbh;
}

# Before anybody waits for the answer after all, as the driver does when it lets go of
# a statement.
sub _cut {
	open my $socket, '+<&', $dbh->{pg_socket} or return;
	shutdown $socket, 2;
	close $socket;
}

sub _drop {
	eval { $dbh->disconnect } if $dbh;
	undef $dbh;
}

1;
