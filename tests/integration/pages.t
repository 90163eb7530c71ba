# The pages of plugins and the page bridge, as crm-host serves them: to whom, with
# which headers, from which origin; and a message that is meant for somebody else.
use v5.32;
use warnings;
use lib 'tests/lib';
use CrmHost;
use File::Copy qw(copy);
use Http;
use Process qw(plugin root slurp);
use Test::More;

# A host with call_log.so, which needs no database to show its pages.
sub start {
	my (%option) = @_;
	my $config = CrmHost::write_config(host => $option{host}, plugins => {});
	my ($dir) = $config =~ m{(.*)/};
	copy(plugin('call_log.so'), "$dir/call_log.so") or die "copy: $!";
	chmod 0755, "$dir/call_log.so";
	my $text = slurp($config) . CrmHost::config_text({ call_log => {
				enabled => \1, conninfo => "host=$dir dbname=nowhere", %{ $option{call_log} // {} } } });
	Process::spew($config, $text);
	return CrmHost->start(config => $config);
}

my $host = start(host => { phone_listen => '127.0.0.1:0' });
my $port = $host->port;
my ($phone) = $host->log_text =~ m{simulated phone at http://127\.0\.0\.1:(\d+)/phone/app\.html};
ok $phone, 'the second origin is told';
my @anna = ('X-Remote-User' => 'anna');
sub get { return Http::request($port, 'GET', $_[0], [ @anna, @_[ 1 .. $#_ ] ]) }

# ---------------------------------------------------------------- files, types
my $policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
  . "connect-src 'self'; base-uri 'none'; form-action 'none'; ";
my %want = (
	'x-content-type-options' => 'nosniff', 'cache-control' => 'no-cache', 'referrer-policy' => 'no-referrer',
	'cross-origin-resource-policy' => 'same-origin',
	'content-security-policy' => "${policy}frame-ancestors 'self'; media-src 'self'; frame-src http://127.0.0.1:$phone",
);
for my $case ([ '/', 'plugin/web/desk/index.html', 'text/html; charset=utf-8' ],
	[ '/desk.js', 'plugin/web/desk/desk.js', 'text/javascript; charset=utf-8' ],
	[ '/desk.css', 'plugin/web/desk/desk.css', 'text/css; charset=utf-8' ],
	[ '/reports', 'plugin/web/reports/index.html', 'text/html; charset=utf-8' ],
	[ '/reports/reports.js', 'plugin/web/reports/reports.js', 'text/javascript; charset=utf-8' ],
	[ '/desk.svg', 'plugin/web/desk/desk.svg', 'image/svg+xml' ],
	[ '/widget/bridge.js', 'host-api/web/bridge.js', 'text/javascript; charset=utf-8' ]) {
	my ($path, $file, $type) = @$case;
	my $answer = get($path);
	is $answer->{status}, 200, "$path is there";
	ok $answer->{body} eq slurp(root() . "/$file"), 'as the file is, byte for byte';
	is $answer->{header}{'content-type'}, $type, 'of its type';
	is_deeply { map { $_ => $answer->{header}{$_} } keys %want }, \%want, 'with strict headers';
	like $answer->{header}{etag}, qr/\A"[0-9a-f]+"\z/, 'and a tag';
	my $tag = $answer->{header}{etag};
	for my $known ($tag, "W/$tag", "\"other\", $tag") {
		my $again = get($path, 'If-None-Match' => $known);
		is "$again->{status} $again->{body} $again->{header}{etag}", "304  $tag", "a client that has $known gets no copy";
	}
	is get($path, 'If-None-Match' => '"other"')->{status}, 200, 'one that has another does';
	my $head = Http::request($port, 'HEAD', $path, \@anna);
	is "$head->{status} $head->{body} $head->{header}{'content-length'}", '200  ' . length $answer->{body}, 'HEAD says how long it is';
	is(Http::request($port, 'POST', $path, \@anna, '')->{header}{allow}, 'GET, HEAD', 'it is only read');
}
my %module = map { $_ => 1 } map { m{([^/]+)\z} } glob root() . '/host-api/web/*.js';
is join(' ', grep { get("/widget/$_")->{status} != 200 } sort keys %module), '', 'every module of the bridge is there';
is join(' ', grep { my $body = get("/widget/$_")->{body}; grep { !$module{$_} } $body =~ m{from '\./([^']+)'}g } sort keys %module), '',
  'and whatever they import';

# --------------------------------------------------------------------- to whom
my $answer = Http::request($port, 'GET', '/', []);
is $answer->{status}, 401, 'who is not signed in has no page';
like "$answer->{header}{'content-type'} $answer->{body}", qr{text/html.*Nobody is signed in}s, 'and can read why';
is $answer->{header}{'content-security-policy'}, "default-src 'none'; frame-ancestors 'none'", 'under the strictest policy';
is $answer->{header}{'cache-control'}, 'no-store', 'and this is not kept';
$answer = Http::request($port, 'GET', '/desk.js', []);
is "$answer->{status} $answer->{header}{'content-type'}", '401 application/json', 'a script is refused in JSON';
is(Http::request($port, 'GET', '/widget/bridge.js', [])->{status}, 200, 'the bridge tells nothing and is for anybody');
is get('/', Origin => 'http://evil.test')->{status}, 403, 'a foreign origin gets no page';
like get('/reports/chart.min.js')->{body}, qr{\A/\*!\s+\* Chart\.js v3.*MIT License}s, 'the charts are drawn by Chart.js, which says so itself';
for my $path ('/index.html', '/desk', '/reports/', '/reports/index.html', '/chart.min.js', '//', '/../desk.js', '/desk.js/', '/DESK.JS', '/phone/app.html', '/phone/main.mjs', '/widget/', '/widget/../bridge.js',
	'/%2e%2e/desk.js') {
	is get($path)->{status}, 404, "there is nothing at $path";
}

# ----------------------------------------------------------- the second origin
sub phone { return Http::request($phone, $_[1] // 'GET', $_[0], [], $_[1] && $_[1] eq 'POST' ? '' : undef) }
$answer = phone('/phone/app.html');
is $answer->{status}, 200, 'the simulated phone is served to anybody, from an origin of its own';
is $answer->{header}{'content-security-policy'}, "${policy}frame-ancestors http://127.0.0.1:* http://localhost:*",
  'to be shown by pages of this machine';
is phone('/phone/app.html', 'HEAD')->{status}, 200, 'HEAD works there, too';
is phone($_)->{status}, 404, "but not $_" for '/', '/desk.js', '/widget/bridge.js', '/widget/service.json', '/status', '/phone/';
is phone('/phone/app.html', 'POST')->{status}, 405, 'and nothing is taken';
my $service = Http::json(get('/widget/service.json'));
is $service->{page}{widgetUrl}, "http://127.0.0.1:$phone/phone/app.html", 'pages are told where it is';
is_deeply [ @$service{qw(agent account events)} ], [ 'anna', '', 'stream' ], 'who the agent is, and how events come';

# ------------------------------------------------------------- another agent
sub meant_for {
	my (%for) = @_;
	my $expected = join '', map { qq("expected_$_":$for{$_},) } sort keys %for;
	return Http::request($port, 'POST', '/widget/messages', [ @anna, 'X-Remote-Account' => 'acme', 'Content-Type' => 'application/json' ],
		qq({$expected"message":{"type":"rc-unknown-notify"}}));
}
for my $case ([ 204, agent => '"anna"' ], [ 204, agent => '"anna"', account => '"acme"' ], [ 204, agent => '"\u0061nna"' ],
	[ 409, agent => '"bert"' ], [ 409, agent => '"ann"' ], [ 409, agent => '""' ], [ 409, account => '""' ], [ 409, agent => '"anna"', account => '"other"' ],
	[ 409, agent => '"' . 'a' x 5000 . '"' ], [ 400, agent => '1' ], [ 400, account => 'null' ]) {
	my ($status, %for) = @$case;
	is meant_for(%for)->{status}, $status, "$status for a message meant for " . substr join(' ', %for), 0, 40;
}
is Http::json(meant_for(agent => '"bert"'))->{error}, 'other_agent', 'which says why';
is $host->stop, 0, 'stopped';

# ------------------------------------------------------- other configurations
$host = start(host => { demo_agents => [ 'dana', 'sam' ], phone_listen => '127.0.0.1:0', origins => [ 'https://crm.example.org', 'http://other.test:81' ] });
$port = $host->port;
$answer = Http::request($port, 'GET', '/', []);
is "$answer->{status} $answer->{header}{'set-cookie'}", '200 crm_agent=dana; Path=/; HttpOnly; SameSite=Lax',
  'where there are demonstration agents, who opens a page begins as the first';
is(Http::request($port, 'GET', '/', [ Cookie => 'crm_agent=sam' ])->{header}{'set-cookie'}, undef, 'who is one stays that one');
is(Http::request($port, 'GET', '/widget/service.json', [])->{status}, 401, 'but what is no page makes nobody an agent');
($phone) = $host->log_text =~ m{simulated phone at http://127\.0\.0\.1:(\d+)/};
is phone('/phone/app.html')->{header}{'content-security-policy'}, "${policy}frame-ancestors https://crm.example.org http://other.test:81",
  'the phone is shown by the configured origins';
is $host->stop, 0, 'stopped';

my $long = 'https://phone.example.org:8443/app.html?clientId=' . 'x' x 3000;
for my $case ([ $long, 'https://phone.example.org:8443' ], [ 'http://127.0.0.1:9/x', 'http://127.0.0.1:9' ], [ '', "'none'" ],
	[ "https://e.test; script-src *", "'none'" ], [ 'javascript:alert(1)', "'none'" ], [ 'https://', "'none'" ], [ 'https://user@e.test/', "'none'" ]) {
	my ($url, $source) = @$case;
	$host = start(call_log => { widget_url => $url });
	$port = $host->port;
	is get('/')->{header}{'content-security-policy'}, "${policy}frame-ancestors 'self'; media-src 'self'; frame-src $source",
	  'the widget of ' . substr($url, 0, 40) . " is shown from $source";
	is Http::json(get('/widget/service.json'))->{page}{widgetUrl}, $url, 'and pages are told its address';
	$host->stop;
}

# ------------------------------------------------- each option and its member
my %member = (
	logger_title => [ 'Note it', callLoggerTitle => 'Note it' ], show_log_modal => [ \0, showLogModal => 0 ],
	auto_log_label => [ 'L', callLoggerAutoSettingLabel => 'L' ], auto_log_text => [ 'T', callLoggerAutoSettingDescription => 'T' ],
	auto_log_warning => [ 'W', callLoggerAutoSettingWarning => 'W' ], auto_log_hidden => [ \1, callLoggerAutoLogSettingHidden => 1 ],
	edit_log_hidden => [ \1, callLoggerHideEditLogButton => 1 ], authorization => [ \0, authorizationPath => undef ],
);
for my $all (0, 1) {
	$host = start(call_log => $all ? { map { $_ => $member{$_}[0] } keys %member } : {});
	$port = $host->port;
	my $got = Http::json(get('/widget/service.json'))->{service};
	for my $option (sort keys %member) {
		my (undef, $name, $value) = @{ $member{$option} };
		my $there = exists $got->{$name} ? $got->{$name} : undef;
		if ($all) { is defined $there ? "$there" : undef, $value, "$option is $name" }
		else { isnt defined $there ? "$there" : 'none', $value // '', "and is not, unless set: $option" }
	}
	ok !exists $got->{recordingWithToken}, 'no token is asked for';
	$host->stop;
}
for my $case ([ agent_off => 0, 0 ], [ agent_on => 0, 1 ], [ always => 1, 1 ], [ never => 1, 0 ]) {
	my ($value, $forced, $on) = @$case;
	$host = start(call_log => { auto_log => $value, backfill => $forced ? \0 : \1, sign_in_url => '/login', call_url => '/c/{sessionId}' });
	$port = $host->port;
	my $said = Http::json(get('/widget/service.json'));
	my ($page, $got) = @$said{qw(page service)};
	is "$page->{autoLog}{forced} $page->{autoLog}{initial}", "$forced $on", "auto_log = $value is told to the bridge";
	is_deeply [ map { exists $got->{"callLoggerAutoSettingReadOnly$_"} ? $got->{"callLoggerAutoSettingReadOnly$_"} . '' : '-' } '', 'Value' ],
	  $forced ? [ '1', $on ] : [ '-', '-' ], 'and ' . ($forced ? 'forced upon' : 'left to') . ' the widget';
	is_deeply [ @$page{qw(signInUrl callUrl settingsPath backfillPath)} ],
	  [ '/login', '/c/{sessionId}', 'call_log/settings', $forced ? undef : 'call_log/backfill' ], 'with what else it is to know';
	$host->stop;
}
done_testing;
