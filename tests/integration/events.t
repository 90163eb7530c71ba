# What plugins have to tell agents' widgets: a stream that is resumed where it
# broke, for each agent alone; where the host is several processes, an answer that
# any of them can give.
use v5.32;
use warnings;
use lib 'tests/lib';
use CrmHost;
use Http;
use Process qw(wait_for);
use Stream;
use Test::More;

my $host = CrmHost->start;
my $port = $host->port;
my $number = 0;

# The plugin posts so many messages to that agent.
sub announce {
	my ($count, %option) = @_;
	my @account = defined $option{account} ? ('X-Remote-Account' => $option{account}) : ();
	my $answer = Http::request($port, 'POST', '/widget/messages',
		[ 'Content-Type' => 'application/json', 'X-Remote-User' => $option{agent} // 'anna', @account ],
		CrmHost::envelope({ path => '/slow/post', requestId => '1', count => $count,
				from => $number + 1, pad => $option{pad} // 0 }));
	$number += $count;
	return Http::json($answer)->{status};
}
sub numbers { map { JSON::PP::decode_json($_->{data})->{n} } @_ }
sub take { my ($stream, $count) = @_; return numbers(map { $stream->next } 1 .. $count) }
sub streams { Http::json($host->get('/status'))->{host}{http_requests} - 1 }

# ------------------------------------------------------------------ the stream
my $silent = Stream->new($port, agent => 'silent');
my $anna = Stream->new($port);
is $anna->status, 200, 'an agent has a stream';
my %want = (
	'content-type' => 'text/event-stream', 'cache-control' => 'no-store',
	'x-content-type-options' => 'nosniff', 'referrer-policy' => 'no-referrer',
	'cross-origin-resource-policy' => 'same-origin',
	'content-security-policy' => "default-src 'none'; frame-ancestors 'none'",
);
is_deeply { map { $_ => $anna->header->{$_} } keys %want }, \%want, 'with the headers of every answer';
is $anna->next_block->{retry}, 2000, 'it says when to come back';
my $first = $anna->next_block;
ok $first->{event} eq 'cursor' && $first->{id} =~ /\A\d+-0\z/, 'and where it is, before there was anything';
my ($bert, $acme) = (Stream->new($port, agent => 'bert'), Stream->new($port, account => 'acme'));
my $second = Stream->new($port);
$_->next_block && $_->next_block for $bert, $acme, $second;
is announce(3), 0, 'a plugin posts';
my @got = map { $anna->next } 1 .. 3;
is_deeply [ numbers(@got) ], [ 1, 2, 3 ], 'its messages come in order';
like $got[0]{data}, qr/\A\{"n":1,\n"pad":""\}\z/, 'whole, on as many lines as they have';
is_deeply [ take($second, 3) ], [ 1, 2, 3 ], 'on every stream of the agent';
is announce(1, agent => 'bert'), 0, 'another agent is told something';
is_deeply [ take($bert, 1) ], [4], 'who hears that';
announce(1, account => 'acme');
is_deeply [ take($acme, 1) ], [5], 'so does an agent of the same name in another account';
announce(1);
is_deeply [ take($anna, 1) ], [6], 'but the first agent heard nothing of either';

# ------------------------------------------------------------------- resuming
my $cursor = $got[1]{id};
is_deeply [ take(Stream->new($port, last => $cursor), 2) ], [ 3, 6 ],
  'a browser that comes back with Last-Event-ID goes on where it was';
is_deeply [ take(Stream->new($port, after => $cursor), 2) ], [ 3, 6 ], 'as does ?after=';
is_deeply [ take(Stream->new($port, after => 'nonsense', last => $cursor), 2) ], [ 3, 6 ],
  'the browser knows better than the address, which is as old as the page';
is_deeply [ take(Stream->new($port, after => $first->{id}), 2) ], [ 1, 2 ], 'nothing is lost before the first event';
my $now = Stream->new($port);
$now->next_block && $now->next_block;
announce(1);
is_deeply [ take($now, 1) ], [7], 'without a cursor a stream begins now';
for my $wrong ('x', '1-1', '-', $cursor . '9999', $cursor . 'x', '99999999999999999999999-1') {
	my $stream = Stream->new($port, after => $wrong);
	my $event = $stream->next;
	is "$event->{event} $event->{data}", 'gap {}', "of the cursor $wrong it is said that something may be missing";
}
$_->close for $now, $second, $acme;

# -------------------------------------------------------------- who is refused
is(Http::request($port, 'GET', '/widget/events', [])->{status}, 401, 'nobody in particular has no stream');
is(Http::request($port, 'GET', '/widget/events', [ 'X-Remote-User' => 'anna', Origin => 'http://evil.test' ])->{status},
	403, 'a foreign page has none');
is(Http::request($port, 'POST', '/widget/events', [ 'X-Remote-User' => 'anna' ], '')->{status}, 405, 'it is only read');

# ------------------------------------------------------------ many, and slow ones
my @many = map { Stream->new($port, agent => 'many') } 1 .. 200;
$_->next_block && $_->next_block for @many;
announce(5, agent => 'many');
is scalar(grep { join(',', take($_, 5)) eq join ',', $number - 4 .. $number } @many), 200,
  '200 streams each have each message once';
$_->close for @many;

my $slow = Stream->new($port, agent => 'slow');
$slow->next_block && $slow->next_block;
my $before = $number;
announce(60, agent => 'slow', pad => 20000);
announce(1);
is_deeply [ take($anna, 2) ], [ 7, $number ], 'one that does not read keeps nobody waiting';
is_deeply [ take($slow, 60) ], [ $before + 1 .. $before + 60 ], 'and misses nothing';

# More than are kept.
my $late = $slow->cursor;
$slow->close;
announce(8300, agent => 'slow');
my $back = Stream->new($port, agent => 'slow', last => $late);
is $back->next->{event}, 'gap', 'one that comes back too late is told so';
my @rest = take($back, 100);
is "$rest[0]..$rest[-1]", ($rest[-1] - 99) . '..' . $rest[-1], 'and then has what is still there, in order';
announce(1, agent => 'slow');
$_->close for $back;
my $lazy = Stream->new($port, agent => 'lazy');
$lazy->next_block && $lazy->next_block;
announce(9000, agent => 'others');
announce(1, agent => 'lazy');
is_deeply [ take($lazy, 1) ], [$number], 'many messages for others are no gap for one that is there';

# ----------------------------------------------------------- heartbeats, leaving
my $others = streams();
my @leaving = map { Stream->new($port, agent => 'gone') } 1 .. 20;
$_->next_block && $_->next_block for @leaving;
cmp_ok streams(), '>=', 20, 'streams are counted';
$_->close for @leaving;
wait_for('those that left to be gone', sub { announce(1, agent => 'gone'); streams() <= $others });
pass 'of those who left nothing stays, once there was something to tell them';
$silent->next_block && $silent->next_block;
my $beat = $silent->next_block;
is $beat->{event}, 'heartbeat', 'a stream on which nothing happens shows that it lives';
like $beat->{id}, qr/\A\d+-[1-9]\d*\z/, 'and where it is by now';

# ------------------------------------------------------------------- the end
my $old = $anna->cursor;
is $host->stop, 0, 'the host stops while streams are open';
is $anna->next, undef, 'which end';
unlike $host->log_text, qr/cut off/, 'in order';
$host = CrmHost->start;
$port = $host->port;
$anna = Stream->new($port, last => $old);
is $anna->next->{event}, 'gap', 'after a restart a page is told that something may be missing';
announce(1);
is_deeply [ take($anna, 1) ], [$number], 'and goes on';
is $host->stop, 0, 'stopped';

# -------------------------------------------------- a host of several processes
$host = CrmHost->start(host => { events => 'poll' });
$port = $host->port;
sub poll { Http::request($port, 'GET', $_[0], [ 'X-Remote-User' => 'anna', Accept => 'application/json' ]) }
is Http::json($host->get('/widget/service.json', 'X-Remote-User' => 'anna'))->{events}, 'poll', 'which says so to pages';
my $answer = poll('/widget/events?after=c1');
is $answer->{body}, '{"cursor":"c2","gap":false,"messages":[]}', 'the plugin answers what a page asks';
is $answer->{header}{'content-type'}, 'application/json', 'as JSON';
is poll('/widget/events')->{status}, 200, 'a cursor is not needed';
is poll('/widget/events?after=%22%5c%00%ff%0a')->{status}, 200, 'nor must it be anything';
is announce(1), 5, 'what a plugin would post is refused as unsupported';
is(Http::request($port, 'GET', '/widget/events', [])->{status}, 401, 'nobody in particular is not told');
is $host->stop, 0, 'stopped';
$host = CrmHost->start(host => { events => 'poll' }, plugins => { http_echo => {} });
$port = $host->port;
is poll('/widget/events')->{status}, 404, 'without a plugin that has events there are none';
is $host->stop, 0, 'stopped';
done_testing;
