# Http - a raw HTTP/1.1 client for tests: sends exactly the bytes it is told, and
# gives back status, headers and body of each answer. Core Perl only. It waits
# with a deadline, and keeps what comes after one answer for the next.
package Http;
use v5.32;
use warnings;
use Carp qw(croak);
use Errno qw(EAGAIN EINTR EINPROGRESS);
use IO::Poll qw(POLLIN POLLOUT POLLERR POLLHUP);
use IO::Socket::INET;
use JSON::PP ();
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

# Http->new($port, seconds => 20)
sub new {
	my ($class, $port, %option) = @_;
	my $socket = IO::Socket::INET->new(
		PeerAddr => $option{host} // '127.0.0.1', PeerPort => $port, Timeout => 10)
	  or croak "cannot connect to port $port: $!";
	$socket->blocking(0);
	return bless { socket => $socket, seconds => $option{seconds} // 20,
		buffer => '' }, $class;
}

sub socket { $_[0]{socket} }
sub close { close $_[0]{socket} }

sub _wait {
	my ($self, $events, $end) = @_;
	my $left = $end - clock_gettime(CLOCK_MONOTONIC);
	my $poll = IO::Poll->new;
	$poll->mask($self->{socket} => $events);
	croak 'the server did nothing in time' if $left <= 0 || $poll->poll($left) == 0;
}

# Sends bytes; dies when the server does not take them.
sub write {
	my ($self, $bytes) = @_;
	my $end = clock_gettime(CLOCK_MONOTONIC) + $self->{seconds};
	local $SIG{PIPE} = 'IGNORE';
	while (length $bytes) {
		my $sent = syswrite $self->{socket}, $bytes;
		if (defined $sent) {
			substr $bytes, 0, $sent, '';
		} elsif ($! == EAGAIN) {
			$self->_wait(POLLOUT, $end);
		} elsif ($! != EINTR) {
			croak "write: $!";
		}
	}
}

# Reads some bytes into the buffer; false at the end of the connection.
sub _fill {
	my ($self, $end) = @_;
	while (1) {
		my $got = sysread $self->{socket}, $self->{buffer}, 65536, length $self->{buffer};
		return $got if defined $got;
		croak "read: $!" if $! != EAGAIN && $! != EINTR;
		$self->_wait(POLLIN, $end);
	}
}

# The same within its own time.
sub fill {
	my ($self) = @_;
	return $self->_fill(clock_gettime(CLOCK_MONOTONIC) + $self->{seconds});
}

# The answer at the front of $$buffer, taken out of it, or undef when it is not
# complete. $method tells whether a body follows.
sub take_answer {
	my ($buffer, $method) = @_;
	return if $$buffer !~ /\A(.*?\r\n)\r\n/s;
	my $head = $1;
	my ($status) = $head =~ m{\AHTTP/1\.1 (\d{3}) } or croak "no HTTP answer: $head";
	my (%header, @names);
	for my $line (split /\r\n/, $head =~ s/\A.*?\r\n//sr) {
		my ($name, $value) = $line =~ /\A([^:]+): ?(.*)\z/ or croak "bad header: $line";
		croak "header $name twice" if exists $header{ lc $name };
		$header{ lc $name } = $value;
	}
	my $len = $method eq 'HEAD' || $status == 204 || $status < 200 ? 0
	  : $header{'content-length'} // croak "no length: $head";
	my $start = length($head) + 2;
	return if length $$buffer < $start + $len;
	my $body = substr $$buffer, $start, $len;
	substr $$buffer, 0, $start + $len, '';
	return { status => $status, header => \%header, body => $body };
}

# The next answer; dies when the connection ends before.
sub read_answer {
	my ($self, $method) = @_;
	my $end = clock_gettime(CLOCK_MONOTONIC) + $self->{seconds};
	while (1) {
		my $answer = take_answer(\$self->{buffer}, $method // 'POST');
		return $answer if $answer;
		$self->_fill($end) or croak 'the connection ended without an answer';
	}
}

# True when there are bytes of an answer; reads at most what is there now.
sub read_some {
	my ($self) = @_;
	sysread $self->{socket}, $self->{buffer}, 1, length $self->{buffer};
	return length $self->{buffer};
}

# All bytes until the server closes the connection.
sub read_all {
	my ($self) = @_;
	my $end = clock_gettime(CLOCK_MONOTONIC) + $self->{seconds};
	1 while eval { $self->_fill($end) };
	die $@ if $@ && $@ !~ /reset/;
	return $self->{buffer};
}

# True when the server closes the connection, with nothing more to say.
sub at_end {
	my ($self) = @_;
	my $end = clock_gettime(CLOCK_MONOTONIC) + $self->{seconds};
	my $got = eval { $self->_fill($end) };
	return 1 if $@ && $@ =~ /reset/;
	die $@ if $@;
	return !$got && $self->{buffer} eq '';
}

# The bytes of a request: request_bytes('POST', '/path', [Name => 'value', ...],
# $body). Host and Content-Length are added unless given (undef: left out).
sub request_bytes {
	my ($method, $path, $headers, $body) = @_;
	my @pairs = @{ $headers // [] };
	my %given = map { $_ % 2 ? () : (lc $pairs[$_] => 1) } 0 .. $#pairs;
	unshift @pairs, Host => 'crm.test' if !$given{host};
	push @pairs, 'Content-Length' => length $body
	  if defined $body && !$given{'content-length'};
	my $text = "$method $path HTTP/1.1\r\n";
	while (my ($name, $value) = splice @pairs, 0, 2) {
		$text .= "$name: $value\r\n" if defined $value;
	}
	return "$text\r\n" . ($body // '');
}

# One request on a connection of its own.
sub request {
	my ($port, $method, $path, $headers, $body) = @_;
	my $http = Http->new($port);
	$http->write(request_bytes($method, $path, $headers, $body));
	my $answer = $http->read_answer($method);
	$http->close;
	return $answer;
}

sub json { JSON::PP->new->utf8->decode($_[0]{body}) }

# Sends each of the byte strings on a connection of its own, all at the same time,
# in this one process, and returns one answer each, in order; undef where the
# connection ended without one. $when_sent is called once, after the last byte of
# the last request was written.
sub parallel {
	my ($port, $requests, $when_sent, $seconds) = @_;
	my $end = clock_gettime(CLOCK_MONOTONIC) + ($seconds // 60);
	my $poll = IO::Poll->new;
	my @state = map { { out => $_, in => '' } } @$requests;
	local $SIG{PIPE} = 'IGNORE';
	for my $state (@state) {
		$state->{socket} = IO::Socket::INET->new(
			PeerAddr => '127.0.0.1', PeerPort => $port, Blocking => 0)
		  or croak "cannot connect: $!";
		$poll->mask($state->{socket} => POLLOUT);
	}
	my ($unsent, $open) = (scalar @state, scalar @state);
	while ($open) {
		my $left = $end - clock_gettime(CLOCK_MONOTONIC);
		croak "$open of the parallel requests had no answer in time" if $left <= 0;
		$poll->poll($left);
		for my $state (@state) {
			next if !$state->{socket} || !$poll->events($state->{socket});
			if (length $state->{out}) {
				my $sent = syswrite $state->{socket}, $state->{out};
				next if !defined $sent && ($! == EAGAIN || $! == EINPROGRESS);
				substr $state->{out}, 0, $sent // length $state->{out}, '';
				next if length $state->{out};
				$poll->mask($state->{socket} => POLLIN);
				$when_sent->() if --$unsent == 0 && $when_sent;
				next;
			}
			my $got = sysread $state->{socket}, $state->{in}, 65536, length $state->{in};
			next if !defined $got && $! == EAGAIN;
			$state->{answer} = take_answer(\$state->{in}, 'POST');
			next if $got && !$state->{answer};
			$poll->remove($state->{socket});
			CORE::close(delete $state->{socket});
			$open--;
		}
	}
	return map { $_->{answer} } @state;
}

1;
