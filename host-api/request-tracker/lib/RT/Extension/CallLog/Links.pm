use strict;
use warnings;

# Links - which calls belong to which tickets, and the one comment that a final call
# leaves on each of its tickets, with a short second one should its recording be told
# of later. A call is looked at when its agent's widget tells of
# it; what is missed then, for whatever reason, is found later by catch_up(). What a
# call is comes from its database, never from the message.
package RT::Extension::CallLog::Links;

use List::Util qw(any max uniq);
use RT::Extension::CallLog::Calls;
use RT::Extension::CallLog::Contacts;
use RT::Ticket;
use RT::Transaction;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);
use URI::Escape qw(uri_escape_utf8);

use constant {
	ACCOUNT => RT::Extension::CallLog::Calls::ACCOUNT,
	SWEEP_DAYS => 7,
	SWEEP_EVERY_S => 20,
	SWEEP_MAX => 50,
	AUTOMATIC => 0,         # nobody linked it
	AUTOMATIC_S => 24 * 60 * 60, # an older call is not linked by itself
};

# When this process last swept for an agent.
my %swept_at;

sub _dbh { RT->DatabaseHandle->dbh }

# ---------------------------------------------------------------- when to look
# The agent's widget posted this, and the plugin has taken it.
sub after {
	my ($class, $user, $message) = @_;
	my $body = ref $message->{body} eq 'HASH' ? $message->{body} : {};
	my $call = ref $body->{call} eq 'HASH' ? $body->{call} : {};
	my $is_told = ($body->{triggerType} // '') !~ /\A(?:|presenceUpdate|viewLog)\z/;
	my $session = $is_told ? $call->{sessionId} : undef;
	_try($user, sub { $class->look($user, "$session") }) if defined $session && !ref $session;
	$class->catch_up($user, $is_told || ref $body->{calls});
}

# Finds what was missed, now or if nobody did so a moment ago. It never fails.
sub catch_up {
	my ($class, $user, $is_due) = @_;
	my $at = $swept_at{ $user->Name };
	$is_due ||= !$at || clock_gettime(CLOCK_MONOTONIC) - $at > SWEEP_EVERY_S;
	return if !$is_due || RT::Extension::CallLog::Calls->is_away;
	$swept_at{ $user->Name } = clock_gettime(CLOCK_MONOTONIC);
	_try($user, sub { $class->_sweep($user) });
}

sub _try {
	my ($user, $code) = @_;
	return if eval { $code->(); 1 };
	my $why = $@;
	$why .= 'The database of RT lacks what rt-setup-database makes of the etc/ folder of RT::Extension::CallLog. '
	  if $why =~ /calllog\w+" does not exist/i;
	RT->Logger->warning('call log: calls of agent ' . $user->Name . " are left for later: $why");
}

# The agent's calls that became final while nobody looked, or have another contact or
# a recording since; and those that were linked before they were final. Many take several turns.
sub _sweep {
	my ($class, $user) = @_;
	my @agent = (ACCOUNT, $user->Name);
	my $seen = _dbh()->selectall_arrayref('SELECT SessionId, Contact FROM CallLogSeen WHERE Account = ? AND Agent = ?', undef, @agent);
	my %contact = map { @$_ } @$seen;
	my $open = _dbh()->selectcol_arrayref(
		'SELECT SessionId FROM CallLogTickets WHERE Account = ? AND Agent = ? AND Txn IS NULL AND Refused IS NULL', undef, @agent);
	my @new = map { $_->{session_id} }
	  grep { ($contact{ $_->{session_id} } // '?') ne _seen_as($_) }
	  RT::Extension::CallLog::Calls->final($user->Name, SWEEP_DAYS);
	splice @new, SWEEP_MAX if @new > SWEEP_MAX;
	for my $session (uniq @$open, @new) {
		# one that always fails must not keep the others back
		_try($user, sub { $class->look($user, $session) });
		last if RT::Extension::CallLog::Calls->is_away;
	}
	_dbh()->do('DELETE FROM CallLogSeen WHERE Account = ? AND Agent = ? AND SeenAt < now() - make_interval(days => ?)',
		undef, @agent, 2 * SWEEP_DAYS);
}

# ------------------------------------------------------------- one call's tickets
# Comments on the tickets of this call of the agent, if it is final by now.
sub look {
	my ($class, $user, $session) = @_;
	my $call = RT::Extension::CallLog::Calls->call($user->Name, $session) or return;
	return if $call->{state} ne 'final';
	my %link = map { $_->{ticket} => $_ } @{ _links($call) };
	my $picked = RT::Extension::CallLog::Contacts::ticket_of($call->{contact_id});
	my @open = grep { !defined $link{$_}{txn} && !defined $link{$_}{refused} } sort { $a <=> $b } keys %link;
	_comment($user, $call, $_, $link{$_}{linkedby}) for @open;
	if ($picked && !$link{$picked}) {
		_comment($user, $call, $picked, $user->id);
	} elsif (!%link && !_is_seen($call)) {
		my $ticket = RT->Config->Get('CallLogLinkOnlyTicket') ? _only_ticket($user, $call) : undef;
		_comment($user, $call, $ticket, AUTOMATIC) if $ticket;
	}
	if (_is_recorded($call)) {
		_lead($user, $call, $_->{ticket}) for grep { defined $_->{txn} } values %link;
	}
	_see($call);
}

# The agent says that this call is about this ticket; returns whether that is so now,
# and a sentence for the agent.
sub link {
	my ($class, $user, $session, $ticket) = @_;
	my @result = eval { $class->_link($user, $session, $ticket) };
	return @result if @result;
	RT->Logger->warning("call log: $@");
	return (0, $user->loc('The calls cannot be shown now.'));
}

sub _link {
	my ($class, $user, $session, $ticket) = @_;
	my $call = RT::Extension::CallLog::Calls->call($user->Name, $session);
	return (0, $user->loc('You have no such call.')) if !$call;
	return (0, $user->loc('Permission Denied')) if !RT::Extension::CallLog::Contacts::may_comment($ticket);
	return (1, $user->loc('The call is linked to this ticket already.'))
	  if any { $_->{ticket} == $ticket->id && defined $_->{txn} } @{ _links($call) };
	if ($call->{state} ne 'final') {
		_keep($call, $ticket->id, $user->id);
		return (1, $user->loc('The call is linked; the comment follows when its record is there.'));
	}
	my ($done, $why) = _comment($user, $call, $ticket->id, $user->id);
	_see($call) if $done;
	return $done ? (1, $user->loc('The call is linked to this ticket.')) : (0, $why);
}

# The newest links of a ticket, and of those that were merged into it.
sub of_ticket {
	my ($class, $ticket, $how_many) = @_;
	return @{ _dbh()->selectall_arrayref(<<~'SQL', { Slice => {} }, ACCOUNT, [ $ticket->id, $ticket->Merged ], $how_many) };
		SELECT Agent AS agent, SessionId AS sessionid, Refused AS refused FROM CallLogTickets
		WHERE Account = ? AND Ticket = ANY (?::integer[]) ORDER BY LinkedAt DESC LIMIT ?
		SQL
}

# What is known of the call under all of its names.
sub _links {
	my ($call) = @_;
	return _dbh()->selectall_arrayref(<<~'SQL', { Slice => {} }, ACCOUNT, $call->{agent}, $call->{session_ids});
		SELECT DISTINCT ON (Ticket) Ticket AS ticket, LinkedBy AS linkedby, Txn AS txn, Refused AS refused
		FROM CallLogTickets WHERE Account = ? AND Agent = ? AND SessionId = ANY (?::text[])
		ORDER BY Ticket, Txn, Refused
		SQL
}

# A link without its comment.
sub _keep {
	my ($call, $ticket, $by, $refused) = @_;
	_dbh()->do(<<~'SQL', undef, ACCOUNT, $call->{agent}, $call->{session_id}, $ticket, $by, $refused);
		INSERT INTO CallLogTickets AS t (Account, Agent, SessionId, Ticket, LinkedBy, Refused)
		VALUES (?, ?, ?, ?, ?, ?)
		ON CONFLICT (Account, Agent, SessionId, Ticket) DO UPDATE SET Refused = excluded.Refused
		WHERE t.Txn IS NULL
		SQL
}

sub _is_seen {
	my ($call) = @_;
	return (_dbh()->selectrow_array(
		'SELECT 1 FROM CallLogSeen WHERE Account = ? AND Agent = ? AND SessionId = ANY (?::text[])',
		undef, ACCOUNT, $call->{agent}, $call->{session_ids}))[0];
}

# What it was like, as far as that matters.
sub _seen_as {
	my ($call) = @_;
	return ($call->{contact_id} // '') . (_is_recorded($call) ? "\nrecorded" : '');
}

sub _see {
	my ($call) = @_;
	_dbh()->do(<<~'SQL', undef, ACCOUNT, $call->{agent}, $call->{session_id}, _seen_as($call));
		INSERT INTO CallLogSeen (Account, Agent, SessionId, Contact) VALUES (?, ?, ?, ?)
		ON CONFLICT (Account, Agent, SessionId) DO UPDATE SET Contact = excluded.Contact
		SQL
}

# The only open ticket of those who have the caller's number, or of the user whom the
# agent picked; one that the agent may not see counts, and is none for this agent.
sub _only_ticket {
	my ($user, $call) = @_;
	return if ($call->{started_at} // 0) < time - AUTOMATIC_S;
	my $picked = RT::Extension::CallLog::Contacts::user_of($call->{contact_id});
	my $number = $call->{other_number} // '';
	my %user = $picked || $number eq '' ? () : RT::Extension::CallLog::Contacts::users($number);
	my @user = $picked // map { $_->{id} } @{ $user{$number} // [] };
	return if !@user;
	my @ticket = RT::Extension::CallLog::Contacts::open_tickets(RT->SystemUser, @user);
	return if @ticket != 1;
	my $ticket = RT::Ticket->new($user);
	$ticket->Load($ticket[0]->id);
	return $ticket->CurrentUserHasRight('ShowTicket') && RT::Extension::CallLog::Contacts::may_comment($ticket)
	  ? $ticket->id : undef;
}

# -------------------------------------------------------------------- the comment
# One comment on the ticket, with the agent's own rights, whoever else is about to
# write it: the ticket is locked, and the comment and the word that it is there are one
# transaction. Under every name of the call, for by another one it may be asked next.
sub _comment {
	my ($user, $call, $id, $by) = @_;
	my $ticket = RT::Ticket->new($user);
	$ticket->Load($id);
	return _refuse($call, $id, $by, $user->loc('Permission Denied'))
	  if !$ticket->id || !$ticket->CurrentUserHasRight('ShowTicket');
	my ($refused, $done);
	RT->DatabaseHandle->BeginTransaction;
	my $ok = eval {
		$ticket->LockForUpdate;
		$done = _is_commented($user, $call, $ticket->id);
		if (!$done) {
			my ($txn, $why) = $ticket->Comment(Content => text($user, $call), TimeTaken => minutes($call));
			$refused = $why if !$txn;
			_mark($call, $_, $by, $txn) for $txn ? uniq($ticket->id, $id) : ();
		}
		RT->DatabaseHandle->Commit if !defined $refused;
		1;
	};
	my $error = $@;
	RT->DatabaseHandle->Rollback('force') if RT->DatabaseHandle->TransactionDepth;
	die $error if !$ok;
	return defined $refused ? _refuse($call, $id, $by, $refused) : 1;
}

# The recording was told of after the comment: another one leads to it, in whose stead
# the ticket keeps this one.
sub _lead {
	my ($user, $call, $id) = @_;
	my $ticket = RT::Ticket->new($user);
	$ticket->Load($id);
	return if !$ticket->id || !$ticket->CurrentUserHasRight('ShowTicket') || !_comment_to_lead($call, $id);
	RT->DatabaseHandle->BeginTransaction;
	my $ok = eval {
		$ticket->LockForUpdate;
		if (my $before = _comment_to_lead($call, $id)) {
			my ($txn, $why) = $ticket->Comment(Content => recording_text($user, $call));
			RT->Logger->warning("call log: the recording of call $call->{session_id} of agent $call->{agent} on ticket $id: $why")
			  if !$txn;
			_dbh()->do('UPDATE CallLogTickets SET Txn = ? WHERE Account = ? AND Agent = ? AND SessionId = ANY (?::text[]) AND Txn = ?',
				undef, $txn, ACCOUNT, $call->{agent}, $call->{session_ids}, $before) if $txn;
		}
		RT->DatabaseHandle->Commit;
		1;
	};
	my $error = $@;
	RT->DatabaseHandle->Rollback('force') if RT->DatabaseHandle->TransactionDepth;
	die $error if !$ok;
}

# The comment of the call on that ticket, if it does not lead to the call's page.
sub _comment_to_lead {
	my ($call, $id) = @_;
	my ($txn) = map { $_->{txn} // () } grep { $_->{ticket} == $id } @{ _links($call) };
	my $comment = RT::Transaction->new(RT->SystemUser);
	return if !defined $txn || !$comment->Load($txn);
	my $names = join '|', map { quotemeta uri_escape_utf8($_) } @{ $call->{session_ids} };
	return $comment->Content =~ m{/CallLog/#call/(?:$names)(?!\S)} ? undef : $txn;
}

sub _refuse {
	my ($call, $ticket, $by, $why) = @_;
	RT->Logger->warning("call log: call $call->{session_id} of agent $call->{agent} on ticket $ticket: $why");
	_keep($call, $ticket, $by, $why);
	return (0, $why);
}

# Tickets may have been merged since the comment.
sub _is_commented {
	my ($user, $call, $id) = @_;
	return any {
		my $ticket = RT::Ticket->new(RT->SystemUser);
		defined $_->{txn} && ($_->{ticket} == $id || $ticket->Load($_->{ticket}) && $ticket->id == $id);
	} @{ _links($call) };
}

sub _mark {
	my ($call, $ticket, $by, $txn) = @_;
	_dbh()->do(<<~'SQL', undef, ACCOUNT, $call->{agent}, $ticket, $by, $txn, $call->{session_ids});
		INSERT INTO CallLogTickets (Account, Agent, SessionId, Ticket, LinkedBy, Txn)
		SELECT ?, ?, s, ?, ?, ? FROM unnest(?::text[]) AS s
		ON CONFLICT (Account, Agent, SessionId, Ticket) DO UPDATE SET Txn = excluded.Txn, Refused = NULL
		SQL
}

# The minutes that an answered call took; none of it was work otherwise.
sub minutes {
	my ($call) = @_;
	my $seconds = $call->{talk_s} // 0;
	return $seconds > 0 ? max(1, int($seconds / 60 + 0.5)) : 0;
}

sub duration {
	my ($seconds) = @_;
	return '' if !defined $seconds;
	return sprintf '%d:%02d:%02d', $seconds / 3600, $seconds / 60 % 60, $seconds % 60 if $seconds >= 3600;
	return sprintf '%d:%02d', $seconds / 60, $seconds % 60;
}

sub party {
	my ($name, $number) = @_;
	my @part = uniq grep { defined && length } $name, $number;
	return @part == 2 ? "$part[0] ($part[1])" : $part[0] // '-';
}

sub _is_recorded { return length($_[0]{recording_id} // $_[0]{recording_link} // '') > 0 }

sub _head {
	my ($user, $call) = @_;
	return $user->loc(($call->{direction} // '') eq 'Inbound' ? 'Inbound phone call' : 'Outbound phone call')
	  . ", $call->{outcome}";
}

sub _began {
	my ($user, $call) = @_;
	return if !defined $call->{started_at};
	my $began = RT::Date->new($user);
	$began->Set(Format => 'unix', Value => $call->{started_at});
	return $user->loc('Began') . ': ' . $began->AsString;
}

sub _recording {
	my ($user, $call) = @_;
	my $link = $call->{recording_link} // '';
	return (_is_recorded($call) ? $user->loc('Recording') . ': ' . page($call) : (),
		length $link ? $user->loc('At the phone service') . ": $link" : ());
}

sub text {
	my ($user, $call) = @_;
	my @line = (
		_head($user, $call),
		$user->loc('From') . ': ' . party($call->{from_name}, $call->{from_number}),
		$user->loc('To') . ': ' . party($call->{to_name}, $call->{to_number}),
		_began($user, $call),
		$user->loc('Duration') . ': ' . duration($call->{duration_s}));
	push @line, '', $call->{note} if length($call->{note} // '');
	push @line, '', _recording($user, $call) if _is_recorded($call);
	return join "\n", @line, '';
}

# Of a comment for the recording alone.
sub recording_text {
	my ($user, $call) = @_;
	return join "\n", _head($user, $call), _began($user, $call), '', _recording($user, $call), '';
}

# The agent's page of the call, where its recordings are, or what became of them.
sub page { RT->Config->Get('WebURL') . 'CallLog/#call/' . uri_escape_utf8($_[0]{session_id}) }

1;
