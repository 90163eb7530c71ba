use strict;
use warnings;

# Number - phone numbers as people write them, and as the widget sends them (E.164, or
# an extension), made comparable: digits, international where that can be told. It
# knows no country but the site's own, and nothing of users.
package RT::Extension::CallLog::Number;

use constant {
	KEY_DIGITS => 7,
	EXTENSION_DIGITS => 6,
};

# The site's country: its calling code, what is dialled before a number of another
# city ('' where nothing is, or where it stays in international numbers), and before
# one of another country.
sub plan {
	my ($country, $trunk) = @_;
	return {
		country => $country,
		trunk => $trunk // { 1 => '1', 7 => '8', 39 => '' }->{$country} // '0',
		abroad => $country eq '1' ? qr/\A(?:011|00)/ : qr/\A00/,
	};
}

# What the number that somebody wrote can be, as digits: none where it lacks its city,
# several where its form does not tell.
sub meanings {
	my ($text, $plan) = @_;
	my ($before, $number) = ($text // '') =~ /\A([^0-9]*)([0-9][^A-Za-z#;,~]*)/ or return;
	my $has_plus = index($before, '+') >= 0;
	# +44 (0)20 ...: either is dialled, never both
	$number =~ s/\(0\)// if $has_plus || $number =~ $plan->{abroad};
	$number =~ s/[^0-9]//g;
	return $number if $has_plus;
	return $1 if $number =~ /$plan->{abroad}([0-9]{7,})\z/;
	return _american($number) if $plan->{country} eq '1';
	my ($country, $local) = ($plan->{country}, $number =~ s/\A$plan->{trunk}//r);
	return ("$country$local",
		length $number <= EXTENSION_DIGITS || $number =~ /\A$country(?:[0-9]{8})/ ? $number : ());
}

# Always ten digits, so that a shorter one is an extension, or lacks its city.
sub _american {
	my ($number) = @_;
	return length $number <= EXTENSION_DIGITS ? $number
	  : $number =~ /\A1?([2-9][0-9]{9})\z/ ? "1$1" : ();
}

# What the widget means by a number that it sends, as meanings(): an extension is none
# of anybody's in a city.
sub asked {
	my ($text, $plan) = @_;
	return ($text // '') =~ /\A[0-9]{1,${\EXTENSION_DIGITS}}\z/ ? $text : meanings($text, $plan);
}

# The last digits by which the index finds who may have that number, given as digits;
# a short one has others at home than abroad.
sub suffixes {
	my ($digits, $plan) = @_;
	my @form = ($digits);
	push @form, $1, "$plan->{trunk}$1" if $digits =~ /\A$plan->{country}([0-9]{4,})\z/;
	my %suffix = map { (length > KEY_DIGITS ? substr($_, -KEY_DIGITS) : $_) => 1 } @form;
	return sort keys %suffix;
}

1;
