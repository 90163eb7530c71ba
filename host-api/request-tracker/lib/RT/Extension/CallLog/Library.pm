use strict;
use warnings;

# Library - libcrm-host in this process: opened and started when first asked for,
# in the worker that asks and never before a fork. It knows the C functions and
# nothing of HTTP or of RT's users.
package RT::Extension::CallLog::Library;

use FFI::Platypus 2.00;
use FFI::Platypus::Buffer qw(buffer_to_scalar scalar_to_buffer);

use constant {
	FIRST_ANSWER_BYTES => 64 * 1024,
	STOP_MS => 700,
};

# The one of this process; a forked child has none yet.
my $ours;

sub instance {
	my ($class) = @_;
	return $ours if $ours && $ours->{pid} == $$;
	return $ours = $class->_start;
}

my %signature = (
	crm_host_open => [ [ 'string', 'opaque', 'opaque', 'size_t' ] => 'opaque' ],
	crm_host_start => [ [ 'opaque', 'opaque', 'size_t' ] => 'int' ],
	crm_host_call => [
		[ 'opaque', 'string', 'string', 'opaque', 'size_t', 'sint64', 'uint32',
			'opaque', 'size_t', 'size_t*' ] => 'int' ],
	crm_host_stop => [ [ 'opaque', 'uint32' ] => 'int' ],
	crm_host_close => [ ['opaque'] => 'void' ],
);

sub _start {
	my ($class) = @_;
	my $ffi = FFI::Platypus->new(api => 2);
	$ffi->lib(RT->Config->Get('CallLogLibrary') || 'libcrm-host.so.1');
	my $self = bless {
		pid => $$,
		call => { map { $_ => $ffi->function($_ => @{ $signature{$_} }) } keys %signature },
	}, $class;
	my $why = "\0" x 4096;
	my ($at, $len) = scalar_to_buffer($why);
	$self->{runtime} = $self->{call}{crm_host_open}
	  ->(RT->Config->Get('CallLogConfig') || '/etc/call_log.conf', undef, $at, $len)
	  or die 'call log: ' . _text($why) . "\n";
	$self->{call}{crm_host_start}->($self->{runtime}, $at, $len) == 0
	  or die 'call log: ' . _text($why) . "\n";
	return $self;
}

sub _text { $_[0] =~ s/\0.*//sr }

# One message of an agent's widget, as bytes; returns the status and the answer.
sub call {
	my ($self, $agent, $message, $sent_at) = @_;
	my ($body, $len) = scalar_to_buffer($message);
	my $answer = "\0" x FIRST_ANSWER_BYTES;
	my ($at, $cap) = scalar_to_buffer($answer);
	my $status = $self->{call}{crm_host_call}->($self->{runtime}, '', $agent, $body, $len,
		$sent_at, 0, $at, $cap, \my $answer_len);
	return ($status, substr $answer, 0, $answer_len);
}

# Whatever was answered is durable, so little time is enough.
END {
	if ($ours && $ours->{pid} == $$) {
		my $status = $?;
		$ours->{call}{crm_host_stop}->($ours->{runtime}, STOP_MS);
		$? = $status;
	}
}

1;
