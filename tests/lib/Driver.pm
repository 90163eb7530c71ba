# Driver - a plugin under test in a process of its own (tests/hosts/driver.c),
# told what to do through pipes. Also makes the widget's messages. It knows no
# database.
#
#   my $driver = Driver->new;
#   $driver->create(conninfo => '...');  $driver->start;
#   my ($status, $answer) = $driver->log_call(session_id => '7');
package Driver;
use v5.32;
use warnings;
use Carp qw(croak);
use IPC::Open2 qw(open2);
use JSON::PP ();
use POSIX qw(WNOHANG mkfifo);
use Process qw(built scratch slurp wait_for);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my $json = JSON::PP->new->canonical->utf8;
my %alive;
my $request = 0;

# prefix: a command that ends by running its arguments.
sub new {
	my ($class, %option) = @_;
	my $self = bless { lines => [], log => [], buffer => '', dir => scratch() }, $class;
	$self->{pid} = open2($self->{out}, $self->{in}, @{ $option{prefix} // [] },
		$option{program} // built('tests/hosts/driver'), $option{plugin} // built('call_log.so'));
	$self->{in}->autoflush(1);
	$self->{owner} = $$;
	$alive{ $self->{pid} } = $self;
	return $self;
}

sub pid { $_[0]{pid} }

END {
	my $status = $?;
	for my $self (grep { $_->{owner} == $$ } values %alive) {
		kill KILL => $self->{pid};
		waitpid $self->{pid}, 0;
	}
	$? = $status;
}

# Ends the process in order; its exit status (sanitizers speak through it).
sub quit {
	my ($self) = @_;
	close $self->{in};
	my $status;
	if ($self->{parent}) {
		$self->{parent}->tell('reap', $self->{pid});
		return ($self->{parent}->await(qr/^reaped (-?\d+)/))[0];
	}
	wait_for('the driver to end', sub {
		$self->_read(0);
		waitpid($self->{pid}, WNOHANG) == $self->{pid} && (($status = $?), 1);
	}, 60);
	delete $alive{ $self->{pid} };
	return $status;
}

# Takes in what has been written, waiting up to so many seconds.
sub _read {
	my ($self, $seconds) = @_;
	my $ready = '';
	vec($ready, fileno $self->{out}, 1) = 1;
	return 0 if !select $ready, undef, undef, $seconds;
	sysread($self->{out}, $self->{buffer}, 65536, length $self->{buffer})
	  or return -1;
	while ($self->{buffer} =~ s/\A([^\n]*)\n//) {
		my $line = $1;
		if ($line =~ /^log (\S+) (.*)/) {
			push @{ $self->{log} }, "$1 $2";
		} elsif ($line =~ /^post (\S*) (\S+) (.*)/) {
			push @{ $self->{posts} }, { account => $1, agent => $2, %{ $json->decode($3) } };
		} else {
			push @{ $self->{lines} }, $line;
		}
	}
	return 1;
}

# The first line that matches, once it is there; its captures.
sub await {
	my ($self, $pattern, $seconds) = @_;
	my $end = clock_gettime(CLOCK_MONOTONIC) + ($seconds // 60);
	while (1) {
		for my $i (0 .. $#{ $self->{lines} }) {
			my @got = $self->{lines}[$i] =~ $pattern or next;
			splice @{ $self->{lines} }, $i, 1;
			return @got;
		}
		croak "driver: $_" for grep { /^error/ } @{ $self->{lines} };
		my $left = $end - clock_gettime(CLOCK_MONOTONIC);
		croak "no line like $pattern from the driver; its log:\n"
		  . join("\n", @{ $self->{log} }) if $left <= 0;
		croak 'the driver ended' if $self->_read($left) < 0;
	}
}

sub tell {
	my ($self, @field) = @_;
	local $SIG{PIPE} = 'IGNORE';
	print { $self->{in} } join("\t", @field), "\n";
}

# The plugin's log lines so far.
sub log_lines {
	my ($self) = @_;
	1 while $self->_read(0) > 0;
	return @{ $self->{log} };
}

# What was posted to agents so far: account, agent and the message's members.
sub posts {
	my ($self) = @_;
	1 while $self->_read(0) > 0;
	return @{ $self->{posts} // [] };
}

sub forget_posts { $_[0]->posts; $_[0]{posts} = [] }

# The calls that the agent's widget was told to ask for again: id => how often.
sub triggered {
	my ($self, $agent) = @_;
	my %count;
	for my $post (grep { $_->{agent} eq ($agent // 'ann') } $self->posts) {
		die "no trigger: $post->{type}" if $post->{type} ne 'rc-adapter-trigger-call-logger-match';
		$count{$_}++ for @{ $post->{sessionIds} };
	}
	return \%count;
}

sub await_trigger {
	my ($self, $id, %option) = @_;
	wait_for("a trigger of $id", sub { $self->triggered($option{agent})->{$id} }, $option{seconds} // 30);
}

# The next posts are answered BUSY.
sub deaf {
	my ($self, $posts) = @_;
	$self->tell('deaf', $posts);
	$self->await(qr/^deaf/);
}

# From now on looking a name up hangs, or does not.
sub names {
	my ($self, $how) = @_;
	$self->tell('names', $how);
	$self->await(qr/^names/);
}

sub await_log {
	my ($self, $pattern, $seconds) = @_;
	my ($line) = wait_for("a log line like $pattern",
		sub { (grep { /$pattern/ } $self->log_lines)[0] }, $seconds // 30);
	return $line;
}

# As in a host of several processes, posts are unsupported from now on.
sub mute {
	my ($self) = @_;
	$self->tell('mute');
	$self->await(qr/^mute/);
}

# ------------------------------------------------------------- life cycle
# create() returns undef, or why it was refused.
sub create {
	my ($self, %config) = @_;
	$self->tell('create', map { "$_=$config{$_}" } sort keys %config);
	my ($verb, $rest) = $self->await(qr/^(created|refused) (.*)/);
	return $verb eq 'created' ? undef : $rest;
}

sub use { $_[0]->tell('use', $_[1]) }

sub reload {
	my ($self) = @_;
	$self->tell('reload');
	$self->await(qr/^reloaded/);
}

sub start {
	my ($self) = @_;
	$self->tell('start');
	return ($self->await(qr/^started (\S+)/))[0];
}

# (status, milliseconds, tally)
sub stop {
	my ($self, $ms) = @_;
	$self->tell('stop', $ms);
	my ($status, $took) = $self->await(qr/^stopped (\S+) (\d+)/, 120);
	my ($tally) = $self->await(qr/^tally (.*)/, 120);
	return ($status, $took, { $tally =~ /(\w+)=(-?\d+)/g });
}

sub destroy {
	my ($self) = @_;
	$self->tell('destroy');
	$self->await(qr/^destroyed/);
}

sub ask {
	my ($self, $what) = @_;
	$self->tell($what);
	return $json->decode(($self->await(qr/^$what (.*)/))[0]);
}

sub health { $_[0]->ask('health') }

# ----------------------------------------------------------------- faults
# The wall clock shows that Unix time from now on; 0: the right one.
sub set_wall {
	my ($self, $unix_s) = @_;
	$self->tell('wall', int($unix_s * 1000));
	$self->await(qr/^wall/);
}

# The clock that never jumps goes on by so many seconds at once.
sub advance {
	my ($self, $seconds) = @_;
	$self->tell('advance', $seconds * 1000);
	$self->await(qr/^advance/);
}

# The Nth thread from now on cannot be created.
sub fail_thread {
	my ($self, $n) = @_;
	$self->tell('fail_thread', $n);
	$self->await(qr/^failing/);
}

# One signal every so many microseconds (0: none); how many there were.
sub signals {
	my ($self, $us) = @_;
	$self->tell('signals', $us);
	return ($self->await(qr/^signals (\d+)/))[0];
}

# A child that ends by `exit`, `_exit`, or by ending the plugin (`end`); its status.
sub fork_and_end {
	my ($self, $how) = @_;
	$self->tell('fork', $how);
	return ($self->await(qr/^forked (-?\d+)/))[0];
}

# A child of the driver as it is now, to be told what to do like any.
sub fork_child {
	my ($self) = @_;
	my $child = bless { lines => [], log => [], buffer => '', dir => scratch(), owner => 0,
		parent => $self }, ref $self;
	my @pipe = map { "$child->{dir}/$_" } qw(in out);
	mkfifo($_, 0600) or croak "mkfifo $_: $!" for @pipe;
	$self->tell('fork', 'serve', @pipe);
	($child->{pid}) = $self->await(qr/^forked (\d+)/);
	# read and write, so that opening waits for nobody
	open $child->{in}, '+<', $pipe[0] or croak "$pipe[0]: $!";
	open $child->{out}, '+<', $pipe[1] or croak "$pipe[1]: $!";
	$child->{in}->autoflush(1);
	return $child;
}

# What becomes of its disk (tests/hosts/disk.h): disk(grow => 100_000).
sub disk {
	my ($self, $what, $number) = @_;
	$self->tell('disk', $what, $number // 0);
	my ($answer) = $self->await(qr/^disk (-?\d+)/);
	croak "no fault '$what'" if $answer < 0;
	return $answer;
}

# Whether the process has ended; what it still said can be read.
sub ended { $_[0]->_read(0) < 0 }

# --------------------------------------------------------------- messages
# A presence event of a call: session_id and whatever members of `call` and
# `body` (hashes) differ.
sub log_message {
	my (%option) = @_;
	return {
		type => 'rc-post-message-request', path => '/callLogger',
		requestId => $option{request_id} // sprintf('r-%d-%d', $$, ++$request),
		body => {
			triggerType => 'presenceUpdate',
			call => {
				id => 'p1', sessionId => $option{session_id} // '100',
				direction => 'Inbound', telephonyStatus => 'CallConnected',
				result => 'CallConnected', startTime => 1_770_000_000_000,
				duration => 5, from => { phoneNumber => '+16505550100' },
				to => { phoneNumber => '+16505550101' }, fromName => 'A', toName => 'B',
				%{ $option{call} // {} },
			},
			%{ $option{body} // {} },
		},
	};
}

sub match_message {
	my (@ids) = @_;
	return {
		type => 'rc-post-message-request', path => '/callLogger/match',
		requestId => sprintf('m-%d-%d', $$, ++$request),
		body => { sessionIds => \@ids, activeSessionIds => [] },
	};
}

# A question of the plugin's pages: (status, the answer's data or the sentence,
# milliseconds).
sub question {
	my ($self, $path, $body, %option) = @_;
	my ($status, $answer, $ms) = $self->call({ type => 'rc-post-message-request', path => $path,
			requestId => 'q' . ++$request, body => $body }, %option);
	return ($status, $status eq 'OK' && ref $answer ? $answer->{response}{data} : $answer, $ms);
}

# One line for submit, burst and flood.
sub line {
	my ($message, %option) = @_;
	my $body = ref $message ? $json->encode($message) : $message;
	return join "\t", $option{account} // 'acme', $option{agent} // 'ann',
	  $option{path} // (ref $message ? $message->{path} : undef) // '/callLogger',
	  $option{sent_at} // 0, $body;
}

# Submits and returns the request's id; undef and the status when refused.
sub submit {
	my ($self, $message, %option) = @_;
	$self->tell('submit', line($message, %option));
	my ($verb, $rest) = $self->await(qr/^(accepted|refused) (\S+)/);
	return $verb eq 'accepted' ? $rest : (undef, $rest);
}

# (status, answer decoded or the sentence, milliseconds)
sub answer {
	my ($self, $id) = @_;
	my ($status, $ms, $body) = $self->await(qr/^answer $id (\S+) (\d+) (.*)/);
	return ($status, $status eq 'OK' && length $body ? $json->decode($body) : $body, $ms);
}

sub call {
	my ($self, $message, %option) = @_;
	my ($id, $refused) = $self->submit($message, %option);
	return defined $id ? $self->answer($id) : ($refused, '', 0);
}

sub log_call {
	my ($self, %option) = @_;
	return $self->call(log_message(%option), %option);
}

# The same, its status alone.
sub logged { return (log_call(@_))[0] }

# The `data` of a match answer.
sub match {
	my ($self, $ids, %option) = @_;
	my ($status, $answer) = $self->call(match_message(@$ids), %option);
	croak "match: $status $answer" if $status ne 'OK';
	return $answer->{response}{data};
}

sub _file {
	my ($self, @lines) = @_;
	my $path = "$self->{dir}/lines" . ++$self->{files};
	open my $file, '>', $path or croak "$path: $!";
	print $file map { "$_\n" } @lines;
	close $file or croak "$path: $!";
	return $path;
}

# Submits all lines, `repeat` times, from so many threads, each with a pause of
# `pause_us` after each; the tally.
sub burst {
	my ($self, $lines, %option) = @_;
	$self->begin_burst($lines, %option);
	return $self->end_burst(%option);
}

# The same in two steps: meanwhile the driver takes no command.
sub begin_burst {
	my ($self, $lines, %option) = @_;
	$self->tell('burst', $option{threads} // 8, $option{repeat} // 1,
		$self->_file(@$lines), $option{pause_us} // 0);
}

sub end_burst {
	my ($self, %option) = @_;
	my ($tally) = $self->await(qr/^burst (.*)/, $option{seconds} // 180);
	return { $tally =~ /(\w+)=(-?\d+)/g };
}

# How long submit() took since the last asking, or from that request on: { next:
# the request that comes next, count, p50_us, p999_us, max_us, waits,
# waited_p999_us, own_p999_us, own_max_us }.
sub times {
	my ($self, $first) = @_;
	$self->tell('times', $first // ());
	my ($times) = $self->await(qr/^times (.*)/);
	return { $times =~ /(\w+)=([\d.]+)/g };
}

# Ends the process as a crash would; what it still said can be read.
sub kill9 {
	my ($self) = @_;
	kill KILL => $self->{pid};
	waitpid $self->{pid}, 0;
	delete $alive{ $self->{pid} };
	1 while $self->_read(0) > 0;
}

# The next line it wrote, within so many seconds; undef: none, or it ended.
sub next_line {
	my ($self, $seconds) = @_;
	$self->_read($seconds) if !@{ $self->{lines} };
	return shift @{ $self->{lines} };
}

# Submits the lines for ever, until stop; then acknowledged() gives the numbers of
# those that were answered OK.
sub flood {
	my ($self, $lines, %option) = @_;
	$self->{flood} = $self->_file(@$lines);
	$self->tell('flood', $option{threads} // 4, $self->{flood});
	$self->await(qr/^flooding/);
}

sub acknowledged { return split /\n/, slurp("$_[0]{flood}.ok") }

1;
