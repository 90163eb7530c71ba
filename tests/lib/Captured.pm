# Captured - the messages about one call that a real widget posted (tests/messages/),
# as if they were about another call, of now. It knows their shapes and no host.
package Captured;
use v5.32;
use warnings;
use Exporter 'import';
use JSON::PP qw(decode_json);
use Process qw(root slurp);
our @EXPORT_OK = qw(call save);

sub _logged {
	my ($name) = @_;
	my $file = decode_json(slurp(root() . "/tests/messages/captured/$name.json"));
	return grep { ($_->{path} // '') eq '/callLogger' } map { $_->{message} } @{ $file->{messages} };
}

# An inbound, answered call, in four messages: it rings, is connected, ends, and has a
# record. Named and changed as asked: call(42, number => '+1...', recording => {...});
# telephony: its second name; duration, result: of the record.
sub call {
	my ($session, %change) = @_;
	my @message = (_logged('02-autolog-inbound-answered-hold-end-recording'))[ 0, 1, 4, 5 ];
	my $number = 0;
	for my $message (@message) {
		my $call = $message->{body}{call};
		$message->{requestId} = "$session-" . $number++;
		$call->{sessionId} = $session;
		$call->{telephonySessionId} = $change{telephony} // "s-$session";
		$call->{startTime} = 1000 * time;
		$call->{from}{phoneNumber} = $change{number} // '+16505550100';
		$call->{fromName} = $call->{from}{name} = $change{name} // 'WIRELESS CALLER';
		$call->{fromMatches} = $change{contacts} // [];
	}
	my $record = $message[3]{body}{call};
	$record->{$_} = $change{$_} for grep { defined $change{$_} } qw(duration result recording);
	return @message;
}

# The agent saves the form of the widget, about the call as that message has it.
sub save {
	my ($message, %form) = @_;
	state $number = 0;
	my $body = $message->{body};
	return {
		%$message,
		requestId => 'save-' . $number++,
		body => {
			call => $body->{call}, triggerType => 'logForm', redirect => \1,
			note => $form{note} // '', formData => { note => '', %form },
			fromEntity => undef, toEntity => undef,
		},
	};
}

1;
