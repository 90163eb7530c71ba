use strict;
use warnings;

# Contacts - answers the widget's question whose numbers these are: from RT's users,
# and with the open tickets of those whom it finds, so that an agent can pick one as
# what the call is about. It knows nothing of calls.
package RT::Extension::CallLog::Contacts;

use List::Util qw(uniq);
use RT::Extension::CallLog::Number;
use RT::Lifecycle;
use RT::Tickets;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

use constant {
	PATH => '/contacts/match',
	REMEMBER_MS => 5 * 60 * 1000,
	NUMBERS_MAX => 1000,
	USERS_MAX => 100, # with one number: a switchboard's
	TICKETS_MAX => 10,
	TICKETS_S => 0.5,
};

my %phone_type = (
	HomePhone => 'home', WorkPhone => 'business', MobilePhone => 'mobile', PagerPhone => 'other');
my @phone = qw(HomePhone WorkPhone MobilePhone PagerPhone);

# As in etc/schema.Pg, or the index there is of no use.
my $suffixes = 'array_remove(ARRAY['
  . join(', ', map {
	"right(regexp_replace(substring($_ from '[0-9][^A-Za-z\\u0023;,~]*'), '[^0-9]', '', 'g'), 7)"
  } @phone)
  . '], NULL)';

# What to add to the service that the widget is told of. It would remember for two hours
# which tickets were open.
sub service { return { contactMatchPath => PATH, contactMatchTtl => REMEMBER_MS } }

# The widget's message, and the RT user who asks; the answer message.
sub answer {
	my ($class, $user, $message) = @_;
	my $asked = ref $message->{body} eq 'HASH' ? $message->{body}{phoneNumbers} : undef;
	my @number = grep { defined && !ref && length } ref $asked eq 'ARRAY' ? @$asked : ();
	splice @number, NUMBERS_MAX if @number > NUMBERS_MAX;
	return {
		type => 'rc-post-message-response',
		responseId => $message->{requestId},
		response => { data => $class->match($user, @number) },
	};
}

# The contacts of each number, in the widget's shape. It asks for one number when the
# phone rings, and for hundreds when it shows its history: those last are answered
# without tickets once that took its time, rather than too late.
sub match {
	my ($class, $user, @number) = @_;
	my $end = clock_gettime(CLOCK_MONOTONIC) + TICKETS_S;
	my %found = users(@number);
	my %contacts;
	for my $number (@number) {
		my @users = @{ $found{$number} };
		my @tickets = @users && RT->Config->Get('CallLogTicketContacts') && clock_gettime(CLOCK_MONOTONIC) < $end
		  ? open_tickets($user, map { $_->{id} } @users) : ();
		$contacts{$number} = [
			(map { _user_contact($_, $number) } @users),
			(map { _ticket_contact($_, $number) } grep { may_comment($_) } @tickets) ];
	}
	return \%contacts;
}

sub plan {
	return RT::Extension::CallLog::Number::plan(
		RT->Config->Get('CallLogCountryCode'), RT->Config->Get('CallLogTrunkPrefix'));
}

# Who has these numbers and may use RT: for each number a list of {id, name, phone:
# the column}.
sub users {
	my (@number) = @_;
	my $plan = plan();
	my %digits = map { $_ => [ RT::Extension::CallLog::Number::asked($_, $plan) ] } @number;
	my %suffix = map { $_ => 1 }
	  map { RT::Extension::CallLog::Number::suffixes($_, $plan) } map { @$_ } values %digits;
	my %having;
	for my $row (@{ _candidates(sort keys %suffix) }) {
		for my $column (@phone) {
			push @{ $having{$_}{ $row->{id} } }, { id => $row->{id}, name => $row->{name}, phone => $column }
			  for RT::Extension::CallLog::Number::meanings($row->{ lc $column }, $plan);
		}
	}
	return map {
		my %user = map { %{ $having{$_} // {} } } @{ $digits{$_} };
		my @users = map { $user{$_}[0] } sort { $a <=> $b } keys %user;
		splice @users, USERS_MAX if @users > USERS_MAX;
		$_ => \@users;
	} @number;
}

# Users one of whose numbers ends in one of these. One by one, and before the other
# table is looked at: of many at once PostgreSQL believes that most users have one.
sub candidates_sql {
	return <<~"SQL";
		WITH found AS MATERIALIZED (
			SELECT u.* FROM unnest(?::text[]) AS s (suffix) CROSS JOIN LATERAL (
				SELECT id, coalesce(nullif(RealName, ''), Name) AS name, @{[ join ', ', @phone ]}
				FROM Users WHERE $suffixes && ARRAY[s.suffix] OFFSET 0) AS u)
		SELECT found.* FROM found JOIN Principals ON Principals.id = found.id WHERE Principals.Disabled = 0
		SQL
}

sub _candidates {
	my (@suffix) = @_;
	return @suffix
	  ? RT->DatabaseHandle->dbh->selectall_arrayref(candidates_sql(), { Slice => {} }, \@suffix) : [];
}

# The open tickets of these users that $user may see, those with news first.
sub open_tickets {
	my ($user, @id) = @_;
	@id = _requestors(@id) or return;
	my $tickets = RT::Tickets->new($user);
	$tickets->FromSQL("Status = '__Active__' AND (" . join(' OR ', map { "Requestor.id = $_" } @id) . ')');
	$tickets->OrderByCols({ FIELD => 'LastUpdated', ORDER => 'DESC' }, { FIELD => 'id', ORDER => 'DESC' });
	$tickets->RowsPerPage(TICKETS_MAX);
	return @{ $tickets->ItemsArrayRef || [] };
}

# Those of them who have any: RT's own search takes twenty times as long.
sub _requestors {
	my (@id) = @_;
	my @status = uniq(RT::Lifecycle->Load(Type => 'ticket')->Valid(qw(initial active)));
	return @{ RT->DatabaseHandle->dbh->selectcol_arrayref(<<~'SQL', undef, \@id, \@status) };
		SELECT DISTINCT m.MemberId FROM CachedGroupMembers m
		JOIN Groups g ON g.id = m.GroupId AND g.Domain = 'RT::Ticket-Role' AND g.Name = 'Requestor'
		JOIN Tickets t ON t.id = g.Instance
		WHERE m.MemberId = ANY (?::integer[]) AND t.Status = ANY (?::text[]) ORDER BY 1
		SQL
}

sub may_comment {
	my ($ticket) = @_;
	return $ticket->CurrentUserHasRight('CommentOnTicket') || $ticket->CurrentUserHasRight('ModifyTicket');
}

# The id says what it is of; the type has to be the service's name.
sub _contact {
	my ($id, $name, $number, $type) = @_;
	return { id => $id, type => 'call-log', name => $name,
		phoneNumbers => [ { phoneNumber => $number, phoneType => $type } ] };
}

sub _user_contact {
	my ($user, $number) = @_;
	return _contact("user/$user->{id}", $user->{name}, $number, $phone_type{ $user->{phone} });
}

sub _ticket_contact {
	my ($ticket, $number) = @_;
	return _contact('ticket/' . $ticket->id, '#' . $ticket->id . ': ' . ($ticket->Subject // ''), $number, 'other');
}

# The ticket that a contact's id names, if it does.
sub ticket_of {
	my ($contact) = @_;
	return ($contact // '') =~ m{\Aticket/([0-9]{1,9})\z} ? $1 : undef;
}

# The user, likewise.
sub user_of {
	my ($contact) = @_;
	return ($contact // '') =~ m{\Auser/([0-9]{1,9})\z} ? $1 : undef;
}

1;
