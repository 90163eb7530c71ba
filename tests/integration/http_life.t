# The life of crm-host: its command line, its refusal to start, and how it stops
# while requests are under way.
use v5.32;
use warnings;
use lib 'tests/lib';
use Test::More;
use CrmHost;
use Http;
use IO::Socket::INET;
use POSIX ();
use Process qw(built plugin run scratch slurp spew wait_for);

my $crm_host = built('crm-host');

# -------------------------------------------------------------------- command line
my ($status, $out, $err) = run([ $crm_host, '--help' ]);
is "$status$err", '0', '--help succeeds';
like $out, qr/^usage: crm-host --config FILE/, 'and says how to use it';
($status, $out) = run([ $crm_host, '--version' ]);
like "$status $out", qr/\A0 crm-host \d+\.\d+\.\d+ \(plugin ABI 1\.\d+, libmicrohttpd [\d.]+\)\n\z/,
  '--version says the versions that matter';
for my $wrong ([], ['--nonsense'], [ '--config' ], [ '--check' ], [ '--config', 'x', 'y' ],
	[ '--config', 'x', '--check', '--list' ]) {
	($status, $out, $err) = run([ $crm_host, @$wrong ]);
	is "$status$out", '64', "wrong usage is refused: crm-host @$wrong";
	like $err, qr/^usage:/m, 'with the usage';
}

my $config = CrmHost::write_config;
($status, $out, $err) = run([ $crm_host, '--config', $config, '--check' ]);
is $status, 0, '--check accepts a good file' or diag $err;
like $out, qr/\Q$config\E: the configuration is good\n\z/, 'and says so';
($status, $out) = run([ $crm_host, '--config', $config, '--list' ]);
is $status, 0, '--list succeeds';
like $out, qr{^http_slow\tready\ttest\.http-slow 1\.0\t/\S+/http_slow\.so$}m,
  'and shows each plugin with its state';
($status, $out) = run([ $crm_host, '--sample-config', plugin('tests/plugins/http_slow.so') ]);
is $status, 0, '--sample-config succeeds';
like $out, qr/^#?\s*host\s*[:=]/m, 'and prints the group host';
like $out, qr/^#?\s*http_slow\s*[:=]/m, 'and that of the plugin';
spew("$config.sample", $out);
($status, $out) = run([ $crm_host, '--manual', plugin('tests/plugins/http_slow.so') ]);
is $status, 0, '--manual succeeds';
like $out, qr/^\.TH /m, 'and prints a manual page';
($status, $out, $err) = run([ $crm_host, '--sample-config', '/nonexistent.so' ]);
isnt $status, 0, '--sample-config refuses a file that is no plugin';
like $err, qr/nonexistent/, 'naming it';
($status) = run([ '/bin/sh', '-c', '"$0" --help >/dev/full', $crm_host ]);
is $status, 1, 'what cannot be printed is a failure';

# ------------------------------------------------------------------ wrong settings
for my $case (
	[ listen => 'localhost:8085' ], [ listen => '127.0.0.1' ], [ listen => '127.0.0.1:65536' ],
	[ listen => '127.0.0.1:-1' ], [ listen => '::1:80' ], [ listen => '127.0.0.1: 80' ],
	[ trusted_proxies => ['localhost'] ], [ trusted_proxies => [ '::1', '127.0.0.300' ] ],
	[ origins => ['null'] ], [ origins => ['https://crm.test/'] ], [ origins => ['crm.test'] ],
	[ demo_agents => [' anna'] ], [ demo_agents => ["an\x{c2}\x{9b}na"] ],
	[ max_message_kb => 'many' ], [ unknown => 1 ],
) {
	my ($key, $value) = @$case;
	my $file = CrmHost::write_config(host => { $key => $value });
	my $shown = ref $value ? $value->[-1] : $value;
	for my $check ([], ['--check']) {
		($status, $out, $err) = run([ $crm_host, '--config', $file, @$check ], seconds => 30);
		is $status, 78, 'exit 78 for ' . ($shown =~ s/[^ -~]/?/gr) . " as host.$key @$check";
		like $err, qr/(?:error: |error host: )\Q$file\E:\d+: host\.\Q$key\E: .*allowed/,
		  'naming file, line, key and what is allowed' or diag $err;
		is scalar(() = $err =~ /host\.$key\b/g), 1, 'once' or diag $err;
	}
}
($status, $out, $err) = run([ $crm_host, '--config',
		CrmHost::write_config(host => { demo_agents => ["an\x{c2}\x{9b}na"] }) ]);
like $err, qr/found "an\\xc2\\x9bna"/, 'no control character reaches the log';
for my $check ([], ['--check'], ['--list']) {
	($status, $out, $err) = run([ $crm_host, '--config', '/nonexistent.conf', @$check ]);
	is $status, 78, "exit 78 for a file that is not there @$check";
	like $err, qr{/nonexistent\.conf}, 'naming it';
}

# ------------------------------------------------------------------ failing plugins
for my $case ([ 'cannot start', 78, fail_start => \1, required => \1 ],
	[ 'is not there', 78, required => \1 ]) {
	my ($name, $want, %keys) = @$case;
	my $file = CrmHost::write_config(plugins => { http_slow => \%keys });
	unlink $file =~ s{host\.conf$}{http_slow.so}r if !$keys{fail_start};
	($status, $out, $err) = run([ $crm_host, '--config', $file ], seconds => 30);
	is $status, $want, "a required plugin that $name is exit $want";
	like $err, qr/^\S+ error host: .*http_slow\.so'? .*/m, 'with the reason' or diag $err;
}
my $host = CrmHost->start(plugins => { http_echo => {}, http_slow => { fail_start => \1 } });
is $host->post('/echo')->{status}, 200, 'without one that is not required the host serves';
is $host->post('/slow/who')->{status}, 500, 'and says that it failed to who asks for it';
like $host->log_text, qr/ error http_slow: .*did not start/, 'as does its log';
is $host->stop, 0, 'it stops in order';
$host = CrmHost->start(plugins => { http_slow => { fail_stop => \1 } });
my $unanswered = Http->new($host->port);
$unanswered->write(CrmHost::post_bytes(CrmHost::envelope({ path => '/slow/hold' })));
wait_for('the message to be held', sub { $host->held == 1 });
is $host->stop, 0, 'a plugin that does not stop keeps the host for a while only';
is Http::json($unanswered->read_answer)->{error}, 'stopping', 'its messages are answered';
like $host->log_text, qr/ warn host: stopped, with a plugin still running\n\z/, 'and the log says so';

# ------------------------------------------------------------------------ the port
$host = CrmHost->start;
my $taken = CrmHost::write_config(host => { listen => '127.0.0.1:' . $host->port });
($status, $out, $err) = run([ $crm_host, '--config', $taken ]);
is $status, 1, 'a port that is taken is exit 1';
like $err, qr/error host: cannot listen on 127\.0\.0\.1:\d+: Address already in use\n/,
  'with a clear line';
my $kept = Http->new($host->port);
$kept->write(CrmHost::post_bytes(CrmHost::envelope({ path => '/echo' })));
is $kept->read_answer->{status}, 200, '(a connection that the host will close)';
is $host->stop, 0, 'the first host did not suffer';
ok $kept->at_end, '(and did)';
$host = CrmHost->start(config => $taken);
is $host->post('/echo')->{status}, 200, 'its port is free at once after it stopped';
is $host->stop, 0, 'TERM on an idle host is exit 0';
$host = eval { CrmHost->start(host => { listen => '[::1]:0' }) };
ok $host, 'it listens on IPv6 too' or diag $@;
$host->stop if $host;

# ----------------------------------------------------------- many open descriptors
$host = CrmHost->start(prefix => [ '/bin/sh', '-c', 'ulimit -S -n 4096; exec "$0" "$@"',
		$^X, '-e', '$^F = 10000; open $f[$_], "<", "/dev/null" or die $! for 0 .. 1999;'
		  . 'exec { $ARGV[0] } @ARGV' ]);
cmp_ok $host->descriptors, '>', 2000, 'with 2,000 descriptors open at start';
my @got = Http::parallel($host->port,
	[ map { CrmHost::post_bytes(CrmHost::envelope({ path => '/slow/who' }, $_)) } 1 .. 20 ]);
is_deeply [ map { Http::json($_)->{sent_at} } @got ], [ 1 .. 20 ], 'requests are still answered';
is $host->stop, 0, 'and the host stops';

# ------------------------------------------------------------------------- draining
$host = CrmHost->start;
my @waiting = map { Http->new($host->port) } 1 .. 5;
$_->write(CrmHost::post_bytes(CrmHost::envelope({ path => '/slow/hold' }))) for @waiting;
my $idle = Http->new($host->port);
$idle->write(CrmHost::post_bytes(CrmHost::envelope({ path => '/echo' })));
is $idle->read_answer->{status}, 200, '(a connection is kept open)';
my $never = Http->new($host->port);
$never->write(CrmHost::post_bytes(CrmHost::envelope({ path => '/slow/never' })));
wait_for('6 messages to be held', sub { $host->held == 6 });
$host->process->signal('TERM');
@got = map { $_->read_answer } @waiting;
is_deeply [ map { $_->{status} } @got ], [ (200) x 5 ], 'TERM: messages in flight are answered';
is_deeply [ map { $_->{header}{connection} // '' } @got ], [ ('close') x 5 ],
  'and told that the connection closes';
is Http::json($never->read_answer)->{error}, 'stopping',
  'what a plugin gives up is answered with 503 stopping';
is $host->process->wait_end, 0, 'then the host exits with 0';
ok $idle->at_end, 'idle connections are closed';
ok !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $host->port),
  'nobody listens any more';
is scalar(() = $host->log_text =~ /^\S+ info host: stopped$/mg), 1, 'its log says so, once';

for my $signal (qw(INT HUP)) {
	my $other = CrmHost->start;
	is $other->process->stop($signal), 0, "$signal stops in the same way";
}

# A client that takes its time keeps only itself; another TERM ends at once.
$host = CrmHost->start;
my $reader = Http->new($host->port);
$reader->write(CrmHost::post_bytes(CrmHost::envelope({ path => "/slow/big" })));
wait_for('an answer to be on its way', sub { $reader->read_some });
$host->process->signal('TERM');
wait_for('the host to begin to stop', sub { $host->log_text =~ /stopping on signal 15/ });
ok $host->process->running, 'the host waits for a client that is slow to read';
ok !IO::Socket::INET->new(PeerAddr => '127.0.0.1', PeerPort => $host->port),
  'and refuses new ones meanwhile';
$host->process->signal('TERM');
is $host->process->wait_end(5), 143, 'a second TERM ends it at once';

# ------------------------------------------------------------------- TERM under load
for my $round (1 .. ($ENV{ROUNDS} // 5)) {
	$host = CrmHost->start;
	my @pids;
	my $dir = scratch();
	for my $client (1 .. 4) {
		my $pid = fork // die "fork: $!";
		if ($pid == 0) {
			spew("$dir/$client", load($host->port, $client, "$dir/go"));
			POSIX::_exit(0);
		}
		push @pids, $pid;
	}
	wait_for('the load to flow', sub { -e "$dir/go" });
	$host->process->signal('TERM');
	is $host->process->wait_end(30), 0, 'TERM under load: the host exits with 0';
	waitpid $_, 0 for @pids;
	my (%count, @wrong);
	for my $client (1 .. 4) {
		for my $line (split /\n/, Process::slurp("$dir/$client")) {
			$line =~ /\Awrong/ ? push @wrong, $line : $count{$line}++;
		}
	}
	is "@wrong", '', 'every answer that was given is right';
	cmp_ok $count{answered}, '>=', 50, 'and many were given';
	like $host->log_text, qr/info host: stopped\n\z/, 'nothing was left behind';
	unlike $host->log_text, qr/Sanitizer|leak|warn|error/i, 'nor anything complained of'
	  or diag $host->log_text;
}

# Sends until the connection ends; one line an answer: "answered", "stopping" or
# "wrong ...".
sub load {
	my ($port, $client, $go) = @_;
	my ($n, $lines) = (0, '');
	while (my $http = eval { Http->new($port) }) {
		while (1) {
			$n++;
			my $path = (qw(/echo /slow/who))[ $n % 2 ];
			my $message = qq({"path":"$path","n":$n,"client":$client});
			my $answer = eval {
				$http->write(CrmHost::post_bytes(CrmHost::envelope($message, $n)));
				$http->read_answer;
			} or last;
			my $right = $answer->{status} == 503
			  ? Http::json($answer)->{error} eq 'stopping'
			  : $path eq '/echo' ? $answer->{body} eq $message
			  : Http::json($answer)->{sent_at} == $n;
			$lines .= !$right ? "wrong $answer->{status} $answer->{body}\n"
			  : $answer->{status} == 503 ? "stopping\n" : "answered\n";
			spew($go, '') if $n == 50;
			last if ($answer->{header}{connection} // '') eq 'close';
		}
	}
	return $lines;
}
# Of a message that came in pieces, and had a secret in the first, nothing is kept.
{
	my $host = CrmHost->start;
	my $secret = join '', 'secret-', map { ('a' .. 'z')[ rand 26 ] } 1 .. 40;
	my $message = { path => '/slow/who', requestId => '1', body => { first => ('-' x 900) . $secret, then => '-' x 60_000 } };
	for (1 .. 3) {
		my $http = Http->new($host->port);
		$http->write(CrmHost::post_bytes(CrmHost::envelope($message)));
		is $http->read_answer('POST')->{status}, 200, 'a message with a secret is answered';
	}
	my ($seen, $kept) = (0, 0);
	open my $memory, '<:raw', "/proc/$host->{process}{pid}/mem" or die "its memory: $!";
	for (split /\n/, slurp("/proc/$host->{process}{pid}/maps")) {
		no warnings 'portable';
		my ($from, $to) = /^([0-9a-f]+)-([0-9a-f]+) rw/ or next;
		# larger ones are a sanitizer's own
		next if hex($to) - hex($from) > 256 << 20;
		sysseek $memory, hex $from, 0;
		$seen += sysread($memory, my $bytes, hex($to) - hex $from) // 0;
		$kept += () = $bytes =~ /$secret/g;
	}
	cmp_ok $seen, '>', 1 << 20, 'its memory was read';
	is $kept, 0, 'and has the secret no longer';
	is $host->stop, 0, 'and ends well';
}
done_testing;
