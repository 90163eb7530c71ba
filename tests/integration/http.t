# crm-host by real HTTP: every status, the headers, who is asked and who may ask,
# bytes that arrive in pieces, and plugins that take their time.
use v5.32;
use warnings;
use lib 'tests/lib';
use Test::More;
use CrmHost;
use Http;
use Process qw(slurp wait_for);

my $host = CrmHost->start(host => {
		max_message_kb => 64, request_timeout_ms => 60000,
		trusted_proxies => [ '127.0.0.1' ],
	});
my $port = $host->port;
my @json = ('Content-Type' => 'application/json');
my @anna = ('X-Remote-User' => 'anna');

sub request { Http::request($port, @_) }

# Posts an envelope with these headers beside the Content-Type.
sub post_with {
	my ($headers, $body) = @_;
	return request('POST', '/widget/messages', [ @json, @$headers ],
		$body // CrmHost::envelope({ path => '/slow/who' }));
}

sub is_error {
	my ($answer, $status, $code, $like, $name) = @_;
	my $json = eval { Http::json($answer) } // {};
	my $good = $answer->{status} == $status && $json->{error} eq $code
	  && $json->{message} =~ $like && keys %$json == 2
	  && $answer->{header}{'content-type'} eq 'application/json';
	ok $good, $name;
	diag "$answer->{status} $answer->{body}" if !$good;
}

# -------------------------------------------------------------- the message itself
my $odd = qq({ "requestId" :\t"a-1", "path":"\\/echo" ,\n"big": 900719925474099312345,)
  . qq( "x": 1.50e+03,"u":"\\u00e9\xc3\xa9\xf0\x9f\x98\x80\\"", "a":[ ], "a":{ } } );
my $answer = post_with(\@anna, qq( { "other": [1], "message" :$odd, "sent_at": 17 } ));
is $answer->{status}, 200, 'a message is answered';
is $answer->{body}, $odd =~ s/ \z//r,
  'the plugin gets the message, and the client the answer, byte for byte';
$answer = post_with(\@anna, qq({"m\\u0065ssage":{"path":"/echo"}}));
is $answer->{body}, '{"path":"/echo"}', 'an escaped member name is the same name';

$answer = $host->post('/slow/who', sent_at => 1700000000123);
is_deeply Http::json($answer),
  { agent => 'anna', account => '', sent_at => 1700000000123, body_len => 36 },
  'the plugin is told who sent it and when';
is Http::json($host->post('/slow/who'))->{sent_at}, 0, 'sent_at may be absent';

$answer = post_with(\@anna, '{"message":{"type":"rc-login-status-notify"}}');
is $answer->{status}, 204, 'a notification is answered with 204';
is $answer->{body}, '', 'which has no body';
ok !exists $answer->{header}{'content-type'}, 'and so no type';
is $host->post('/slow/empty')->{status}, 204, 'also from a thread';
$answer = $host->post('/slow/big');
is length $answer->{body}, 24000000, 'an answer may be large';

# ------------------------------------------------------------------------ headers
my %want = (
	'content-type' => 'application/json', 'x-content-type-options' => 'nosniff',
	'cache-control' => 'no-store', 'referrer-policy' => 'no-referrer',
	'content-security-policy' => "default-src 'none'; frame-ancestors 'none'",
	'cross-origin-resource-policy' => 'same-origin',
);
for my $case ([ 'an answer', $host->post('/slow/who') ],
	[ 'a refusal', request('GET', '/nothing') ], [ 'the status', $host->get('/status') ]) {
	my ($name, $got) = @$case;
	is_deeply { map { $_ => $got->{header}{$_} } keys %want }, \%want,
	  "$name carries the security headers";
	ok !grep({ /^access-control/ } keys %{ $got->{header} }), "$name allows no other origin";
}

# --------------------------------------------------------------------- every status
is_error(request('GET', '/nothing'), 404, 'not_found', qr/nothing/, '404 for an unknown path');
is_error(request('GET', '/widget/messages/', \@anna), 404, 'not_found', qr/./,
	'404 for a path that is only like one');
$answer = request('GET', '/widget/messages', \@anna);
is_error($answer, 405, 'method_not_allowed', qr/./, '405 for a wrong method');
is $answer->{header}{allow}, 'POST', 'which says the right one';
$answer = request('POST', '/status', [@json], '{}');
is_error($answer, 405, 'method_not_allowed', qr/./, '405 also where only GET is served');
is $answer->{header}{allow}, 'GET, HEAD', 'which says both';
is_error(request('OPTIONS', '/widget/messages',
		[ Origin => 'http://evil.test', 'Access-Control-Request-Method' => 'POST' ]),
	405, 'method_not_allowed', qr/./, 'a preflight is not answered');

for my $type (undef, 'text/plain', 'application/jsonx', 'application/x-www-form-urlencoded',
	'application/json-seq; a=b', '') {
	is_error(request('POST', '/widget/messages', [ @anna, 'Content-Type' => $type ], '{}'),
		415, 'not_json', qr{application/json}, '415 for the type ' . ($type // '(none)'));
}
for my $type ('application/json; charset=utf-8', 'Application/JSON', 'application/json ;x=y') {
	is request('POST', '/widget/messages', [ @anna, 'Content-Type' => $type ],
		'{"message":{"path":"/echo"}}')->{status}, 200, "the type $type is taken";
}

for my $case (
	[ 'no JSON', 'hello' ], [ 'an empty body', '' ], [ 'an array', '[]' ], [ 'half', '{"message":{}' ],
	[ 'more after the end', '{"message":{"path":"/echo"}}x' ],
	[ 'no message', '{"sent_at":1}' ], [ 'a message that is text', '{"message":"{}"}' ],
	[ 'a null message', '{"message":null}' ], [ 'two messages', '{"message":{},"message":{}}' ],
	[ 'bytes that are not UTF-8', qq({"message":{"path":"/echo","x":"\xff"}}) ],
	[ 'deep nesting', '{"message":' . '[' x 5000 . ']' x 5000 . '}' ],
	[ 'neither path nor type', '{"message":{"requestId":"1"}}' ],
	[ 'a path that is a number', '{"message":{"path":1}}' ],
	map({ [ "sent_at $_", qq({"sent_at":$_,"message":{"path":"/echo"}}) ] }
		'"1700000000000"', 'null', 'true', '1.5', '1e3', '-1', '[]', '99999999999999999999',
		'1,"sent_at":2')
) {
	is_error(post_with(\@anna, $case->[1]), 400, 'bad_request', qr/\w/, "400 for $case->[0]");
}
is_error($host->post('/slow/bad'), 400, 'bad_request', qr/call\.sessionId is missing/,
	'400 with the sentence of the plugin');
is_error($host->post('/nobody'), 404, 'no_plugin', qr/./, '404 when no plugin takes the path');
is post_with(\@anna, '{"message":{"type":"rc-unknown-notify"}}')->{status}, 204,
	'204 for a notification that no plugin takes';
is_error(post_with(\@anna, '{"message":{"type":"rc-post-message-request","requestId":"1"}}'), 404, 'no_plugin', qr/./,
	'404 for a request without a path');
is_error($host->post('/slow/unsupported'), 404, 'no_plugin', qr/./, '404 when the plugin says so');
is_error($host->post('/slow/failed'), 500, 'failed', qr/plugin/, '500 when the plugin failed');
is_error($host->post('/slow/garbled'), 500, 'failed',
	qr/\Aa "quote", a \\, a\nline, \x{fffd}\x{fffd}\x{fffd} end\z/,
	'any sentence of a plugin becomes good JSON');
for my $case ([ 'refuse', 'busy' ], [ 'busy', 'busy' ], [ 'stopping', 'stopping' ]) {
	my ($path, $code) = @$case;
	$answer = $host->post("/slow/$path");
	is_error($answer, 503, $code, qr/./, "503 $code from /slow/$path");
	is $answer->{header}{'retry-after'}, 1, 'with a time to try again';
}
is_error($host->post('/slow/timeout'), 504, 'timeout', qr/./, '504 when the plugin says so');

# ----------------------------------------------------------------------- too large
my $frame = length '{"message":{"path":"/echo","x":""}}';
my $full = '{"message":{"path":"/echo","x":"' . 'x' x (65536 - $frame) . '"}}';
is length $full, 65536, '(the largest body that is allowed)';
is post_with(\@anna, $full)->{status}, 200, 'a body of max_message_kb is taken';
is_error(post_with(\@anna, $full . ' '), 413, 'too_large', qr/64 KB/,
	'413 for one byte more');
my $http = Http->new($port);
$http->write(CrmHost::post_bytes('x' x 5_000_000));
is_error($http->read_answer, 413, 'too_large', qr/./, '413 after a client that sends all of 5 MB');
$http->write(CrmHost::post_bytes('{"message":{"path":"/echo"}}'));
is $http->read_answer->{status}, 200, 'and the connection goes on';
$http = Http->new($port);
$http->write(CrmHost::post_bytes('', headers => [ 'Content-Length' => 900_000_000 ]));
is_error($http->read_answer, 413, 'too_large', qr/./, '413 before the body when it is huge');
ok $http->at_end, 'and the connection ends';
$http = Http->new($port);
$http->write(CrmHost::post_bytes('', headers =>
			[ 'Content-Length' => 70000, Expect => '100-continue' ]));
is_error($http->read_answer, 413, 'too_large', qr/./, '413 at once to a client that asks first');
$http = Http->new($port);
$http->write(CrmHost::post_bytes('', headers =>
			[ 'Content-Length' => 28, Expect => '100-continue' ]));
is $http->read_answer->{status}, 100, 'a client that asks first may go on';
$http->write('{"message":{"path":"/echo"}}');
is $http->read_answer->{status}, 200, 'and is answered';

sub chunked {
	my (@parts) = @_;
	return join '', map { sprintf "%x\r\n%s\r\n", length, $_ } @parts, '';
}
my @chunked = ('Content-Length' => undef, 'Transfer-Encoding' => 'chunked');
$http = Http->new($port);
$http->write(CrmHost::post_bytes(chunked('{"message":', '{"path":"/ec', 'ho"}}'),
		headers => \@chunked));
is $http->read_answer->{body}, '{"path":"/echo"}', 'a body in chunks is put together';
$http->write(CrmHost::post_bytes(chunked(('x' x 10000) x 20), headers => \@chunked));
is_error($http->read_answer, 413, 'too_large', qr/./, '413 for too many chunks');
for my $case ([ 'Content-Length' => 5, 'Content-Length' => 28 ],
	[ 'Content-Length' => 28, 'Transfer-Encoding' => 'chunked' ]) {
	$http = Http->new($port);
	$http->write(CrmHost::post_bytes('', headers => $case));
	is $http->read_answer->{status}, 400, "400 for a request with two lengths (@$case)";
	ok $http->at_end, 'after which nothing more is read';
}

# ------------------------------------------------------------------------- origins
for my $case (
	[ 'http of Host', 200, 'http://crm.test' ], [ 'https of Host', 200, 'https://crm.test' ],
	[ 'the same in capitals', 200, 'HTTP://CRM.TEST' ],
	[ 'a default port', 200, 'https://crm.test:443' ],
	[ 'another host', 403, 'http://evil.test' ], [ 'null', 403, 'null' ],
	[ 'nothing', 403, '' ], [ 'a longer name', 403, 'http://crm.test.evil.test' ],
	[ 'a longer port', 403, 'http://crm.test:80801' ], [ 'another port', 403, 'http://crm.test:81' ],
	[ 'the wrong default port', 403, 'http://crm.test:443' ],
	[ 'a user', 403, 'http://crm.test@evil.test' ], [ 'a path', 403, 'http://crm.test/' ],
	[ 'a shorter name', 403, 'http://crm.tes' ], [ 'another scheme', 403, 'ftp://crm.test' ],
	[ 'no scheme', 403, 'crm.test' ], [ 'two in one', 403, 'http://crm.test http://evil.test' ],
	[ 'a long one', 403, 'http://' . 'a' x 5000 ],
) {
	my ($name, $status, $origin) = @$case;
	is post_with([ @anna, Origin => $origin ])->{status}, $status, "$status for the origin: $name";
}
is_error(post_with([ @anna, Origin => 'http://crm.test', Origin => 'http://evil.test' ]),
	403, 'foreign_origin', qr/origin/, '403 for two Origin headers');
is post_with([ @anna, Origin => 'http://evil.test', Origin => 'http://crm.test' ])->{status},
  403, 'in either order';
is post_with([ @anna, Host => 'crm.test:8085', Origin => 'http://crm.test:8085' ])->{status},
  200, 'the port belongs to the origin';
is request('GET', '/widget/service.json', [ @anna, Origin => 'http://evil.test' ])->{status},
  403, 'a foreign page may not read either';

# ------------------------------------------------------------------------ identity
is_error(post_with([]), 401, 'no_agent', qr/signed in/, '401 without an agent');
is_error(post_with([ 'X-Remote-User' => '' ]), 401, 'no_agent', qr/./, '401 for an empty name');
is_error(post_with([ Cookie => 'crm_agent=anna' ]), 401, 'no_agent', qr/./,
	'401 for a cookie where demo_agents is not set');
for my $case ([ 'a control character', "an\tna" ], [ 'bytes that are not UTF-8', "an\xffna" ],
	[ 'a C1 control', "an\xc2\x9bna" ], [ '257 bytes', 'a' x 257 ]) {
	is_error(post_with([ 'X-Remote-User' => $case->[1] ]), 401, 'no_agent', qr/./,
		"401 for a name with $case->[0]");
	is_error(post_with([ @anna, 'X-Remote-Account' => $case->[1] ]), 401, 'no_agent', qr/./,
		"401 for an account with $case->[0]");
}
is_error(post_with([ @anna, 'x-remote-user' => 'bert' ]), 401, 'no_agent', qr/repeated/,
	'401 when two names are given');
my $named = "M\xc3\xbcller " . 'a' x 248;
$answer = post_with([ 'X-Remote-User' => $named, 'X-Remote-Account' => 'acme' ]);
is $answer->{body} =~ /"agent":"([^"]+)"/ ? $1 : '', $named, '256 bytes of UTF-8 are a name';
is $answer->{body} =~ /"account":"([^"]+)"/ ? $1 : '', 'acme', 'the account comes with it';
$answer = post_with(\@anna, '{"agent":"bert","message":{"path":"/slow/who","agent":"bert"}}');
is Http::json($answer)->{agent}, 'anna', 'who the agent is never comes from the message';

# -------------------------------------------------------------- service and status
$answer = $host->get('/widget/service.json', @anna, 'X-Remote-Account' => 'acme');
my $json = Http::json($answer);
is_deeply $json->{service}, { callLoggerPath => '/echo', contactMatchPath => '/slow/who' },
  'the service is the union of what the plugins want';
is "$json->{agent} $json->{account}", 'anna acme', 'with who the agent is';
ok abs($json->{now} - 1000 * time) < 60_000, "and the host's clock in milliseconds";
is $host->get('/widget/service.json')->{status}, 401, 'not without an agent';
my $head = request('HEAD', '/widget/service.json', \@anna);
is "$head->{status} $head->{body}", '200 ', 'HEAD gets the same without the body';

$json = Http::json($host->get('/status'));
is $json->{host}{state}, 'serving', 'the status says that the host serves';
is_deeply [ sort map { $_->{name} } @{ $json->{plugins} } ], [ 'http_echo', 'http_slow' ],
  'and names the plugins';
is $host->held, 0, 'with their health';
is $host->get('/demo')->{status}, 404, 'there are no demonstration agents unless configured';

# --------------------------------------------------------- pieces and many in a row
my $bytes = CrmHost::post_bytes(qq({"message":{"path":"/echo","x":"\xc3\xa9"}}));
$http = Http->new($port);
$http->write($_) for split //, $bytes;
is $http->read_answer->{body}, qq({"path":"/echo","x":"\xc3\xa9"}),
  'a request may come byte by byte';
my $slow = Http->new($port);
$slow->write(substr $bytes, 0, -5);
is $host->post('/slow/who')->{status}, 200, 'a half request delays nobody';
$slow->write(substr $bytes, -5);
is $slow->read_answer->{status}, 200, 'and is answered when it is whole';

my @paths = map { $_ % 3 == 0 ? '/slow/who' : $_ % 3 == 1 ? '/echo' : '/slow/bad' } 0 .. 59;
my @numbered = map { qq({"path":"$paths[$_]","n":$_}) } 0 .. 59;
$http = Http->new($port);
$http->write(join '', map { CrmHost::post_bytes(CrmHost::envelope($numbered[$_], 1000 + $_)) } 0 .. 59);
my @got = map { $http->read_answer } 0 .. 59;
is_deeply [ map { $_->{status} } @got ], [ map { $_ % 3 == 2 ? 400 : 200 } 0 .. 59 ],
  'requests sent without waiting are answered in order';
is_deeply [ map { $_ % 3 == 1 ? $got[$_]{body} : $_ % 3 ? 0 : Http::json($got[$_])->{sent_at} } 0 .. 59 ],
  [ map { $_ % 3 == 1 ? $numbered[$_] : $_ % 3 ? 0 : 1000 + $_ } 0 .. 59 ], 'each with its own answer';

# ------------------------------------------------------------------ what is no HTTP
my $huge = 'x' x 100_000;
for my $case ([ 'no request', "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n" ],
	[ 'no Host', "GET /status HTTP/1.1\r\n\r\n" ],
	[ 'a length that is no number', CrmHost::post_bytes('', headers => [ 'Content-Length' => 'x' ]) ],
	[ 'a negative length', CrmHost::post_bytes('', headers => [ 'Content-Length' => '-1' ]) ],
	[ 'a chunk that is none', CrmHost::post_bytes("zz\r\n", headers => \@chunked) ],
	[ 'a huge header', "GET /status HTTP/1.1\r\nHost: a\r\nX: $huge\r\n\r\n" ],
	[ 'a huge request line', "GET /$huge HTTP/1.1\r\n" ]) {
	$http = Http->new($port);
	eval { $http->write($case->[1]) };
	like $http->read_all, qr{\A(?:HTTP/1\.[01] 4\d\d |\z)}, "$case->[0]: refused, and the connection ends";
}
is $host->post('/echo')->{status}, 200, 'which others do not notice';

# ------------------------------------------------------------------- slow, parallel
my $threads = $host->threads;
my @held = map { CrmHost::post_bytes(CrmHost::envelope(
			qq({"path":"/slow/hold","x":") . 'x' x $_ . '"}', $_ + 1)) } 0 .. 199;
my ($quick, $while_held);
@got = Http::parallel($port, \@held, sub {
		wait_for('200 messages to be held', sub { $host->held == 200 });
		$quick = $host->post('/echo')->{status};
		$while_held = $host->threads;
		$host->post('/slow/release');
	});
is $quick, 200, 'while 200 clients wait for a slow plugin, another is answered';
is $while_held, $threads, 'and none of them costs a thread';
is_deeply [ map { my $json = Http::json($_); "$json->{sent_at} $json->{body_len}" } @got ],
  [ map { $_ + 1 . ' ' . ($_ + 28) } 0 .. 199 ], 'then each of the 200 gets its own answer';
@got = Http::parallel($port, [ map { CrmHost::post_bytes(CrmHost::envelope(
				qq({"path":"/echo","n":$_}))) } 1 .. 200 ]);
is_deeply [ map { $_->{body} } @got ], [ map { qq({"path":"/echo","n":$_}) } 1 .. 200 ],
  '200 clients at once are answered when the plugin is quick';

# Memory: bodies are let go when they were handed over, and half-read ones bounded.
my $large = 'x' x 60000;
my @large;
for my $n (1 .. 70) {
	push @large, Http->new($port);
	$large[-1]->write(CrmHost::post_bytes(CrmHost::envelope(
				qq({"path":"/slow/hold","x":"$large"}))));
	wait_for("$n large messages to be held", sub { $host->held == $n });
}
$host->post('/slow/release');
is scalar(grep { $_->read_answer->{status} == 200 } @large), 70, 'many large messages may wait';
$bytes = CrmHost::post_bytes(CrmHost::envelope(qq({"path":"/echo","x":"$large"})));
my @half = map { Http->new($port) } 1 .. 80;
$_->write(substr $bytes, 0, -10) for @half;
wait_for('64 bodies to be half read', sub {
		Http::json($host->get('/status'))->{host}{upload_bytes} == 64 * 65536 });
is_error($host->post('/echo'), 503, 'busy', qr/busy/,
	'half-read bodies are held up to 64 times the largest one');
$_->write(substr $bytes, -10) for @half;
@got = map { $_->read_answer } @half;
is scalar(grep { $_->{status} == 200 } @got), 64, 'those that were held are answered';
is scalar(grep { $_->{status} == 503 } @got), 16, 'and the others may try again';
is Http::json($host->get('/status'))->{host}{upload_bytes}, 0, 'then nothing is held';
$bytes = CrmHost::post_bytes('{"message":{"path":"/echo"}}');

# ------------------------------------------------------------- clients that go away
my $descriptors = $host->descriptors;
for my $round (1 .. 20) {
	my $gone = Http->new($port);
	$gone->write(CrmHost::post_bytes(CrmHost::envelope({ path => '/slow/hold' })));
	my $torn = Http->new($port);
	$torn->write(substr $bytes, 0, $round * 8);
	wait_for('the message to be held', sub { $host->held == 1 });
	$gone->close;
	$torn->close;
	$host->post('/slow/release');
}
is $host->post('/echo')->{status}, 200, 'clients that left while in flight do no harm';
ok eval { wait_for('descriptors to be closed', sub { $host->descriptors <= $descriptors }) },
  'and leave no descriptor behind';

$host->post('/slow/log');
like $host->log_text, qr/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warn http_slow: a line and  \[31mmore  \\xff$/m,
  'a line of a plugin is one line of the log, without control characters';
unlike $host->log_text, qr/requestId|anna/, 'no message body is in the log';
is $host->stop, 0, 'the host stops in order';

# --------------------------------------------------------------- other configurations
$host = CrmHost->start(host => { trusted_proxies => [ '192.0.2.1', '::1' ],
		origins => [ 'https://CRM.example.org:443', 'http://other.test:8080' ],
		demo_agents => [ 'anna', "M\xc3\xbcller; x=\"y\"" ], request_timeout_ms => 300 });
$port = $host->port;
is_error(post_with(\@anna), 401, 'no_agent', qr{/demo}, '401 for a name from an untrusted address');
$answer = $host->get('/demo');
is $answer->{body}, qq({"agents":["anna","M\xc3\xbcller; x=\\"y\\""]}),
  'the demonstration agents are listed';
is $host->get('/demo?agent=bert')->{status}, 404, 'nobody else can be chosen';
$answer = $host->get('/demo?agent=anna');
is $answer->{header}{'set-cookie'}, 'crm_agent=anna; Path=/; HttpOnly; SameSite=Lax',
  'choosing one sets a cookie that scripts and other sites cannot use';
is Http::json(post_with([ Cookie => 'a=b; crm_agent=anna' ]))->{agent}, 'anna', 'which is the agent';
$answer = $host->get('/demo?agent=M%C3%BCller%3B%20x%3D%22y%22');
my ($cookie) = $answer->{header}{'set-cookie'} =~ /\A([^;]+);/;
is Http::json($host->get('/widget/service.json', Cookie => $cookie))->{agent},
  "M\x{fc}ller; x=\"y\"", 'whatever the name is made of';
ok Http::json($host->get('/widget/service.json', Cookie => $cookie))->{demo},
  'and a page is told that there are others to choose';
for my $wrong ('crm_agent=bert', 'crm_agent=', 'crm_agent=ANNA', 'agent=anna') {
	is_error(post_with([ Cookie => $wrong ]), 401, 'no_agent', qr/./, "401 for the cookie $wrong");
}
my @cookie = (Cookie => 'crm_agent=anna');
for my $case ([ 200, 'https://crm.example.org' ], [ 200, 'http://other.test:8080' ],
	[ 403, 'http://crm.test' ], [ 403, 'https://crm.test' ], [ 403, 'http://other.test' ],
	[ 403, 'https://crm.example.org.evil.test' ], [ 403, 'null' ]) {
	is post_with([ @cookie, Origin => $case->[1] ])->{status}, $case->[0],
	  "$case->[0] for $case->[1] where origins are configured";
}
is post_with(\@cookie)->{status}, 200, 'a request without Origin is allowed';

# As many at one look as the HTTP library takes at once.
my @client = map { Http->new($host->port) } 1 .. 128;
my $get = Http::request_bytes('GET', '/status', []);
my $ask = sub { $_->write($get) for @client };
my $told = sub { scalar grep { $_->read_answer('GET')->{status} == 200 } @client };
$ask->();
is $told->(), 128, '128 connections are served';
$host->process->signal('STOP');
wait_for('the host to stand still', sub {
	slurp('/proc/' . $host->process->pid . '/stat') =~ /\) T / });
$ask->();
$host->process->signal('CONT');
is $told->(), 128, 'also when all have something to say at once';
is_error($host->post('/slow/never', headers => \@cookie), 504, 'timeout', qr/./,
	'504 when the plugin never answers');
is $host->stop, 0, 'which does not keep the host from stopping';
done_testing;
