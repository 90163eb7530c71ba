use strict;
use warnings;

# Endpoint - what is asked of RT below /CallLog/: who asks, whether they may, and
# who answers. It holds to the HTTP contract of crm-host; RT's own check of forms
# does not reach this far, so everything is checked here.
#
#   POST widget/messages       a message of the phone widget
#   GET  widget/service.json   what to register with the widget; who, what time
#   GET  widget/events         what agents' widgets are to be told, ?after=
#   GET  widget/bridge.js      the page bridge and its modules, for anybody
#   GET  phone                 the window in which the phone stays open
#   GET  ...                   the pages of plugins, and their files
#
# In front of anything below widget/ may stand the version of the bridge.
package RT::Extension::CallLog::Endpoint;

use Encode ();
use Plack::Request;
use RT::Extension::CallLog::Answer;
use RT::Extension::CallLog::Helpdesk;
use RT::Extension::CallLog::Library;
use RT::Extension::CallLog::Phone;
use RT::Interface::Web;
use RT::Interface::Web::Handler;
use RT::REST2::Middleware::Auth;

use constant {
	Answer => 'RT::Extension::CallLog::Answer',
	Helpdesk => 'RT::Extension::CallLog::Helpdesk',
	Library => 'RT::Extension::CallLog::Library',
};

# Path, method, what answers: handler($request), with what is described at _ask().
# Further modules add theirs.
our %routes = (
	'widget/messages' => [ POST => \&_message ],
	'widget/service.json' => [ GET => \&_service ],
	'widget/events' => [ GET => \&_events ],
	'phone' => [ GET => sub { RT::Extension::CallLog::Phone->page($_[0]) } ],
);

sub wrap {
	my ($class, $app) = @_;
	return sub {
		my ($env) = @_;
		return $app->($env) if ($env->{PATH_INFO} // '') !~ m{\A/CallLog/(.*)\z}s;
		my $path = $1;
		my $answer = eval { _ask($env, $path) };
		if (!$answer) {
			RT->Logger->error("call log: $path: $@");
			$answer = Answer->error(500, 'failed', "The call log failed; RT's log says why.");
		}
		RT::Interface::Web::Handler->CleanupRequest;
		$answer->[2] = [''] if $env->{REQUEST_METHOD} eq 'HEAD';
		return $answer;
	};
}

# ------------------------------------------------------------------ who may ask
# A request is {env, path, user (an RT::CurrentUser), agent (its name, as bytes),
# body}.
sub _ask {
	my ($env, $path) = @_;
	my $version = $path =~ s{\Awidget/([0-9a-f]{16})/}{widget/} ? $1 : '';
	if ($path =~ m{\Awidget/([\w-]+\.js)\z}) {
		my $file = Library->bridge_file($1);
		return Answer->page($env, $file, undef, $version eq Library->bridge_version) if $file;
	}
	my $route = $routes{$path} // [ GET => \&_page ];
	my $request = { env => $env, path => $path };
	return _refuse($request, $route->[0]) // $route->[1]->($request);
}

# The reason not to answer; undef when there is none.
sub _refuse {
	my ($request, $method) = @_;
	my $env = $request->{env};
	my $methods = $method eq 'GET' ? 'GET, HEAD' : $method;
	return Answer->error(405, 'method_not_allowed', 'This path does not take that method.', Allow => $methods)
	  if !grep { $env->{REQUEST_METHOD} eq $_ } split /, /, $methods;
	return Answer->error(403, 'foreign_origin', "This page's origin may not use this host.")
	  if !_is_own_origin($env, $method ne 'GET');
	return _refuse_stranger($request) // ($method eq 'POST' ? _refuse_body($request) : undef);
}

# By the rule that RT itself has for forms: WebBaseURL, and what the administrator
# added to ReferrerWhitelist.
sub _is_own_origin {
	my ($env, $is_needed) = @_;
	my $from = $env->{HTTP_ORIGIN};
	$from //= $env->{HTTP_REFERER} if $is_needed;
	return !$is_needed if !defined $from;
	my ($origin, $rest) = $from =~ m{\A(https?://[\w.\[\]:-]+)(/.*)?\z}si or return 0;
	return 0 if defined $env->{HTTP_ORIGIN} && defined $rest;
	return scalar eval { (RT::Interface::Web::IsRefererCSRFWhitelisted($origin))[0] };
}

# By the session of RT's pages, and nothing else: only pages have a reason to ask.
sub _refuse_stranger {
	my ($request) = @_;
	my $env = $request->{env};
	RT::ConnectToDatabase();
	my $user = RT::REST2::Middleware::Auth->login_from_cookie($env);
	if (!$user) {
		my $answer = _is_for_person($request)
		  ? Answer->sentence(401, 'Sign in to Request Tracker first.')
		  : Answer->error(401, 'no_agent', 'Nobody is signed in to Request Tracker.');
		# what RT makes of a cookie it does not know any more
		push @{ $answer->[1] }, %{ $env->{err_headers_out} // {} };
		return $answer;
	}
	if (!RT::Extension::CallLog->MayLogCalls($user)) {
		my $why = 'You have no right to log calls (LogCalls).';
		return _is_for_person($request) ? Answer->sentence(403, $why) : Answer->error(403, 'no_right', $why);
	}
	@$request{qw(user agent)} = ($user, Encode::encode('UTF-8', $user->Name));
	return;
}

sub _is_for_person { return ($_[0]{env}{HTTP_ACCEPT} // '') =~ m{\Atext/html} }

# Takes the body, within its limit.
sub _refuse_body {
	my ($request) = @_;
	my $env = $request->{env};
	return Answer->error(415, 'not_json', 'The Content-Type must be application/json.')
	  if ($env->{CONTENT_TYPE} // '') !~ m{\Aapplication/json[ \t]*(?:;|\z)}i;
	my $kb = Library->instance->setting('max_message_kb');
	my $is_large = ($env->{CONTENT_LENGTH} || 0) > $kb * 1024;
	if (!$is_large) {
		$request->{body} = Plack::Request->new($env)->content;
		$is_large = length $request->{body} > $kb * 1024;
	}
	return Answer->error(413, 'too_large', "The request is larger than $kb KB (max_message_kb).")
	  if $is_large;
	return;
}

# ----------------------------------------------------------------- what is asked
sub _message {
	my ($request) = @_;
	my $own = Helpdesk->answer($request);
	return Answer->json(200, $own) if defined $own;
	my ($status, $body) = Library->instance->message(@$request{qw(agent body)});
	Helpdesk->taken($request) if $status == 200;
	return Answer->json($status, $body);
}

sub _service {
	my ($request) = @_;
	return Answer->json(200, Helpdesk->service(Library->instance->service($request->{agent})));
}

sub _events {
	my ($request) = @_;
	my $after = Plack::Request->new($request->{env})->query_parameters->{after} // '';
	return Answer->json(Library->instance->events($request->{agent}, $after =~ s/\0.*//sr));
}

# Those that stand in for the widget would need an origin of their own.
sub _page {
	my ($request) = @_;
	my $library = Library->instance;
	my $page = $library->page("/$request->{path}");
	return _file($request) if !$page && $library->has_file("/$request->{path}");
	return Answer->error(404, 'not_found', 'There is nothing at this path.')
	  if !$page || $page->{foreign};
	return Answer->page($request->{env}, $page, $library->page_policy);
}

# What is recorded of an agent must be the agent's doing: a page elsewhere that has the
# browser fetch something sends no Origin with it, but this.
sub _file {
	my ($request) = @_;
	my $env = $request->{env};
	my $from = $env->{HTTP_SEC_FETCH_SITE} // 'none';
	return Answer->error(403, 'foreign_origin', "This page's origin may not use this host.")
	  if $from ne 'same-origin' && $from ne 'none' && ($env->{HTTP_SEC_FETCH_MODE} // '') ne 'navigate';
	return Answer->file(Library->instance->file($request->{agent}, "/$request->{path}",
			range => $env->{HTTP_RANGE}, if_range => $env->{HTTP_IF_RANGE}, head => $env->{REQUEST_METHOD} eq 'HEAD'));
}

1;
