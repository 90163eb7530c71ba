# The users of RequestTracker.pm, made inside RT.
use strict;
use warnings;

sub user {
	my ($name, %more) = @_;
	my $user = RT::User->new(RT->SystemUser);
	my ($ok, $why) = $user->Create(Name => $name, Password => 'password', EmailAddress => "$name\@example.org", %more);
	die "$name: $why" if !$ok;
	return $user;
}

sub grant {
	my ($principal, @rights) = @_;
	for my $right (@rights) {
		my ($ok, $why) = $principal->GrantRight(Right => $right, Object => RT->System);
		die "$right: $why" if !$ok;
	}
}

my ($anna, $ben, $carl) = map { user($_, Privileged => 1) } qw(anna ben carl);
my $sue = user('sue', Privileged => 0);
grant($_->PrincipalObj, 'LogCalls') for $anna, $ben, $sue;
my $privileged = RT::Group->new(RT->SystemUser);
$privileged->LoadSystemInternalGroup('Privileged');
grant($privileged->PrincipalObj, qw(SeeQueue ShowTicket CreateTicket ModifyTicket CommentOnTicket ReplyToTicket ShowTicketComments OwnTicket));
