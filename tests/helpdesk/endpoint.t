# A call of an agent of Request Tracker becomes a row; and nobody else's message does:
# who is not signed in, has no right, is not privileged, comes from another page.
use v5.32;
use warnings;
use lib 'tests/lib';
use HTTP::Tiny;
use Http::Session;
use JSON::PP;
use RequestTracker;
use Test::More;
use Widget;

my $rt = RequestTracker->new;
is $rt->perl('print scalar grep { /libcrm-host|call_log/ } do { open my $maps, "<", "/proc/self/maps"; <$maps> }'), 0,
  "what RT's command-line tools load does not load the library";
$rt->serve(by => 'starlet');
is(Http::Session->new($rt->url)->get('/CallLog/widget/bridge.js')->{status}, 200, 'the bridge may be the first that is asked of a worker');
my ($anna, $ben, $carl, $sue) = map { $rt->login($_) } qw(anna ben carl sue);
my $messages = '/CallLog/widget/messages';
sub rows { return $rt->calls->psql("SELECT string_agg(agent || ' ' || session_id, ',' ORDER BY agent, session_id) FROM call_log.calls") }
sub json { return decode_json($_[0]{content}) }
sub error { my ($answer) = @_; return "$answer->{status} " . (eval { json($answer)->{error} } // $answer->{content}) }

# ---------------------------------------------------------------- what is logged
my $answer = $anna->post_json($messages, Widget::call(42));
is $answer->{status}, 200, 'a message is taken' or diag $answer->{content}, $rt->log_text;
is $answer->{content}, '{"type":"rc-post-message-response","responseId":"r1","response":{"data":"ok"}}', 'and answered';
is rows(), 'anna 42', 'as the agent who is signed in to RT';
is_deeply Widget::logged($anna->post_json($messages, Widget::match([ 42, 43 ]))->{content}), { 42 => 1, 43 => 0 },
  'a match finds it';
is_deeply Widget::logged($ben->post_json($messages, Widget::match([42]))->{content}), { 42 => 0 }, 'but not for another agent';
is $anna->post_json($messages, Widget::call(44, envelope => { expected_agent => 'anna', expected_account => '' }))->{status}, 200,
  'a message may say whom it is for';
is error($ben->post_json($messages, Widget::call(45, envelope => { expected_agent => 'anna' }))), '409 other_agent',
  'and is refused when somebody else is signed in';
is error($anna->post_json($messages, '{"message":')), '400 bad_request', 'what is not JSON is refused';
is error($anna->post_json($messages, '{"message":{"path":"/elsewhere"}}')), '404 no_plugin', 'as is what no plugin takes';
is $anna->post_json($messages, '{"message":{"type":"rc-unknown-notify"}}')->{status}, 204, 'a notification wants no answer';

my $service = json($anna->get('/CallLog/widget/service.json'));
is_deeply [ @$service{qw(agent account events)}, $service->{service}{callLoggerPath} ], [ 'anna', '', 'poll', '/callLogger' ],
  'the bridge is told what to register, who is signed in, and to ask for events';
cmp_ok abs($service->{now} / 1000 - time), '<', 60, 'and the time';
my $cursor = json($anna->get('/CallLog/widget/events'))->{cursor};
$rt->calls->psql("SELECT call_log.set_note('', 'anna', '42', 'from elsewhere', NULL)");
my $events = json($anna->get('/CallLog/widget/events?after=' . HTTP::Tiny->new->_uri_escape($cursor)));
is_deeply $events->{messages}, [ { type => 'rc-adapter-trigger-call-logger-match', sessionIds => ['42'] } ],
  'a note that was changed elsewhere is told after that cursor';
is_deeply json($ben->get('/CallLog/widget/events?after=' . HTTP::Tiny->new->_uri_escape($cursor)))->{messages}, [],
  'to no other agent';

# --------------------------------------------------------------- RT's own pages
my ($bridge) = $anna->get('/')->{content} =~ m{<script type="module" src="(/CallLog/widget/[0-9a-f]{16}/bridge\.js)"};
ok $bridge, "the bridge is in an agent's page, under an address of its version";
like $anna->get('/Search/Simple.html')->{content}, qr/\Q$bridge\E/, 'and in every other one';
unlike $_->[1]->get($_->[2])->{content}, qr/CallLog|call-log/, "but not in $_->[0]"
  for [ 'those of a user without the right', $carl, '/' ], [ 'those of an unprivileged user', $sue, '/SelfService/' ],
  [ 'the page to sign in', Http::Session->new($rt->url), '/NoAuth/Login.html' ];
$answer = $anna->get($bridge);
is "$answer->{status} $answer->{headers}{'cache-control'}", '200 private, max-age=31536000, immutable', 'it may be kept for ever';
like $answer->{content}, qr{\A/\* bridge - }, 'as it is';
my $any = '/CallLog/widget/bridge.js';
$answer = $anna->get($any);
is $answer->{headers}{'cache-control'}, 'no-cache', 'without its version it is asked for again';
is $anna->get($any, headers => { 'If-None-Match' => $answer->{headers}{etag} })->{status}, 304, 'and found to be the same';
is $anna->get(s/bridge/sender/r)->{status}, 200, "its modules are beside it: $_" for $bridge, $any;
is $anna->get('/CallLog/widget/nothing.js')->{status}, 404, 'and nothing else';
is $anna->post_json($bridge =~ s/bridge\.js/messages/r, Widget::call(46))->{status}, 200, 'as is what it asks';

$answer = $anna->get('/CallLog/');
like $answer->{content}, qr{<title>Calls</title>}, "the desk is a page of RT's";
like $answer->{headers}{'content-security-policy'}, qr/\Adefault-src 'none'; script-src 'self'; .*frame-src 'none'\z/, 'under a strict policy';
is $anna->get('/CallLog/desk.js')->{status}, 200, 'with what belongs to it';
is error($anna->get('/CallLog/phone/app.html')), '404 not_found', 'the simulated phone would need an origin of its own';
like $anna->get('/CallLog/phone')->{content}, qr/data-bridge="\Q$bridge\E"/, 'the phone has a window';
for my $path ('/CallLog/nothing', '/CallLog/../etc/passwd', '/CallLog/widget/', '/CallLog/widget/0123456789abcdef/desk.js') {
	is $anna->get($path)->{status}, 404, "there is nothing at $path";
}

# ---------------------------------------------------------------- who is refused
my $before = rows();
my $nobody = Http::Session->new($rt->url);
is error($nobody->post_json($messages, Widget::call(51))), '401 no_agent', 'who is not signed in is told so';
is error($nobody->get('/CallLog/widget/service.json')), '401 no_agent', 'wherever';
is $nobody->get('/CallLog/')->{status}, 401, 'also instead of a page';
$nobody->{cookies} = { %{ $anna->{cookies} } };
$_ = 'f' x 32 for values %{ $nobody->{cookies} };
is error($nobody->post_json($messages, Widget::call(51))), '401 no_agent', 'a session that is over is none';
is error($carl->post_json($messages, Widget::call(52))), '403 no_right', 'an agent without the right is refused';
is error($sue->post_json($messages, Widget::call(53))), '403 no_right', 'as is an unprivileged user, even with the right';
is error($sue->get("/CallLog/$_")), '403 no_right', "and gets nothing from $_" for '', 'desk.js', 'phone', 'widget/service.json', 'widget/events';

my $own = $rt->url;
for my $case ([ 'another host' => 'http://evil.test' ], [ 'a longer port' => "${own}1" ], [ 'a longer name' => "$own.evil.test" ],
	[ 'a name before' => $own =~ s{//}{//evil.test@}r ], [ 'ours as a name' => $own =~ s{127}{evil.test\@127}r ], [ 'another port' => 'http://127.0.0.1:1' ],
	[ 'no origin' => 'null' ], [ 'a path' => "$own/x" ], [ 'nothing' => '' ], [ 'another scheme' => 'ftp://127.0.0.1' ]) {
	my ($name, $origin) = @$case;
	is error($anna->post_json($messages, Widget::call(54), headers => { Origin => $origin })), '403 foreign_origin', "from $name: $origin";
}
is error($anna->post_json($messages, Widget::call(54), headers => { Origin => 'http://evil.test', Referer => "$own/" })), '403 foreign_origin',
  'where there is an Origin, it counts';
my %only_referer = (Origin => undef, Referer => undef);
is error($anna->post_json($messages, Widget::call(54), headers => { %only_referer, Referer => $_ })), '403 foreign_origin', "with the Referer $_"
  for 'http://evil.test/', "${own}1/", "$own\@evil.test/", 'x';
is error($anna->post_json($messages, Widget::call(54), headers => \%only_referer)), '403 foreign_origin', 'with neither';
is $anna->post_json($messages, Widget::call(55), headers => { %only_referer, Referer => "$own/Ticket/Display.html?id=1" })->{status}, 200,
  'a Referer of RT will do';
is error($anna->get('/CallLog/widget/events', headers => { Origin => 'http://evil.test' })), '403 foreign_origin',
  'nor is a foreign page told anything';

for my $type (undef, 'text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data; boundary=x', 'application/jsonp', 'text/plain; application/json') {
	is error($anna->post_json($messages, Widget::call(56), headers => { 'Content-Type' => $type })), '415 not_json', 'the type ' . ($type // 'none');
}
is $anna->post_json($messages, Widget::call(57), headers => { 'Content-Type' => 'application/json; charset=utf-8' })->{status}, 200, 'a charset may follow';
my $pad = 'x' x (1024 * 1024);
is error($anna->post_json($messages, Widget::call(58, envelope => { pad => $pad }))), '413 too_large', 'what is too large is refused';
my $large = Widget::call(59, envelope => { pad => substr $pad, 2000 });
is $anna->post_json($messages, $large)->{status}, 200, 'what is as large as may be is not';
my @chunks = map { substr $pad, 0, 65536 } 1 .. 20;
is error($anna->post_json($messages, sub { shift @chunks })), '413 too_large', 'also where its length is not told before';
for my $case ([ GET => $messages, 'POST' ], [ PUT => $messages, 'POST' ], [ DELETE => $messages, 'POST' ],
	[ POST => '/CallLog/widget/events', 'GET, HEAD' ], [ POST => '/CallLog/', 'GET, HEAD' ]) {
	my ($method, $path, $allow) = @$case;
	$answer = $anna->request($method, $path);
	is error($answer) . " $answer->{headers}{allow}", "405 method_not_allowed $allow", "$method is not for $path";
}
is rows(), "$before,anna 55,anna 57,anna 59", 'of what was refused nothing became a row';
is $rt->stop, 0, 'the server ends';
unlike $rt->log_text, qr/\[(?:error|critical)\]|call log:/, 'and had nothing to complain of';
done_testing;
