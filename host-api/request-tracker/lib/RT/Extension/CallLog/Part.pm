use strict;
use warnings;

# Part - a part of an open file as the body of a PSGI response: read in pieces, as
# the client takes them.
package RT::Extension::CallLog::Part;

use constant PIECE => 65536;

sub new {
	my ($class, $handle, $first, $len) = @_;
	sysseek $handle, $first, 0 or die "seek: $!\n";
	return bless { handle => $handle, left => $len }, $class;
}

# undef at the end, also where the file has become shorter.
sub getline {
	my ($self) = @_;
	my $want = $self->{left} < PIECE ? $self->{left} : PIECE;
	my $piece;
	return if $want == 0 || !sysread $self->{handle}, $piece, $want;
	$self->{left} -= length $piece;
	return $piece;
}

sub close { close $_[0]{handle} }

1;
