# Process - programs the tests start: to completion (run), or in the background
# (spawn), stopped by their own pid when the test ends, however it ends. Also the
# small things every test needs: where built files lie, free ports, waiting for a
# condition. Core Perl only. It knows nothing of databases.
package Process;
use v5.32;
use warnings;
use Carp qw(croak);
use Cwd qw(abs_path);
use Exporter qw(import);
use File::Basename qw(basename dirname);
use File::Copy qw(copy);
use File::Temp qw(tempdir);
use IO::Socket::INET;
use POSIX qw(WNOHANG SIG_BLOCK SIG_SETMASK SIGHUP SIGINT SIGQUIT SIGTERM sigprocmask);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

our @EXPORT_OK = qw(root built plugin run run_ok wait_for free_port slurp spew
  scratch remove_at_end unprivileged);

# The checkout, and a file that make built there. BUILD names the build folder of
# a variant: BUILD=build/asan.
my $root = abs_path(dirname(__FILE__) . '/../..');
sub root { $root }

sub built {
	my ($name) = @_;
	my $build = $ENV{BUILD} // 'build';
	$build = "$root/$build" if $build !~ m{^/};
	return "$build/$name";
}

sub slurp {
	my ($path) = @_;
	open my $file, '<', $path or croak "cannot read $path: $!";
	local $/;
	return scalar <$file> // '';
}

sub spew {
	my ($path, $text) = @_;
	open my $file, '>', $path or croak "cannot write $path: $!";
	print $file $text;
	close $file or croak "cannot write $path: $!";
}

# Calls $condition until it returns something true, which is returned; dies when
# that takes longer than $seconds. The pause between two looks is no substitute
# for the condition.
sub wait_for {
	my ($what, $condition, $seconds) = @_;
	$seconds //= 30;
	my $end = clock_gettime(CLOCK_MONOTONIC) + $seconds;
	while (1) {
		my $got = $condition->();
		return $got if $got;
		croak "gave up after $seconds s waiting for: $what"
		  if clock_gettime(CLOCK_MONOTONIC) > $end;
		select undef, undef, undef, 0.01;
	}
}

# A port on loopback that was free a moment ago.
sub free_port {
	my $socket = IO::Socket::INET->new(
		LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1)
	  or croak "no free port: $!";
	return $socket->sockport;
}

# A built plugin as a host takes it: copied to where nobody else can write, however
# the checkout's rights are.
sub plugin {
	my ($name) = @_;
	state $dir = scratch();
	my $path = "$dir/" . basename($name);
	if (!-e $path && -e built($name)) {
		copy(built($name), $path) or croak "cannot copy $name: $!";
		chmod 0644, $path;
	}
	return $path;
}

# Folders and processes that go when this process does. Forked children of the
# test share the lists and must not act on them, hence the pid.
my %scratch;
my %alive;

# A new empty folder with a path short enough for a unix socket, which other
# users can enter.
sub scratch {
	my $dir = tempdir('clXXXXXX', DIR => '/tmp');
	chmod 0755, $dir;
	remove_at_end($dir);
	return $dir;
}

sub remove_at_end {
	my ($dir) = @_;
	$scratch{$dir} = $$;
}

END {
	my $status = $?;
	for my $process (reverse sort { $a->{order} <=> $b->{order} } values %alive) {
		$process->_end if $process->{owner} == $$;
	}
	for my $dir (grep { $scratch{$_} == $$ } keys %scratch) {
		system 'rm', '-rf', $dir;
	}
	$? = $status;
}
for my $signal (qw(INT TERM HUP)) {
	my $number = { INT => 2, TERM => 15, HUP => 1 }->{$signal};
	$SIG{$signal} = sub { exit 128 + $number };
}

# When we are root: the name of the user that servers which refuse root run as;
# otherwise undef.
sub unprivileged {
	return if $> != 0;
	return defined getpwnam('postgres') ? 'postgres' : 'nobody';
}

# The command, to be run as `user` (undef: as we are), ended by the kernel with
# $signal when this process dies without having had the time to do so.
sub _as {
	my ($user, $signal, @command) = @_;
	my @prefix = ('setpriv');
	push @prefix, "--pdeathsig=$signal" if $signal;
	if (defined $user) {
		my ($uid, $gid) = (getpwnam $user)[2, 3];
		push @prefix, "--reuid=$uid", "--regid=$gid", '--clear-groups';
	}
	return @prefix == 1 ? @command : (@prefix, '--', @command);
}

sub _child {
	my ($options, @command) = @_;
	# A signal that comes before the program is there waits for it: in between it
	# would meet our handlers, or be ignored, and be lost.
	my $before = POSIX::SigSet->new;
	sigprocmask(SIG_BLOCK, POSIX::SigSet->new(SIGINT, SIGQUIT, SIGTERM, SIGHUP), $before);
	my $pid = fork;
	if ($pid || !defined $pid) {
		sigprocmask(SIG_SETMASK, $before);
		return $pid // croak "cannot fork: $!";
	}
	# what a shell starts in the background ignores INT and QUIT
	$SIG{$_} = 'DEFAULT' for qw(INT QUIT TERM HUP);
	open STDIN, '<', $options->{stdin} // '/dev/null';
	open STDOUT, $options->{append} ? '>>' : '>', $options->{stdout};
	if ($options->{stderr}) {
		open STDERR, '>', $options->{stderr};
	} else {
		open STDERR, '>&', \*STDOUT;
	}
	setpgrp if $options->{group};
	chdir $options->{dir} if $options->{dir};
	my %environment = %{ $options->{env} // {} };
	for my $name (keys %environment) {
		if (defined $environment{$name}) {
			$ENV{$name} = $environment{$name};
		} else {
			delete $ENV{$name};
		}
	}
	sigprocmask(SIG_SETMASK, $before);
	exec { $command[0] } @command or print STDERR "$command[0]: $!\n";
	POSIX::_exit(127);
}

# Runs a program to its end: run([...], stdin => 'text', user =>, env =>, dir =>,
# seconds => 120). Returns (exit status, stdout, stderr); a signal counts 128 up,
# as in a shell.
sub run {
	my ($command, %option) = @_;
	my $dir = scratch();
	spew("$dir/in", $option{stdin} // '');
	my $pid = _child(
		{
			%option,
			stdin => "$dir/in",
			stdout => "$dir/out",
			stderr => "$dir/err",
		},
		_as($option{user}, 'KILL', @$command));
	my $status;
	my $done = eval {
		wait_for("the end of @$command",
			sub { waitpid($pid, WNOHANG) == $pid && (($status = $?), 1) },
			$option{seconds} // 120);
	};
	my $why = $@;
	if (!$done) {
		kill KILL => $pid;
		waitpid $pid, 0;
	}
	my @result = ($status, slurp("$dir/out"), slurp("$dir/err"));
	system 'rm', '-rf', $dir;
	delete $scratch{$dir};
	croak "$why$result[1]$result[2]" if !$done;
	$result[0] = $status & 127 ? 128 + ($status & 127) : $status >> 8;
	return @result;
}

# The same, returning stdout and dying when the exit status is not 0.
sub run_ok {
	my ($command, %option) = @_;
	my ($status, $out, $err) = run($command, %option);
	croak "exit status $status of: @$command\n$out$err" if $status != 0;
	return $out;
}

# Starts a program in the background, in a process group of its own (so that a
# Ctrl-C reaches only the test, which then ends things in order):
#   my $process = Process->spawn([...], log => FILE, user =>, env =>, dir =>,
#       stop => 'TERM');
sub spawn {
	my ($class, $command, %option) = @_;
	state $order = 0;
	my $log = $option{log} // scratch() . '/log';
	spew($log, '') if !-e $log;
	my $self = bless {
		owner => $$,
		order => $order++,
		command => "@$command",
		log => $log,
		stop => $option{stop} // 'TERM',
	}, $class;
	$self->{pid} = _child(
		{ %option, stdout => $log, append => 1, group => 1 },
		_as($option{user}, $self->{stop}, @$command));
	$alive{ $self->{pid} } = $self;
	return $self;
}

sub pid { $_[0]{pid} }

# All that it wrote to stdout and stderr.
sub log_text { slurp($_[0]{log}) }

# True while it runs. Its exit status, as from run(), is then in `status`.
sub running {
	my ($self) = @_;
	return 0 if defined $self->{status};
	return 1 if waitpid($self->{pid}, WNOHANG) != $self->{pid};
	$self->{status} = $? & 127 ? 128 + ($? & 127) : $? >> 8;
	delete $alive{ $self->{pid} };
	return 0;
}

sub status { $_[0]{status} }

sub signal {
	my ($self, $signal) = @_;
	kill $signal => $self->{pid} if $self->running;
}

# Waits for its end and returns the exit status.
sub wait_end {
	my ($self, $seconds) = @_;
	wait_for("the end of $self->{command}", sub { !$self->running }, $seconds);
	return $self->{status};
}

# Asks it to end by its stop signal (or the one given), waits, returns the exit
# status. Dies when it does not end in time, having killed it.
sub stop {
	my ($self, $signal, $seconds) = @_;
	$self->signal($signal // $self->{stop});
	return $self->{status} if eval { $self->wait_end($seconds); 1 };
	my $why = $@;
	$self->signal('KILL');
	$self->wait_end;
	croak $why;
}

sub _end {
	my ($self) = @_;
	eval { $self->stop(undef, 10); 1 } or print STDERR "# $@";
}

1;
