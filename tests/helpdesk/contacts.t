# Whose number it is: the widget asks, Request Tracker's users answer; as fast among
# many of them as among few.
use v5.32;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use JSON::PP qw(decode_json);
use RequestTracker;
use Test::More;
use Time::HiRes qw(time);

my $rt = RequestTracker->new;
my $rt_db = $rt->cluster->database('rt');

# Makes them in RT, with what people write into RT's fields.
$rt->perl(<<~'PERL');
	sub user {
		my ($name, %more) = @_;
		my $user = RT::User->new(RT->SystemUser);
		my ($ok, $why) = $user->Create(Name => $name, EmailAddress => "$name\@example.org", Privileged => 0, %more);
		die "$name: $why" if !$ok;
		return $user;
	}
	user('ada', RealName => 'Ada "<Park>"', WorkPhone => '(650) 555-0100', MobilePhone => '650.555.0177');
	user('bob', HomePhone => '+1 650 555 0188', PagerPhone => '6505550188');
	user('cleo', HomePhone => '1-650-555-0188 ext 4');
	user('dora', MobilePhone => '650-555-0188')->SetDisabled(1);
	user('emil', WorkPhone => 'x102', HomePhone => '%');
	user('fay', WorkPhone => '_______', HomePhone => "'; DROP--");
	user('gus', MobilePhone => '+44 650 555 0100');
	my $open = RT::Queue->new(RT->SystemUser);
	$open->Load('General');
	my $secret = RT::Queue->new(RT->SystemUser);
	$secret->Create(Name => 'Secret');
	my $privileged = RT::Group->new(RT->SystemUser);
	$privileged->LoadSystemInternalGroup('Privileged');
	for my $right (qw(ShowTicket CommentOnTicket ModifyTicket)) {
		$privileged->PrincipalObj->RevokeRight(Right => $right, Object => RT->System);
		$privileged->PrincipalObj->GrantRight(Right => $right, Object => $open);
	}
	for my $case ([ 'Printer', $open ], [ 'Salaries', $secret ], [ 'Done', $open, 'resolved' ]) {
		my ($subject, $queue, $status) = @$case;
		RT::Ticket->new(RT->SystemUser)->Create(Queue => $queue->id, Subject => $subject,
			Requestor => 'ada@example.org', Status => $status || 'new');
	}
	PERL

$rt->serve;
my $anna = $rt->login('anna');

my $service = decode_json($anna->get('/CallLog/widget/service.json')->{content})->{service};
is($service->{contactMatchPath}, '/contacts/match', 'the widget is told where to ask');
is($service->{callLoggerPath}, '/callLogger', 'beside what the plugin tells it');

sub ask {
	my (@number) = @_;
	my $answer = $anna->post_json('/CallLog/widget/messages', { sent_at => int(1000 * time), message => {
		type => 'rc-post-message-request', requestId => 'r7', path => '/contacts/match',
		body => { phoneNumbers => \@number, callerIds => {} } } });
	is($answer->{status}, 200, 'the question is answered') or diag $answer->{content}, $rt->log_text;
	return decode_json($answer->{content});
}

sub names {
	my ($number) = @_;
	return join ', ', map { $_->{name} } @{ ask($number)->{response}{data}{$number} };
}

my $id = $rt_db->psql(q(SELECT id FROM users WHERE name = 'ada'));
my $answer = ask('+16505550100', '+16505550199');
is_deeply($answer, {
	type => 'rc-post-message-response', responseId => 'r7',
	response => { data => {
		'+16505550199' => [],
		'+16505550100' => [
			{ id => "user/$id", type => 'call-log', name => 'Ada "<Park>"', phoneNumbers => [ { phoneNumber => '+16505550100', phoneType => 'business' } ] },
			{ id => 'ticket/1', type => 'call-log', name => '#1: Printer', phoneNumbers => [ { phoneNumber => '+16505550100', phoneType => 'other' } ] },
		] } } }, 'a user and the open tickets that the agent may comment on, in the widget\'s shape; none for a stranger');
is(names('+16505550177'), 'Ada "<Park>", #1: Printer', 'any of the phones finds the user');
is(names('+16505550188'), 'bob, cleo', 'all who have the number come, once each, and not who is disabled');
is(names('+446505550100'), 'gus', 'equal last digits of another country are another number');
is(names('102'), 'emil', 'an extension is found');
is(names($_), '', "nobody has '$_'") for '%', '_', '_______', '+1650555010', '555-0100', "'", '\\', '{}';
is_deeply(ask()->{response}{data}, {}, 'no number, no answer');

my %odd = (nothing => undef, 'a text' => 'x', 'a list of lists' => [ [1], {}, undef, '' ], 'a number' => [16505550100]);
for my $what (sort keys %odd) {
	my $got = $anna->post_json('/CallLog/widget/messages', { message => {
		type => 'rc-post-message-request', requestId => 'r8', path => '/contacts/match', body => { phoneNumbers => $odd{$what} } } });
	is($got->{status}, 200, "$what as the numbers is answered");
}

# ---------------------------------------------------------------------- many users
# How long a question takes in RT's own process, the middle of many.
sub fill_up_to {
	my ($count) = @_;
	$rt_db->psql(<<~"SQL");
		WITH made AS (
			INSERT INTO principals (principaltype, disabled)
			SELECT 'User', 0 FROM generate_series(1, $count - (SELECT count(*) FROM users)) RETURNING id)
		INSERT INTO users (id, name, workphone, mobilephone)
		SELECT id, 'many-' || id, format('(%s) %s-%s', 201 + id % 700, 200 + id / 700 % 700, lpad((id % 10000)::text, 4, '0')),
		       CASE WHEN id % 3 = 0 THEN '+1 212 555 ' || lpad((id % 10000)::text, 4, '0') END
		FROM made;
		ANALYZE users;
		SQL
	return $rt->perl(<<~'PERL');
		require RT::Extension::CallLog::Contacts;
		require Time::HiRes;
		my $user = RT::CurrentUser->new;
		$user->LoadByName('anna');
		my @ms = sort { $a <=> $b } map {
			my $start = Time::HiRes::time();
			my $found = RT::Extension::CallLog::Contacts->match($user, sprintf '+1201777%04d', $_);
			1000 * (Time::HiRes::time() - $start);
		} 1 .. 101;
		printf '%.2f %.2f', @ms[50, 0];
		PERL
}
my ($few, $many) = map { [ split / /, fill_up_to($_) ] } 2000, 50000;
note "figure: helpdesk.match_p50_ms_2000 $few->[0]";
note "figure: helpdesk.match_p50_ms_50000 $many->[0]";
# the fastest of 101: the others may have waited for a crowded machine
cmp_ok($many->[1], '<', 5 * $few->[1], 'among 50,000 users it takes about as long as among 2,000');
my $plan = $rt->perl(<<~'PERL');
	require RT::Extension::CallLog::Contacts;
	print map { "@$_\n" } @{ RT->DatabaseHandle->dbh->selectall_arrayref(
		'EXPLAIN ' . RT::Extension::CallLog::Contacts::candidates_sql(), undef, ['7770001']) };
	PERL
like($plan, qr/calllogphones/, 'by the index, whose expression is that of the question');
is(names('+16505550188'), 'bob, cleo', 'and all of them are still found');

# As at the first look at a long history.
my @all = map { s/[^0-9]//gr =~ s/\A/+1/r } split ' ', $rt_db->psql(
	q(SELECT replace(workphone, ' ', '') FROM users WHERE name LIKE 'many-%' ORDER BY id LIMIT 500));
my $start = time;
my $got = ask(@all)->{response}{data};
note sprintf 'figure: helpdesk.match_500_numbers_s %.2f', time - $start;
is(scalar(grep { @{ $got->{$_} } } @all), 500, 'five hundred numbers at once are all answered');
done_testing;
