# What the pages of a ticket and of a user show of calls: to whom they may, harmless
# whatever is in them, and never at the price of the page.
use v5.32;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Captured qw(call save);
use RequestTracker;
use Test::More;
use Time::HiRes qw(time);

my $rt = RequestTracker->new;
my $calls = $rt->calls;
my ($ticket, $hidden, $ada) = split ' ', $rt->perl(<<~'PERL');
	my $ada = RT::User->new(RT->SystemUser);
	$ada->Create(Name => 'ada', RealName => 'Ada', EmailAddress => 'ada@example.org', WorkPhone => '(650) 555-0100');
	my $queue = RT::Queue->new(RT->SystemUser);
	$queue->Create(Name => 'Silent');
	my $ben = RT::User->new(RT->SystemUser);
	$ben->Load('ben');
	my $group = RT::Group->new(RT->SystemUser);
	$group->LoadSystemInternalGroup('Privileged');
	$group->PrincipalObj->RevokeRight(Right => 'ShowTicketComments', Object => RT->System);
	my $anna = RT::User->new(RT->SystemUser);
	$anna->Load('anna');
	$anna->PrincipalObj->GrantRight(Right => $_, Object => RT->System) for qw(ShowTicketComments ShowAllCalls);
	print join ' ', (map { (RT::Ticket->new(RT->SystemUser)->Create(Queue => $_, Subject => 'Printer', Requestor => 'ada@example.org'))[0] }
		'General', 'Silent'), $ada->id;
	PERL
# Where nothing else is said, calls are in RT's own database.
my $rt_db = $rt->cluster->database('rt');
$rt_db->install_schema;
my $read = <<~'PERL';
	require RT::Extension::CallLog::Calls;
	RT->Config->Set(CallLogReports => '');
	print scalar(my @calls = eval { RT::Extension::CallLog::Calls->latest('anna', 10) }), $@;
	PERL
like($rt->perl($read), qr/\A0the calls cannot be read: .*permission denied/, 'RT\'s user needs the role call_log_report to read them there');
$rt_db->psql('GRANT call_log_report TO rt_user');
is($rt->perl($read), '0', 'and then reads them');

$rt->serve;
my ($anna, $ben, $carl) = map { $rt->login($_) } qw(anna ben carl);

sub post {
	my ($session, @message) = @_;
	for my $message (@message) {
		my $answer = $session->post_json('/CallLog/widget/messages', { sent_at => int(1000 * time), message => $message });
		$answer->{status} == 200 or diag "$answer->{status} $answer->{content}", $rt->log_text;
	}
}
sub box { $_[0]->get("/Helpers/CallLog/$_[1]Calls?id=$_[2]") }

my $evil = '<script>alert("1")</script><img src=x onerror=\'alert(2)\'>';
my @message = call('3001', name => $evil, number => '+16505550100', duration => 3725,
	contacts => [ { id => "ticket/$ticket", type => 'call-log', name => $evil } ],
	recording => { id => '1', link => 'javascript:alert(3)//https://x' });
post($anna, @message, save($message[3], contactId => "ticket/$ticket", note => $evil));
@message = call('3002', number => '+16505550100', name => 'Ada P.', recording => { id => '2', link => 'https://recordings.example.org/?a=1&b="2"' });
post($ben, @message, save($message[3], note => 'from ben'));
post($anna, call('3003', number => '+12025550143', name => 'A stranger'));
post($anna, call(q(3"<b>'4), number => '+12025550144', name => 'An odd name'));

my $page = $anna->get("/Ticket/Display.html?id=$ticket")->{content};
like($page, qr/Phone calls/, 'the page of a ticket has a box for calls');
like($page, qr{load\(\"\\/Helpers\\/CallLog\\/TicketCalls\?id=$ticket\"}, 'which fills itself once the page is there');
unlike($page, qr/\Q$evil\E/, 'and the comment in it is harmless');
my $box = box($anna, Ticket => $ticket)->{content};
like($box, qr/1:02:05/, 'it shows the calls of the ticket');
like($box, qr/&lt;script&gt;alert\(|&lt;script&gt;alert&#40;/, 'texts as they were typed');
unlike($box, qr/<script|<img|<b>|href="(?!https:)/, 'and nothing that a browser would run');
like($box, qr/A stranger.*name="CallLogLink" value="3003"/s, 'and the agent\'s own other calls, with a button');
unlike($box, qr/value="3001"/, 'but not for one that is linked');
unlike($box, qr/from ben/, 'and no other agent\'s');
my ($odd) = $box =~ /name="CallLogLink" value="(3&#34;[^"]*)"/;
is($odd, '3&#34;&lt;b&gt;&#39;4', 'an odd name of a call stays one');

unlike(box($ben, Ticket => $ticket)->{content}, qr/1:02:05/, 'who may not see comments sees no calls of the ticket');
like(box($ben, Ticket => $ticket)->{content}, qr/from ben/, 'but own ones');
is(box($carl, Ticket => $ticket)->{content} =~ /CallLogLink|1:02:05/, '', 'who may not log calls sees none');
unlike($carl->get("/Ticket/Display.html?id=$ticket")->{content}, qr/Phone calls/, 'nor a box');
like($anna->get("/User/Summary.html?id=$ada")->{content}, qr{load\(\"\\/Helpers\\/CallLog\\/UserCalls\?id=$ada\"}, 'the page of a user has a box too');
$box = box($anna, User => $ada)->{content};
like($box, qr/from ben.*1:02:05|1:02:05.*from ben/s, 'with all agents\' calls with that person, for whom may see them');
like($box, qr{href="https://recordings\.example\.org/\?a=1&#38;b=&#34;2&#34;"}, 'and their recordings');
unlike($box, qr/stranger/, 'and nobody else\'s');
$box = box($ben, User => $ada)->{content};
like($box, qr/from ben/, 'for others their own');
unlike($box, qr/1:02:05/, 'only');
like(box($anna, Ticket => 999999)->{content}, qr/No ticket|Could not load|find ticket/i, 'a ticket that is none has none');
like(box($anna, User => 999999)->{content}, qr/No such user/, 'nor a user');

# ------------------------------------------------------- the calls' database is away
sub away {
	my ($what) = @_;
	my $start = time;
	like(box($anna, Ticket => $ticket)->{content}, qr/cannot be shown now/, "$what: that is said");
	note sprintf 'after %.1f s', time - $start;
	like($anna->get("/Ticket/Display.html?id=$ticket")->{content}, qr/Phone calls/, 'the page is there');
	my $said = $anna->request('POST', '/Ticket/Display.html', content => "id=$ticket&CallLogLink=3003",
		headers => { 'Content-Type' => 'application/x-www-form-urlencoded' });
	$said = $anna->get($said->{headers}{location} =~ s{\Ahttps?://[^/]+}{}r) if $said->{headers}{location};
	like($said->{content}, qr/cannot be shown now/, 'nothing is linked, and the agent told so');
}
# Workers that nobody asked yet; each leaves a database that was away alone for a while.
sub fresh {
	$rt->stop;
	$rt->serve(workers => 1);
	$anna = $rt->login('anna');
	like(box($anna, Ticket => $ticket)->{content}, qr/1:02:05/, 'the calls are there');
}
fresh();
$calls->psql('ALTER ROLE rt_reports NOLOGIN');
$calls->psql(q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'rt_reports'));
away('a database that is away');
$calls->psql('ALTER ROLE rt_reports LOGIN');

fresh();
my @backend = split ' ', $calls->psql(q(SELECT pid FROM pg_stat_activity WHERE usename = 'rt_reports'));
is(@backend, 1, 'a worker has one connection for reading');
kill STOP => @backend;
away('a server that is silent');
kill CONT => @backend;

fresh();
$calls->psql('ALTER VIEW call_report.calls RENAME TO not_there');
away('a schema that is not there');
$calls->psql('ALTER VIEW call_report.not_there RENAME TO calls');
done_testing;
