# Proxy - between the plugin and a Cluster, in a process of its own: passes bytes
# on, later, not at all, or only so many of them, as told.
#
#   my $proxy = Proxy->new($cluster);
#   $proxy->conninfo;            # leads through it
#   $proxy->delay(25);           # milliseconds, each way
#   $proxy->hole(1);             # nothing passes any more, nobody is told
#   $proxy->drop(1);             # the same, and the kernel loses what comes
#   $proxy->cut(100);            # all connections die after 100 bytes of the server
#   $proxy->cut_sent(100);       # the same, of the client
#   $proxy->passed;              # bytes of the server since the last asking
#   $proxy->sent;                # the same, of the client
#   $proxy->close_all;
package Proxy;
use v5.32;
use warnings;
use Carp qw(croak);
use IO::Poll qw(POLLIN POLLOUT POLLHUP POLLERR);
use IO::Socket::INET;
use IO::Socket::UNIX;
use POSIX ();
use Process qw(free_port);
use Socket qw(SOL_SOCKET SO_LINGER SO_ATTACH_FILTER SO_DETACH_FILTER AF_UNIX SOCK_STREAM
  PF_UNSPEC IPPROTO_TCP TCP_NODELAY);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

# A socket filter that takes no packet: what arrives is lost before it is
# acknowledged, as in a network that drops it. It needs no rights.
my $no_packet = pack 'SCCL', 0x06, 0, 0, 0; # BPF_RET: keep 0 bytes

sub now { clock_gettime(CLOCK_MONOTONIC) }

sub new {
	my ($class, $cluster) = @_;
	my $listener = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0,
		Listen => 64, ReuseAddr => 1) or croak "cannot listen: $!";
	my ($ours, $theirs) = IO::Socket->socketpair(AF_UNIX, SOCK_STREAM, PF_UNSPEC);
	my $self = bless { control => $ours, port => $listener->sockport,
		cluster => $cluster }, $class;
	my $pid = fork // croak "fork: $!";
	if (!$pid) {
		$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
		$SIG{PIPE} = 'IGNORE';
		close $ours;
		eval { _serve($listener, $theirs, $cluster->dir . '/.s.PGSQL.' . $cluster->port) };
		print STDERR "# proxy: $@" if $@;
		POSIX::_exit(0); # its end of the control socket closed: the test has ended
	}
	$self->{pid} = $pid;
	return $self;
}

sub pid { $_[0]{pid} }
sub port { $_[0]{port} }

# TLS only where it is asked for: the bytes are to be the same every time.
sub conninfo {
	my ($self, %option) = @_;
	return $self->{cluster}->conninfo(host => '127.0.0.1', port => $self->{port},
		sslmode => 'disable', gssencmode => 'disable', %option);
}

sub _tell {
	my ($self, $command) = @_;
	syswrite $self->{control}, "$command\n";
	my $line = readline $self->{control};
	croak 'the proxy has ended' if !defined $line;
	chomp $line;
	return $line;
}

sub delay { $_[0]->_tell("delay $_[1]") }
sub hole { $_[0]->_tell("hole $_[1]") }
sub drop { $_[0]->_tell("drop $_[1]") }
sub cut { $_[0]->_tell("cut $_[1]") }
sub cut_sent { $_[0]->_tell("cut_sent $_[1]") }
sub passed { $_[0]->_tell('passed') }
sub sent { $_[0]->_tell('sent') }
sub close_all { $_[0]->_tell('close') }

sub DESTROY {
	my ($self) = @_;
	return if !$self->{control}; # gone already: the process ends by itself
	close $self->{control};
	local ($?, $!);
	waitpid $self->{pid}, 0;
}

# ------------------------------------------------------------ the process
# A pair is one connection: two ends, each with what waits to be written to it,
# as [when, bytes].
sub _serve {
	my ($listener, $control, $upstream) = @_;
	my %state = (delay => 0, hole => 0, drop => 0, cut => -1, passed => 0, cut_sent => -1, sent => 0,
		pairs => {}, listener => $listener);
	while (1) {
		my $poll = IO::Poll->new;
		$poll->mask($_ => POLLIN) for $listener, $control;
		my $still = $state{hole} || $state{drop};
		my $until;
		for my $pair (values %{ $state{pairs} }) {
			for my $end (0, 1) {
				my $mask = $still ? 0 : POLLIN;
				my $first = $pair->{queue}[$end][0];
				if ($first && !$still) {
					$mask |= POLLOUT if $first->[0] <= now();
					$until = $first->[0] if !defined $until || $first->[0] < $until;
				}
				$poll->mask($pair->{socket}[$end] => $mask) if $mask;
			}
		}
		my $wait = defined $until ? $until - now() : 1;
		$poll->poll($wait < 0 ? 0 : $wait);
		if ($poll->events($control)) {
			return if !_obey(\%state, $control);
		}
		_accept(\%state, $listener, $upstream) if $poll->events($listener);
		next if $still;
		for my $name (keys %{ $state{pairs} }) {
			my $pair = $state{pairs}{$name} or next;
			for my $end (0, 1) {
				my $events = $poll->events($pair->{socket}[$end]) or next;
				_write(\%state, $name, $pair, $end) if $events & POLLOUT;
				last if !$state{pairs}{$name};
				_read(\%state, $name, $pair, $end) if $events & ~POLLOUT;
				last if !$state{pairs}{$name};
			}
		}
	}
}

sub _obey {
	my ($state, $control) = @_;
	sysread($control, my $line, 200) or return 0;
	my ($verb, $value) = split ' ', $line;
	my $answer = 'done';
	if ($verb eq 'passed' || $verb eq 'sent') {
		$answer = $state->{$verb};
		$state->{$verb} = 0;
	} elsif ($verb eq 'close') {
		_drop($state, $_) for keys %{ $state->{pairs} };
	} else {
		$state->{$verb} = $value;
		_filter($_, $value)
		  for $verb eq 'drop' ? ($state->{listener}, map { $_->{socket}[0] } values %{ $state->{pairs} }) : ();
	}
	syswrite $control, "$answer\n";
	return 1;
}

sub _filter {
	my ($socket, $on) = @_;
	my ($option, $value) = $on
	  ? (SO_ATTACH_FILTER, pack 'S x![P] P', 1, $no_packet)
	  : (SO_DETACH_FILTER, pack 'i', 0);
	setsockopt $socket, SOL_SOCKET, $option, $value or die "cannot filter: $!\n";
}

sub _accept {
	my ($state, $listener, $upstream) = @_;
	my $client = $listener->accept or return;
	setsockopt $client, IPPROTO_TCP, TCP_NODELAY, 1;
	my $server = IO::Socket::UNIX->new(Peer => $upstream);
	if (!$server) {
		setsockopt $client, SOL_SOCKET, SO_LINGER, pack 'ii', 1, 0;
		return close $client;
	}
	$_->blocking(0) for $client, $server;
	$state->{pairs}{ fileno $client } = { socket => [ $client, $server ], queue => [ [], [] ] };
}

# End 0 is the client, end 1 the server.
sub _read {
	my ($state, $name, $pair, $end) = @_;
	my $got = sysread $pair->{socket}[$end], my $bytes, 65536;
	return if !defined $got && $!{EAGAIN};
	return _drop($state, $name) if !$got;
	push @{ $pair->{queue}[ 1 - $end ] }, [ now() + $state->{delay} / 1000, $bytes ];
	_write($state, $name, $pair, 1 - $end) if !$state->{delay};
}

sub _write {
	my ($state, $name, $pair, $end) = @_;
	my ($cut, $passed) = $end == 0 ? qw(cut passed) : qw(cut_sent sent);
	while (my $first = $pair->{queue}[$end][0]) {
		return if $first->[0] > now();
		my $max = length $first->[1];
		$max = $state->{$cut} if $state->{$cut} >= 0 && $state->{$cut} < $max;
		my $put = $max ? syswrite $pair->{socket}[$end], $first->[1], $max : 0;
		return $!{EAGAIN} ? undef : _drop($state, $name) if !defined $put;
		$state->{$passed} += $put;
		$state->{$cut} -= $put if $state->{$cut} >= 0;
		if ($state->{$cut} == 0) {
			$state->{$cut} = -1;
			return map { _drop($state, $_, 1) } keys %{ $state->{pairs} };
		}
		substr $first->[1], 0, $put, '';
		shift @{ $pair->{queue}[$end] } if $first->[1] eq '';
	}
}

sub _drop {
	my ($state, $name) = @_;
	my $pair = delete $state->{pairs}{$name} or return;
	close $_ for @{ $pair->{socket} };
}

1;
