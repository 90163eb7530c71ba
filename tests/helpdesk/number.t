# Phone numbers as people write them: what they can mean, and what they do not.
use v5.32;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../../host-api/request-tracker/lib";
use RT::Extension::CallLog::Number;
use Test::More;

sub has {
	my ($plan, $written, $asked) = @_;
	my %asked = map { $_ => 1 } RT::Extension::CallLog::Number::asked($asked, $plan);
	return scalar grep { $asked{$_} } RT::Extension::CallLog::Number::meanings($written, $plan);
}

# site, number asked for, how people write it, what only looks like it
for my $case (
	[ '1', '+16505550100',
		[ '(650) 555-0100', '+1 650.555.0100', '650-555-0100', '1-650-555-0100', '6505550100', '16505550100',
			'011 1 650 555 0100', '00 1 650 555 0100', 'Tel. 650/555 0100', '650 555 0100 x12', '(650) 555-0100 ext. 7',
			'650.555.0100#12', "650\x{2011}555\x{2011}0100", '+1 (650) 555-0100, mornings', ' 650 555 0100 ' ],
		[ '555-0100', '5550100', '(415) 555-0100', '650 555 01001', '+44 650 555 0100', '+44 1650 555 0100', '0650 555 0100',
			'011 44 650 555 0100', '650 555 010', '1 650 555 0100 1', '', 'none', '%', undef ] ],
	[ '1', '+442079460991', [ '+44 20 7946 0991', '011 44 20 7946 0991', '+44 (0)20 7946 0991', '(+44) 20 7946 0991', '0044 20 79460991' ],
		[ '020 7946 0991', '20 7946 0991', '+1 207 946 0991', '+44 20 7946 09912' ] ],
	[ '44', '+442079460991', [ '020 7946 0991', '(020) 7946 0991', '+44 (0)20 7946 0991', '00 44 20 7946 0991', '44 20 7946 0991', '20 7946 0991' ],
		[ '7946 0991', '0121 7946 0991', '+49 20 7946 0991', '0049 20 7946 0991', '0207 946 099' ] ],
	[ '49', '+49301234567', [ '030/1234567', '030 123 45 67', '+49 30 1234567', '0049 (0)30 1234567', '+49 (0)30-1234567' ], [ '040/1234567', '1234567', '+43 30 1234567' ] ],
	[ '39', '+390612345678', [ '06 1234 5678', '+39 06 12345678' ], [ '6 1234 5678' ] ],
	[ '352', '+352261234', [ '26 12 34', '+352 26 12 34', '00352261234' ], [ '26 12 35' ] ],
	[ '1', '102', [ '102', 'x102', 'ext. 102', '102 (desk)' ], [ '1020', '(650) 555-0100 x102', '650 555 0102' ] ],
	[ '49', '102', [ '102', 'Durchwahl 102' ], [ '49102', '0102', '+49 102' ] ],
) {
	my ($country, $asked, $same, $other) = @$case;
	my $plan = RT::Extension::CallLog::Number::plan($country);
	my $show = sub { defined $_[0] ? $_[0] =~ s/[^ -~]/?/gr : 'nothing' };
	ok(has($plan, $_, $asked), "at a site in +$country, '" . $show->($_) . "' is $asked") for @$same;
	ok(!has($plan, $_, $asked), "at a site in +$country, '" . $show->($_) . "' is not $asked") for @$other;
	# the last digits of whatever means the number are among those looked for
	for my $written (@$same) {
		my ($digits) = $written =~ /([0-9][^A-Za-z#;,~]*)/;
		$digits =~ s/[^0-9]//g;
		my $suffix = length $digits > 7 ? substr($digits, -7) : $digits;
		my %looked = map { $_ => 1 } map { RT::Extension::CallLog::Number::suffixes($_, $plan) }
		  RT::Extension::CallLog::Number::asked($asked, $plan);
		ok($looked{$suffix}, "and found by $suffix");
	}
}

is(RT::Extension::CallLog::Number::plan('44', '')->{trunk}, '', 'a site can dial nothing before the city');
done_testing;
