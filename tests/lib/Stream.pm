# Stream - a page's stream of server-sent events: GET /widget/events, read as a
# browser reads it. Core Perl only.
#
#   my $stream = Stream->new($port, agent => 'anna', after => $cursor);
#   my $event = $stream->next;      # { id, event, data, retry, comment }
package Stream;
use v5.32;
use warnings;
use Carp qw(croak);
use Http;

# agent, account, after (in the query), last (in the header), headers. Reads the
# answer's head.
sub new {
	my ($class, $port, %option) = @_;
	my $self = bless { http => Http->new($port, seconds => 60), events => [], text => '' }, $class;
	my $after = $option{after} // '';
	$self->{http}->write(Http::request_bytes('GET',
			'/widget/events' . (length $after ? "?after=$after" : ''), [
				Accept => 'text/event-stream', 'X-Remote-User' => $option{agent} // 'anna',
				'X-Remote-Account' => $option{account}, 'Last-Event-ID' => $option{last},
				@{ $option{headers} // [] } ]));
	$self->{http}->fill until $self->{http}{buffer} =~ s/\A(.*?\r\n)\r\n//s;
	my $head = $1;
	($self->{status}) = $head =~ m{\AHTTP/1\.1 (\d+)};
	$self->{header} = { map { /\A([^:]+): ?(.*)\z/ ? (lc $1 => $2) : () } split /\r\n/, $head };
	return $self;
}

sub status { $_[0]{status} }
sub header { $_[0]{header} }
sub close { $_[0]{http}->close }

# Takes whole chunks of the body in; false at the end of the stream.
sub _take {
	my ($self) = @_;
	my $buffer = \$self->{http}{buffer};
	my $size;
	until (($size) = $$buffer =~ /\A([0-9A-Fa-f]+)\r\n/
		and length $$buffer >= length($size) + 4 + hex $size) {
		$self->{http}->fill or return 0;
	}
	my $chunk = substr $$buffer, length($size) + 2, hex $size;
	substr $$buffer, 0, length($size) + 4 + hex $size, '';
	return 0 if hex $size == 0;
	my $seen = length $self->{text};
	$self->{text} .= $chunk;
	while ((my $end = index $self->{text}, "\n\n", $seen > 0 ? $seen - 1 : 0) >= 0) {
		my %event;
		my $block = substr $self->{text}, 0, $end + 2, '';
		$seen = 0;
		for my $line (split /\n/, $block) {
			my ($name, $value) = $line =~ /\A([a-z]*): ?(.*)\z/ or croak "bad line: $line";
			$name ||= 'comment';
			$event{$name} = exists $event{$name} ? "$event{$name}\n$value" : $value;
		}
		$self->{cursor} = $event{id} if defined $event{id};
		push @{ $self->{events} }, \%event;
	}
	return 1;
}

# The next block, of any kind; undef at the end.
sub next_block {
	my ($self) = @_;
	while (!@{ $self->{events} }) {
		$self->_take or return;
	}
	return shift @{ $self->{events} };
}

# The next that tells something, and not only where the stream is or that it lives.
sub next {
	my ($self) = @_;
	while (my $event = $self->next_block) {
		return $event if defined $event->{data} && ($event->{event} // '') !~ /\A(?:cursor|heartbeat)\z/;
	}
	return;
}

# Where it is: the id that a browser would send.
sub cursor { $_[0]{cursor} }

# Whether more has come: reads at most what is there now.
sub has_more {
	my ($self) = @_;
	return @{ $self->{events} } || $self->{http}->read_some;
}

1;
