# Tool - a program of the bench in a process of its own, told what to do through
# pipes: a verb and KEY=VALUE, answered by one line. It knows no verb.
#
#   my $load = Tool->new('load', $messages, $plugin, "conninfo=$conninfo");
#   my $did = $load->ask('log', calls => 1000, ...);    # { messages => ..., ... }
#
# Where it takes a while: $load->tell('log', ...); ...; $load->answer;
package Tool;
use v5.32;
use warnings;
use Carp qw(croak);
use JSON::PP qw(decode_json);
use POSIX ();
use Process qw(built scratch slurp wait_for);

my %alive;

# prefix: a command that ends by running its arguments.
sub new {
	my ($class, $program, @arguments) = @_;
	my $option = ref $arguments[-1] ? pop @arguments : {};
	my $self = bless { name => $program, errors => scratch() . '/errors', owner => $$ }, $class;
	pipe my $their_in, $self->{in} or croak "pipe: $!";
	pipe $self->{out}, my $their_out or croak "pipe: $!";
	$self->{pid} = fork // croak "fork: $!";
	if (!$self->{pid}) {
		$SIG{$_} = 'DEFAULT' for qw(INT TERM HUP);
		open STDIN, '<&', $their_in;
		open STDOUT, '>&', $their_out;
		open STDERR, '>', $self->{errors};
		exec @{ $option->{prefix} // [] }, built("tests/bench/$program"), @arguments or print STDERR "$program: $!\n";
		POSIX::_exit(127);
	}
	$self->{in}->autoflush(1);
	$alive{ $self->{pid} } = $self;
	close $their_in;
	close $their_out;
	$self->_line =~ /^ready/ or croak "$program is not ready";
	return $self;
}

END {
	my $status = $?;
	for my $self (grep { $_->{owner} == $$ } values %alive) {
		kill KILL => $self->{pid};
		waitpid $self->{pid}, 0;
	}
	$? = $status;
}

sub pid { $_[0]{pid} }

# What it complained of.
sub errors { slurp($_[0]{errors}) }

sub _line {
	my ($self) = @_;
	my $line = readline $self->{out};
	croak "$self->{name} ended: " . $self->errors if !defined $line;
	chomp $line;
	return $line;
}

sub tell {
	my ($self, $verb, %value) = @_;
	local $SIG{PIPE} = 'IGNORE';
	print { $self->{in} } join(' ', $verb, map { "$_=$value{$_}" } sort keys %value), "\n";
}

sub answer {
	my ($self) = @_;
	my (undef, $rest) = split / /, $self->_line, 2;
	return decode_json($rest) if ($rest // '') =~ /^\{/;
	return { ($rest // '') =~ /(\w+)=(\S+)/g };
}

sub ask {
	my ($self, @what) = @_;
	$self->tell(@what);
	return $self->answer;
}

# For a program that takes a verb and a number.
sub say_plain {
	my ($self, $text) = @_;
	print { $self->{in} } "$text\n";
	return $self->_line;
}

# Ends it in order; what it exits with.
sub quit {
	my ($self) = @_;
	close $self->{in};
	my $status = '';
	wait_for("the end of $self->{name}", sub { waitpid($self->{pid}, POSIX::WNOHANG) == $self->{pid} && (($status = $?), 1) }, 60);
	delete $alive{ $self->{pid} };
	return $status;
}

1;
