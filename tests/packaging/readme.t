# What README.md tells a person to type works, and shows what it says.
#
# A block marked `sh` is run while `make run` serves, `sql` is asked of its
# database, `text` below either is what must come out. Blocks that begin with sudo,
# git or make are about the machine; install.t and run.t try those.
use v5.32;
use warnings;
use lib 'tests/lib';
use Process qw(root run built free_port wait_for slurp spew scratch);
use POSIX qw(strftime);
use Test::More;

my @blocks;
my $readme = slurp(root() . '/README.md');
push @blocks, [ $1, $2 ] while $readme =~ /^```(\w+)\n(.*?)^```$/gms;
ok @blocks > 10, 'README.md has examples';

# Times, dates and rates differ from run to run; blanks at the end of lines do not
# matter.
sub plain {
	my ($text) = @_;
	$text =~ s/\d{4}-\d\d-\d\d/DATE/g;
	$text =~ s/\b\d\d:\d\d(?::\d\d(?:\.\d+)?)?/TIME/g;
	$text =~ s/"id":"\d+"/"id":"N"/g;
	$text =~ s/^working in .*\n//;
	$text =~ s/[ \t]+$//gm;
	$text =~ s/\n*\z/\n/;
	return $text;
}

# In the afternoon of the zone we take, the day is spread as README.md shows it.
my $east = 15 - (gmtime)[2];
$east += 24 if $east < -12;
$east -= 24 if $east > 14;
my $zone = sprintf 'Etc/GMT%+d', -$east;
my $port = free_port();
my $serving = Process->spawn([ root() . '/packaging/run' ],
	env => { PORT => $port, TZ => $zone, PAGER => undef });
wait_for('make run to serve', sub {
	!$serving->running || $serving->log_text =~ /^README.md shows/m;
}, 120);
ok $serving->running, 'make run serves' or diag $serving->log_text;

my ($shown) = map { $_->[1] } grep { $_->[1] =~ /^Serving on/m } @blocks;
# A checkout that is not good enough for the servers costs a line more.
my $said = $serving->log_text =~ s/^working in .*\n//r;
is plain($said =~ s/127\.0\.0\.1:$port/127.0.0.1:8085/gr), plain($shown),
  'make run prints what README.md shows';

my $environment = slurp(built('psql.env'));
for my $i (0 .. $#blocks) {
	my ($kind, $text) = @{ $blocks[$i] };
	my $next = $blocks[ $i + 1 ] // [ '', '' ];
	my ($first) = $text =~ /^(.*)/;
	my ($status, $out, $err);
	if ($kind eq 'sh' && $text !~ /^(?:sudo|git|make) /) {
		($status, $out, $err) = run([ 'sh', '-ec', $text =~ s/127\.0\.0\.1:8085/127.0.0.1:$port/gr ],
			dir => root(), env => { TZ => $zone });
	} elsif ($kind eq 'sql') {
		($status, $out, $err) = run([ 'sh', '-ec', $environment . 'psql -X -v ON_ERROR_STOP=1' ],
			stdin => $text, env => { TZ => $zone });
	} else {
		next;
	}
	is $status, 0, "works: $first" or diag $out, $err;
	is plain($out), plain($next->[1]), '  and shows what README.md says' if $next->[0] eq 'text';
}

# The host in C is a whole one.
my ($c) = map { $_->[1] } grep { $_->[0] eq 'c' } @blocks;
my ($compiled, undef, $complaint) = run([ qw(cc -std=c11 -Wall -Wextra -Werror -fsyntax-only
		-Ihost-api -x c -) ], stdin => $c, dir => root());
is $compiled, 0, 'the host in README.md compiles' or diag $complaint;

# Each configuration is one that the host accepts.
my $folder = scratch();
run([ 'sh', '-c', 'mkdir -m 755 "$0/plugins" && install -m 644 "$1" "$0/plugins/"',
		$folder, built('call_log.so') ]);
for my $configuration (map { $_->[1] } grep { $_->[0] eq 'libconfig' } @blocks) {
	spew("$folder/crm-host.conf", $configuration =~ s{/usr/local/lib/crm/plugins}{$folder/plugins}r);
	my ($status, $out, $err) = run([ built('crm-host'), '--config', "$folder/crm-host.conf", '--check' ]);
	is $status, 0, 'a configuration in README.md is a good one' or diag $out, $err;
}
is $serving->stop('INT'), 0, 'make run ends in order';
done_testing;
