# Widget - messages as the phone widget posts them, for tests that need some and not
# these. Core Perl only.
package Widget;
use v5.32;
use warnings;
use JSON::PP ();

my $json = JSON::PP->new->utf8->canonical;

sub _message {
	my ($path, $body, %option) = @_;
	my $id = $option{request} // 'r1';
	my $message = { type => 'rc-post-message-request', requestId => $id, path => $path, body => $body };
	return $json->encode({ message => $message, sent_at => time * 1000, %{ $option{envelope} // {} } });
}

# The envelope around a final record of that session's call, with its note where one
# is given; ringing => 1: around its beginning. Times are now. Posted again, the same
# text is the same message.
sub call {
	my ($session, %option) = @_;
	my %call = (
		sessionId => "$session", direction => 'Inbound', startTime => (time - 60) * 1000, duration => 42,
		from => { phoneNumber => '+12025550143', name => 'Ada Park' }, to => { phoneNumber => '+14155550101' },
		$option{ringing} ? (telephonyStatus => 'Ringing') : (action => 'Phone Call', result => 'Accepted'));
	my %body = (triggerType => $option{ringing} ? 'presenceUpdate' : 'callLogSync', call => \%call);
	@body{qw(triggerType note formData)} = ('logForm', $option{note}, { note => $option{note} }) if defined $option{note};
	return _message('/callLogger', \%body, %option);
}

sub match {
	my ($sessions, %option) = @_;
	return _message('/callLogger/match', { sessionIds => $sessions, activeSessionIds => [] }, %option);
}

# What an answer says of each session: true where it is logged.
sub logged {
	my ($text) = @_;
	my $data = $json->decode($text)->{response}{data};
	return { map { $_ => @{ $data->{$_} } > 0 ? 1 : 0 } keys %$data };
}

1;
