#!/usr/bin/perl
# Reads what prove wrote of tests/fault and prints the table of the README.
#
#   table.pl LOG TEST...
#
# Fails when one of the tests named has no figures. What a test's rows are is said
# by the name of its file: D7_D8_black_hole.t has D7 and D8.
use v5.32;
use warnings;
use POSIX qw(strftime);

my ($log, @tests) = @ARGV;
open my $file, '<', $log or die "$log: $!\n";
my (%figure, $seconds);
while (<$file>) {
	$seconds = $1 if /^Files=\d+, Tests=\d+, +(\d+) wallclock/;
	$figure{$1}{$2} = $3 if /^# figure: (\w+)\.(\w+) (.*)/;
}

# "D7stop" is one of the faults of row D7.
sub row { $_[0] =~ /^([A-Z]\d+)/ ? $1 : '' }
sub order { my ($letter, $n) = row($_[0]) =~ /(.)(\d+)/; return sprintf '%s%03d%s', $letter, $n, $_[0] }
sub thousands { my $n = reverse $_[0]; $n =~ s/(\d{3})(?=\d)/$1,/g; return scalar reverse $n }

my @faults = sort { order($a) cmp order($b) } grep { row($_) && defined $figure{$_}{fault} } keys %figure;
my %there = map { row($_) => 1 } @faults;
my @missing = grep { !$there{$_} } map { /([A-Z]\d+)(?=_)/g } map { s{.*/}{}r } @tests;

say '| | fault | calls acknowledged | lost | doubled | longest wait of the host |';
say '|---|---|---:|---:|---:|---:|';
for my $name (@faults) {
	my %of = %{ $figure{$name} };
	my @cells = map { defined $of{$_} ? thousands($of{$_}) : '-' } qw(acknowledged lost doubled);
	my $wait = defined $of{longest_wait_us} ? sprintf '%.1f ms', $of{longest_wait_us} / 1000 : '-';
	say '| ', join(' | ', row($name), $of{fault}, @cells, $wait), ' |';
}

# What the table has no column for.
my @more = (
	[ 'D7.submit_own_p999_us', sub { 'With the database black-holed, 999 of 1,000 calls of `submit()` took less than '
		. int(1 + (sort { $b <=> $a } split ' ', $_[0])[0]) . ' µs.' } ],
	[ 'D1.recovery_s', sub { thousands($figure{D1}{spooled}) . " spooled events were in PostgreSQL $_[0] s after its return." } ],
	[ 'T10.outage_lines', sub { "The log had $_[0] lines of an outage of $figure{T10}{outage_s} s." } ],
	[ 'T11.peak_mb', sub { "With a queue of $figure{T11}{queue_mb} MB flooded while the database was away, the plugin took "
		. "$_[0] MB at most, $figure{T11}{healthy_mb} MB while it was there." } ],
);
say '';
for (@more) {
	my ($name, $text) = @$_;
	my ($row, $key) = split /\./, $name;
	say '- ', $text->($figure{$row}{$key}) if defined $figure{$row}{$key};
}
chomp(my $cores = `nproc`);
my ($server) = `pg_config --version` =~ /(\d\S*)/;
say "\nRun on ", strftime('%Y-%m-%d', gmtime), ": PostgreSQL $server, $cores cores, ",
  defined $seconds ? int($seconds / 60 + 0.5) : '?', ' minutes.';

say STDERR "# no figures of: @missing" if @missing;
exit(@missing ? 1 : 0);
