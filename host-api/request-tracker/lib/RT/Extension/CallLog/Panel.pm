use strict;
use warnings;

# Panel - what the pages of a ticket and of a user show of calls, and to whom. The
# templates in html/ show what is told here, and decide nothing.
package RT::Extension::CallLog::Panel;

use List::Util qw(any uniq);
use RT::Extension::CallLog::Calls;
use RT::Extension::CallLog::Contacts;
use RT::Extension::CallLog::Links;
use RT::Extension::CallLog::Number;

use constant {
	LINKED_MAX => 50,
	MINE_MAX => 10,
	WITH_MAX => 20,
};

# The calls of a ticket, {calls, refused: [{agent, sessionid, refused}]}, and those of
# the agent who looks that could be linked to it, {mine}. An {error} instead where the
# database does not answer.
sub ticket {
	my ($class, $user, $ticket) = @_;
	RT::Extension::CallLog::Links->catch_up($user);
	return _try(sub {
		my @link = $ticket->CurrentUserHasRight('ShowTicketComments')
		  ? RT::Extension::CallLog::Links->of_ticket($ticket, LINKED_MAX) : ();
		my @calls = RT::Extension::CallLog::Calls->named(map { [ @$_{qw(agent sessionid)} ] } grep { !defined $_->{refused} } @link);
		my %is_linked = map { ("$_->{agent}\0$_->{session_id}" => 1) } @calls;
		return {
			calls => \@calls,
			refused => [ grep { defined $_->{refused} } @link ],
			mine => [ grep { !$is_linked{"$_->{agent}\0$_->{session_id}"} }
				RT::Extension::CallLog::Calls->latest($user->Name, MINE_MAX) ],
		};
	});
}

# The calls with a person: those of the agent who looks, or of all agents for whom may
# see them.
sub person {
	my ($class, $user, $person) = @_;
	return _try(sub {
		my $all = $user->HasRight(Right => 'ShowAllCalls', Object => RT->System);
		return { calls => [ RT::Extension::CallLog::Calls->with(
			'user/' . $person->id, [ _numbers($person) ], $all ? undef : $user->Name, WITH_MAX) ] };
	});
}

sub _try {
	my ($code) = @_;
	my $shown = eval { $code->() };
	return $shown if $shown;
	RT->Logger->warning("call log: $@");
	return { error => 1 };
}

# As calls have them: E.164, or an extension.
sub _numbers {
	my ($person) = @_;
	my $plan = RT::Extension::CallLog::Contacts::plan();
	my $whole = RT::User->new(RT->SystemUser);
	$whole->Load($person->id);
	return uniq map { ("+$_", $_) }
	  map { RT::Extension::CallLog::Number::meanings($whole->$_, $plan) }
	  qw(HomePhone WorkPhone MobilePhone PagerPhone);
}

# A link that a browser may be given.
sub is_safe_link { ($_[1] // '') =~ m{\Ahttps?://}i }

1;
