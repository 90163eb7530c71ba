# Built again in another folder, by another user, at another time of another zone,
# the packages have the same bytes.
use v5.32;
use warnings;
use lib 'tests/lib';
use File::Basename qw(basename);
use Process qw(root run run_ok scratch unprivileged slurp);
use Test::More;

my $first = root() . '/build/deb';
my @files = glob "$first/*.deb $first/*.dsc $first/*.tar.*";
cmp_ok scalar(grep { /\.deb$/ } @files), '>', 5, 'the packages are there' or die "make deb first\n";

# Times of files differ in each checkout, and their modes.
my $checkout = scratch() . '/another checkout';
my $second = scratch() . '/elsewhere';
mkdir $checkout;
run_ok([ 'sh', '-ec', 'umask 002; tar -c "$@" | tar -x -m -C "$0"', $checkout,
		qw(Makefile README.md host-api packaging plugin sql) ], dir => root());
my $user = unprivileged();
run_ok([ 'chown', '-R', $user, $checkout, $second =~ s{/\w+$}{}r ]) if $user;
my ($status, $out, $err) = run([ 'faketime', '-f', '+400d', 'sh', '-c',
		'umask 002; exec packaging/deb "$0"', $second ],
	user => $user, dir => $checkout, seconds => 600,
	env => { TZ => 'Pacific/Kiritimati', HOME => '/nonexistent', LANG => 'C', LC_ALL => undef });
is $status, 0, 'they can be built again' or diag $out, $err;
for my $file (@files) {
	my $name = basename($file);
	ok slurp($file) eq slurp("$second/$name"), "$name is the same";
}
done_testing;
