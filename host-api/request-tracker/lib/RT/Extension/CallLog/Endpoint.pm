use strict;
use warnings;

# Endpoint - what pages of RT ask under /CallLog/, by the HTTP contract of the
# host library, as the RT user who is signed in.
package RT::Extension::CallLog::Endpoint;

use JSON ();
use Plack::Request;
use RT::Extension::CallLog::Library;
use RT::REST2::Middleware::Auth;

sub wrap {
	my ($class, $app) = @_;
	my $own = RT::REST2::Middleware::Auth->wrap(sub { _serve(@_) });
	return sub {
		my ($env) = @_;
		return $app->($env) if $env->{PATH_INFO} !~ m{^/CallLog/};
		return $own->($env);
	};
}

sub _serve {
	my ($env) = @_;
	my $user = $env->{'rt.current_user'};
	return _error(403, 'no_agent', 'You have no right to log calls.')
	  if !RT::Extension::CallLog->MayLogCalls($user);
	my $json = JSON->new->utf8;
	my $envelope = eval { $json->decode(Plack::Request->new($env)->content) };
	return _error(400, 'bad_request', 'The body is not JSON.') if !$envelope;
	my ($status, $answer) = RT::Extension::CallLog::Library->instance
	  ->call($user->Name, $json->encode($envelope->{message}), $envelope->{sent_at} // 0);
	return [ $status == 0 ? 200 : 500, [ 'Content-Type' => 'application/json' ], [$answer] ];
}

sub _error {
	my ($status, $code, $sentence) = @_;
	return [ $status, [ 'Content-Type' => 'application/json' ],
		[ JSON->new->utf8->canonical->encode({ error => $code, message => $sentence }) ] ];
}

1;
