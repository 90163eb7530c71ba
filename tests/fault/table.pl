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
	$seconds += $1 if /^Files=\d+, Tests=\d+, +(\d+) wallclock/;
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
sub of { my ($row, $key) = @_; my ($name) = grep { /^$key/ } keys %{ $figure{$row} // {} }; return $name && $figure{$row}{$name} }
my $p999 = 'submit_p999_us_median';
my @more = (
	[ 'D7', $p999, sub { sprintf 'With the database black-holed, 999 of 1,000 `submit()` took less than %.0f µs; '
		. 'with a database that is well %.0f µs; of a plugin that does nothing %.0f µs.',
		$_[0], of('D7_healthy', $p999), of('D7_no_op', $p999) } ],
	[ 'D1', 'recovery_s', sub { thousands(of('D1', 'spooled')) . " spooled events were in PostgreSQL $_[0] s after its return." } ],
	[ 'T10', 'matches', sub { 'Of ' . thousands($_[0]) . ' calls asked for as soon as they were acknowledged, in and after outages, '
		. of('T10', 'not_found') . ' were not found; the slowest answer took ' . of('T10', 'slowest_match_ms') . ' ms.' } ],
	[ 'T10', 'outage_lines', sub { "Of an outage of $figure{T10}{outage_s} s the log has $_[0] lines." } ],
	[ 'T10', 'rss_kb_an_hour', sub { "Memory changed by $_[0] kB an hour, measured to " . of('T10', 'rss_noise') . ' kB; descriptors and threads not at all.' } ],
	[ 'T11', 'peak_mb', sub { "Flooded by messages of up to 1 MB from 4 threads, with a queue of $figure{T11}{queue_mb} MB, the host process takes $_[0] MB "
		. "at most while the database is away and the spool busy; $figure{T11}{healthy_mb} MB while all is well." } ],
);
say '';
for (@more) {
	my ($row, $key, $text) = @$_;
	my $value = of($row, $key);
	say '- ', $text->($value) if defined $value;
}
chomp(my $cores = `nproc`);
my ($server) = `pg_config --version` =~ /(\d\S*)/;
say "\nRun on ", strftime('%Y-%m-%d', gmtime), ": PostgreSQL $server, $cores cores, ",
  defined $seconds ? int($seconds / 60 + 0.5) : '?', ' minutes.';

say STDERR "# no figures of: @missing" if @missing;
exit(@missing ? 1 : 0);
