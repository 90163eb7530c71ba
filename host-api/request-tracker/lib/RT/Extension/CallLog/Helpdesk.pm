use strict;
use warnings;

# Helpdesk - what RT itself has to do with the widget's messages: it knows contacts,
# which no plugin does, and calls are about its tickets. For the endpoint, which hands
# everything else to the plugins.
package RT::Extension::CallLog::Helpdesk;

use JSON ();
use RT::Extension::CallLog::Contacts;
use RT::Extension::CallLog::Links;

my $json = JSON->new->utf8;

# The body of the answer to a request that is for RT; undef where it is not.
sub answer {
	my ($class, $request) = @_;
	my $message = _message($request) or return;
	return if ($message->{path} // '') ne RT::Extension::CallLog::Contacts::PATH;
	return $json->encode(RT::Extension::CallLog::Contacts->answer($request->{user}, $message));
}

# A plugin has taken it, and it is durable.
sub taken {
	my ($class, $request) = @_;
	my $message = _message($request) or return;
	RT::Extension::CallLog::Links->after($request->{user}, $message);
}

sub _message {
	my ($request) = @_;
	$request->{envelope} //= eval { $json->decode($request->{body}) } // {};
	my $message = ref $request->{envelope} eq 'HASH' ? $request->{envelope}{message} : undef;
	return ref $message eq 'HASH' ? $message : undef;
}

# What the page bridge is to know, as the library has it, and what RT adds.
sub service {
	my ($class, $text) = @_;
	my $known = $json->decode($text);
	$known->{service} = { %{ $known->{service} }, %{ RT::Extension::CallLog::Contacts->service } };
	return $json->canonical->encode($known);
}

1;
