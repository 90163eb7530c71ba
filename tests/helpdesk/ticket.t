# The call on the ticket: one comment, with the agent's rights, whatever is repeated
# and whoever dies; none where it does not belong.
use v5.32;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Captured qw(call save);
use Encode ();
use POSIX ();
use Process qw(wait_for);
use RequestTracker;
use Test::More;

my $rt = RequestTracker->new;
my $rt_db = $rt->cluster->database('rt');
my $calls = $rt->calls;

# ben may see all tickets and comment on none. Tickets of somebody, two of ada.
my @tickets = split ' ', $rt->perl(<<~'PERL');
	my $privileged = RT::Group->new(RT->SystemUser);
	$privileged->LoadSystemInternalGroup('Privileged');
	my $anna = RT::User->new(RT->SystemUser);
	$anna->Load('anna');
	for my $right (qw(CommentOnTicket ModifyTicket)) {
		$privileged->PrincipalObj->RevokeRight(Right => $right, Object => RT->System);
		$anna->PrincipalObj->GrantRight(Right => $right, Object => RT->System);
	}
	my $user = RT::User->new(RT->SystemUser);
	$user->Create(Name => 'ada', EmailAddress => 'ada@example.org', WorkPhone => '(650) 555-0100');
	for my $requestor (('somebody@example.org') x 14, ('ada@example.org') x 2) {
		my ($id) = RT::Ticket->new(RT->SystemUser)->Create(Queue => 'General', Subject => 'Printer', Requestor => $requestor);
		print "$id ";
	}
	PERL

# What is on the ticket: how many comments, minutes, and the newest comment's text.
sub comments {
	my ($ticket) = @_;
	return $rt_db->psql("SELECT count(*) FROM transactions WHERE objecttype = 'RT::Ticket' AND objectid = $ticket AND type = 'Comment'");
}
sub minutes { $rt_db->psql("SELECT timeworked FROM tickets WHERE id = $_[0]") }
sub text {
	my ($ticket) = @_;
	return Encode::decode('UTF-8', $rt->perl(<<~"PERL"));
		my \$ticket = RT::Ticket->new(RT->SystemUser);
		\$ticket->Load($ticket);
		my \$comments = \$ticket->Transactions;
		\$comments->Limit(FIELD => 'Type', VALUE => 'Comment');
		\$comments->OrderBy(FIELD => 'id', ORDER => 'DESC');
		print Encode::encode('UTF-8', \$comments->First->Content);
		PERL
}

sub post {
	my ($session, @message) = @_;
	for my $message (@message) {
		my $answer = $session->post_json('/CallLog/widget/messages', { sent_at => 1000 * time, message => $message });
		$answer->{status} == 200 or diag "$answer->{status} $answer->{content}", $rt->log_text;
	}
}

# The page's button. What RT then says to the agent.
sub press_link {
	my ($session, $ticket, $call, %header) = @_;
	my $answer = $session->request('POST', '/Ticket/Display.html', content => "id=$ticket&CallLogLink=$call",
		headers => { 'Content-Type' => 'application/x-www-form-urlencoded', %header });
	my $place = $answer->{headers}{location} // return $answer->{content};
	return $session->get($place =~ s{\Ahttps?://[^/]+}{}r)->{content};
}

$rt->serve;
my ($anna, $ben) = map { $rt->login($_) } qw(anna ben);

subtest 'picked in the widget' => sub {
	my $ticket = shift @tickets;
	my @message = call('1001', name => "Zo\x{eb} <b>", number => '+12025550143', duration => 95, contacts => [
		{ id => "ticket/$ticket", type => 'call-log', name => "#$ticket: Printer" } ],
		recording => { id => '7', link => 'https://recordings.example.org/7', type => 'Automatic' });
	post($anna, @message[ 0, 1 ], save($message[1], contactId => "ticket/$ticket", note => "Wants \x{201e}paper\x{201c}\n.\n<script>"), $message[2]);
	is(comments($ticket), 0, 'no comment before the record');
	post($anna, $message[3]);
	is(comments($ticket), 1, 'the record brings the comment');
	is(minutes($ticket), 2, 'and the time worked, in minutes');
	my $text = text($ticket);
	like($text, qr/Inbound/, 'it says the direction');
	like($text, qr/Zo\x{eb} <b> \(\+12025550143\)/, 'who called');
	like($text, qr/1:35/, 'how long it took');
	like($text, qr/^Wants \x{201e}paper\x{201c}\n\.\n<script>$/m, 'the note, as it was typed');
	like($text, qr{^Recording: https?://[^/]+/CallLog/#call/1001\nAt the phone service: https://recordings\.example\.org/7$}m, 'and the call\'s page, where the recording is');
	is($rt_db->psql("SELECT u.name FROM transactions t JOIN users u ON u.id = t.creator WHERE t.objectid = $ticket AND t.type = 'Comment'"), 'anna', 'by the agent');
	post($anna, @message, reverse(@message), save($message[3], contactId => "ticket/$ticket", note => 'later'));
	is(comments($ticket), 1, 'repeated, out of order, saved again: still one comment');
	is(minutes($ticket), 2, 'and the time once');
};

subtest 'linked on the ticket\'s page' => sub {
	my $ticket = shift @tickets;
	my @message = call('1002', recording => {});
	post($anna, @message[ 0, 1 ]);
	like(press_link($anna, $ticket, '1002'), qr/comment follows/, 'a call that is not over');
	is(comments($ticket), 0, 'has no comment yet');
	post($anna, @message[ 2, 3 ]);
	is(comments($ticket), 1, 'but when its record is there');
	unlike(text($ticket), qr/Recording/, 'which names no recording where there is none');
	like(press_link($anna, $ticket, '1002'), qr/linked to this ticket already/, 'once');
	my $other = shift @tickets;
	like(press_link($anna, $other, '1002'), qr/is linked to this ticket\./, 'a call that is over is linked to another ticket');
	is(comments($other), 1, 'with the comment at once');
	like(press_link($anna, $other, '999999'), qr/You have no such call/, 'a call that nobody had is not');
	like(press_link($ben, $ticket, '1002'), qr/You have no such call/, 'nor another agent\'s');
	my $third = shift @tickets;
	like(press_link($anna, $third, '1002', Referer => 'https://evil.example.org/'), qr/cross-site request forgery/i, 'nor for another site\'s page');
	is(comments($third), 0, 'and that leaves no comment');
};

subtest 'recorded, without a link' => sub {
	my $ticket = shift @tickets;
	my @message = call('10/05 ?', recording => { id => '8' });
	post($anna, @message, save($message[3], contactId => "ticket/$ticket"));
	like(text($ticket), qr{^Recording: https?://[^/]+/CallLog/#call/10%2F05%20%3F$}m, 'the comment leads to the call\'s page');
};

subtest 'a recording that comes late' => sub {
	my $ticket = shift @tickets;
	my @message = call('1010', recording => {}, duration => 60);
	my @late = (call('1010', recording => { id => '10', link => 'https://recordings.example.org/10' }, duration => 60))[3];
	post($anna, @message, save($message[3], contactId => "ticket/$ticket"));
	is(comments($ticket), 1, 'the call has its comment');
	unlike(text($ticket), qr/Recording/, 'without a recording');
	post($anna, @late);
	is(comments($ticket), 2, 'the record that tells of it brings another');
	like(text($ticket), qr{\AInbound phone call, answered\nBegan: [^\n]+\n\nRecording: https?://[^/]+/CallLog/#call/1010\nAt the phone service: https://recordings\.example\.org/10\n*\z},
		'that leads to it, and no more');
	is(minutes($ticket), 1, 'and takes no time');
	post($anna, @late, @message, @late, save($late[0], contactId => "ticket/$ticket", note => 'later'));
	like(press_link($anna, $ticket, '1010'), qr/linked to this ticket already/, 'it is still the same call');
	is(comments($ticket), 2, 'it comes once');
	# the record went through, and nobody looked
	my $missed = shift @tickets;
	my @other = call('1011', recording => {});
	post($anna, @other, save($other[3], contactId => "ticket/$missed"));
	$calls->psql(q(UPDATE call_log.calls SET recording_id = '11' WHERE session_id = '1011'));
	wait_for('another message of the agent to bring it', sub { post($anna, $message[3]); comments($missed) == 2 });
	like(text($missed), qr{^Recording: https?://[^/]+/CallLog/#call/1011$}m, 'also when it was missed');
	post($anna, $message[3], $other[3]);
	is(comments($missed) . comments($ticket), '22', 'once');
};

subtest 'without the right to comment' => sub {
	my $ticket = shift @tickets;
	my @message = call('1003', contacts => [ { id => "ticket/$ticket", type => 'call-log', name => 'x' } ]);
	post($ben, @message);
	like(press_link($ben, $ticket, '1003'), qr/Permission Denied/, 'the agent is told');
	post($ben, save($message[3], contactId => "ticket/$ticket", note => 'please'), $message[3]);
	is(comments($ticket), 0, 'there is no comment');
	is(minutes($ticket), 0, 'and no time');
	like($anna->get("/Helpers/CallLog/TicketCalls?id=$ticket")->{content}, qr/1003.*ben.*Permission Denied/, 'the ticket says so');
	is($calls->psql(q(SELECT note FROM call_log.calls WHERE session_id = '1003')), 'please', 'the call is logged all the same');
	$rt->perl("my \$ben = RT::User->new(RT->SystemUser); \$ben->Load('ben');"
		. "\$ben->PrincipalObj->GrantRight(Right => 'CommentOnTicket', Object => RT->System);");
	wait_for('the right to be known', sub { press_link($ben, $ticket, '1003') =~ /is linked to this ticket/ });
	is(comments($ticket), 1, 'once the agent has the right, the page\'s button does it');
	post($ben, save($message[3], contactId => 'ticket/999999'), save($message[3], contactId => 'ticket/x'), save($message[3], contactId => 'user/1'));
	is(comments($ticket), 1, 'a ticket that is none is none');
};

subtest 'several workers at once' => sub {
	my $ticket = shift @tickets;
	my @message = call('1004', contacts => [ { id => "ticket/$ticket", type => 'call-log', name => 'x' } ]);
	post($anna, @message[ 0 .. 2 ], save($message[2], contactId => "ticket/$ticket"));
	my @session = map { $rt->login('anna') } 1 .. 4;
	my @child = map {
		my $session = $_;
		my $pid = fork // die "fork: $!";
		if (!$pid) {
			post($session, ($message[3]) x 3);
			POSIX::_exit(0);
		}
		$pid;
	} @session;
	waitpid $_, 0 for @child;
	is(comments($ticket), 1, 'the record, told twelve times by four pages at once, brings one comment');
	is(minutes($ticket), 1, 'and its time once');
};

subtest 'a worker dies between the comment and the word that it is there' => sub {
	my $ticket = shift @tickets;
	my @message = call('1005', contacts => [ { id => "ticket/$ticket", type => 'call-log', name => 'x' } ]);
	post($anna, @message[ 0 .. 2 ], save($message[2], contactId => "ticket/$ticket"));
	# the comment is written, and its mark waits for us
	my $holder = Process->spawn([ $rt->cluster->bin('psql'), '-Xq', '-d', $rt_db->conninfo(application_name => 'holder'), '-c',
		"BEGIN; LOCK TABLE calllogtickets IN SHARE MODE; SELECT pg_sleep(120)" ]);
	wait_for('the lock', sub { $rt_db->psql("SELECT count(*) FROM pg_locks WHERE mode = 'ShareLock' AND relation = 'calllogtickets'::regclass") });
	my $session = $rt->login('anna');
	my $child = fork // die "fork: $!";
	if (!$child) {
		$session->post_json('/CallLog/widget/messages', { message => $message[3] });
		POSIX::_exit(0);
	}
	wait_for('the comment to wait for its mark', sub {
		$rt_db->psql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE 'INSERT INTO CallLogTickets%'");
	});
	kill KILL => $rt->workers;
	$rt_db->psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'holder'");
	$holder->wait_end;
	waitpid $child, 0;
	wait_for('the dead worker\'s transaction to end', sub {
		!$rt_db->psql("SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'INSERT INTO CallLogTickets%'");
	});
	is(comments($ticket), 0, 'the comment of the dead worker is gone');
	is($calls->psql(q(SELECT state FROM call_log.calls WHERE session_id = '1005')), 'final', 'the call is not');
	wait_for('new workers', sub { eval { $rt->login('anna') } });
	post($anna, (call('1006'))[0]);
	wait_for('another message of the agent to bring it', sub { post($anna, (call('1006'))[1]); comments($ticket) });
	is(comments($ticket), 1, 'any later message of the agent\'s widget brings it');
	post($anna, $message[3]);
	is(comments($ticket), 1, 'and the repeated record none');
	is(minutes($ticket), 1, 'the time is there once');
};

subtest 'a call that goes on under another name' => sub {
	my $ticket = shift @tickets;
	my @leg = call('1007', telephony => 's-same');
	my @call = call('1008', telephony => 's-same');
	post($anna, @leg[ 0 .. 2 ]);
	like(press_link($anna, $ticket, '1007'), qr/comment follows/, 'linked by its first name');
	post($anna, $call[3]);
	is($calls->psql(q(SELECT merged_into FROM call_log.calls WHERE session_id = '1007')), '1008', 'it is one with another');
	post($anna, @call, @leg, $call[3]);
	wait_for('the comment', sub { post($anna, $call[3]); comments($ticket) });
	is(comments($ticket), 1, 'and has one comment');
	like(press_link($anna, $ticket, $_), qr/linked to this ticket already/, "under the name $_ too") for '1007', '1008';
};

subtest 'tickets that are merged' => sub {
	my ($one, $two) = splice @tickets, 0, 2;
	my @message = call('1009', contacts => [ { id => "ticket/$one", type => 'call-log', name => 'x' } ]);
	post($anna, @message, save($message[3], contactId => "ticket/$one"));
	is(comments($one), 1, 'the call is on one');
	$rt->perl("my \$ticket = RT::Ticket->new(RT->SystemUser); \$ticket->Load($one); \$ticket->MergeInto($two);");
	my $before = comments($two);
	post($anna, save($message[3], contactId => "ticket/$one"), save($message[3], contactId => "ticket/$two"));
	is(comments($two), $before, 'and not once more on the one that took it in');
};

# In RT's own process, where an option can be another. Calls that are stored, and were
# not seen by RT; after each step, how many comments are on ada's two tickets.
subtest 'the caller\'s only open ticket' => sub {
	my ($only, $second) = @tickets[ -2, -1 ];
	$calls->psql(<<~"SQL") for 2001 .. 2004;
		INSERT INTO call_log.calls (account, agent, session_id, direction, from_number, to_number, started_at, duration_s,
			state, result, logged_by, connected, last_event_at, rank, ranks)
		SELECT '', 'anna', '$_', 'Inbound', '+16505550100', '+14155550101', now(), 30, 'final', 'Accepted', 'auto', true,
			now(), ''::bytea, ROW(@{[ join ', ', ('NULL') x 19 ]})::call_log.fact_ranks
		SQL
	my %after = map { split /=/ } split ' ', $rt->perl(<<~"PERL");
		require RT::Extension::CallLog::Links;
		my \$user = RT::CurrentUser->new;
		\$user->Load('anna');
		sub step {
			my (\$step, \$option, \$status, \@session) = \@_;
			RT->Config->Set(CallLogLinkOnlyTicket => \$option);
			my \$ticket = RT::Ticket->new(RT->SystemUser);
			\$ticket->Load($second);
			\$ticket->SetStatus(\$status) if \$ticket->Status ne \$status;
			RT::Extension::CallLog::Links->look(\$user, \$_) for \@session;
			print "\$step=", join('+', map {
				RT->DatabaseHandle->dbh->selectrow_array("SELECT count(*) FROM Transactions
					WHERE ObjectType = 'RT::Ticket' AND Type = 'Comment' AND ObjectId = \$_") } $only, $second), ' ';
		}
		step(unset => 0, 'resolved', 2001);
		step(set => 1, 'resolved', 2002, 2002);
		step(earlier => 1, 'resolved', 2001);
		step(two => 1, 'open', 2003);
		step(later => 1, 'resolved', 2003);
		step(closed => 1, 'resolved', 2004);
		PERL
	is($after{unset}, '0+0', 'is left alone unless the option is set');
	is($after{set}, '1+0', 'and has the comment if it is');
	is($after{earlier}, '1+0', 'of calls from then on');
	is($after{two}, '1+0', 'of two open tickets none is chosen');
	is($after{later}, '1+0', 'nor later, when one is closed');
	is($after{closed}, '2+0', 'a closed one does not count');
};
done_testing;
