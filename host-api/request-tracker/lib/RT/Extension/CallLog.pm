use strict;
use warnings;

# RT::Extension::CallLog - logs the phone calls of Request Tracker's agents: the
# one line Plugin('RT::Extension::CallLog') in RT's configuration loads it. What
# it does lies in the modules below its name; here is only what RT asks a plugin
# for. RT's command-line tools load this file too, so it opens nothing.
package RT::Extension::CallLog;

our $VERSION = '1.0.0';

require RT::System;
'RT::System'->AddRight(Staff => LogCalls => 'Log phone calls'); # loc
'RT::System'->AddRight(Staff => ShowAllCalls => 'See the phone calls of all agents'); # loc

# RT asks every plugin once, before its server forks.
sub PSGIWrap {
	my ($class, $app) = @_;
	require RT::Extension::CallLog::Endpoint;
	return RT::Extension::CallLog::Endpoint->wrap($app);
}

# Whether that user's calls are logged: unprivileged ones have none, whatever
# they were granted.
sub MayLogCalls {
	my ($class, $user) = @_;
	return $user && $user->id && $user->Privileged
	  && $user->HasRight(Right => 'LogCalls', Object => RT->System);
}

1;
