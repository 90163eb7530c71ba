# The table of faults in README.md has the rows that tests/fault has: what is new
# there has to be run, by `make fault`, and put here, by `make table`.
use v5.32;
use warnings;
use lib 'tests/lib';
use Process qw(slurp);
use Test::More;

my ($table) = slurp('README.md') =~ /<!-- make table: begin -->\n(.*?)<!-- make table: end -->/s;
ok $table, 'README.md has a table of faults';
my %shown = map { $_ => 1 } ($table // '') =~ /^\| ([A-Z]\d+) \|/gm;
my %there = map { $_ => 1 } map { m{([A-Z]\d+)(?=_)}g } map { s{.*/}{}r } glob 'tests/fault/*.t';
cmp_ok scalar(keys %there), '>', 10, 'tests/fault has many rows';
is join(' ', sort keys %shown), join(' ', sort keys %there), 'which are those of the table';

# In each nothing is lost and nothing doubled, and it tells how many that is of.
my @rows = map { [ split / *\| */ ] } ($table // '') =~ /^(\| [A-Z]\d+ \|.*)$/gm;
for (@rows) {
	my (undef, $row, $fault, $acknowledged, $lost, $doubled) = @$_;
	like "$acknowledged $lost $doubled", qr/^[1-9][\d,]* 0 0$/, "$row, $fault: none of those acknowledged is lost or doubled";
}
done_testing;
