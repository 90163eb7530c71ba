# The Nth allocation fails, of the plugin, libpq, SQLite, cJSON and of the C library
# for them, for every N: once, and from the Nth on until memory is given back. What
# the plugin does then, see tests/hosts/memory_scenarios.h. Nothing crashes, hangs or leaks,
# every message is answered, as logged only when it is, and all works afterwards.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(full figure);
use Process qw(built run scratch slurp);
use Test::More;

# The full size has every N, of what has thousands every fifth unless EVERY=1; the
# short form some of what takes no long waits and of one more.
my $seed = $ENV{SEED} // time;
srand $seed;
my @long = qw(life damaged);
my @short = qw(log reject match health);
my @waits = qw(away back change stop);
my @plays = full()
  ? ([ -1, @short, @waits ], [ $ENV{EVERY} ? -1 : -5, @long ])
  : ([ 3, @short, (@long, @waits)[ rand @long + @waits ] ]);
my $cluster = Cluster->new(settings => { fsync => 'off', max_connections => 200 });
$cluster->install_schema;
$cluster->psql(q(ALTER TABLE call_log.calls ADD CONSTRAINT poison CHECK (session_id NOT LIKE 'bad%')));
my $work = scratch();
my $socket = $cluster->dir . '/.s.PGSQL.' . $cluster->port;
my $out = '';
for my $play (@plays) {
	my ($samples, @scenarios) = @$play;
	my ($status, $said, $err) = run(
		[ built('tests/hosts/memory'), built('call_log.so'), $socket, $work, $samples, $seed, @scenarios ],
		# what was freed is not what it was
		env => { GLIBC_TUNABLES => 'glibc.malloc.perturb=165:glibc.malloc.tcache_count=0' },
		seconds => 7200);
	is $status, 0, "the host ends well, after @scenarios" or diag $said, $err;
	$out .= $said;
}
my @faults = $out =~ /^fault (.*)/mg;
is "@faults[0 .. ($#faults < 9 ? $#faults : 9)]", '', "nothing goes wrong (SEED=$seed)";

my ($rounds, $struck) = (0, 0);
while ($out =~ /^done (\S+) (\S+) tried=(\d+) struck=(\d+) last=(\d+) /mg) {
	my ($scenario, $mode, $tried, $hit, $last) = ($1, $2, $3, $4, $5);
	cmp_ok $hit, '>', 0, "$scenario, $mode: allocations fail, up to number $last";
	figure("P10.${scenario}_$mode", $last);
	$rounds += $tried;
	$struck += $hit;
}
cmp_ok $struck, '>', 10, "$struck of $rounds rounds had allocations that fail";

my %acknowledged = map { $_ => 1 } split /\n/, slurp("$work/acknowledged");
my (%note, @doubled, @wrong);
for ($cluster->rows('SELECT session_id, note FROM call_log.calls')) {
	my ($session, $note) = @$_;
	push @doubled, $session if exists $note{$session};
	$note{$session} = $note;
	push @wrong, $session if ($note // '') !~ /\A(?:note of \Q$session\E|new)\z/;
}
my %rejected = map { $_->[0] => 1 } $cluster->rows('SELECT session_id FROM call_log.rejected');
my @missing = grep { !exists $note{$_} && !$rejected{$_} } sort keys %acknowledged;
cmp_ok scalar keys %acknowledged, '>', 0, keys(%acknowledged) . ' calls were acknowledged';
is "@missing", '', 'none of them is missing';
is "@doubled", '', 'none is doubled';
is "@wrong", '', 'none is wrong';
figure('P10.fault', 'an allocation fails, each in turn');
figure('P10.acknowledged', scalar keys %acknowledged);
figure('P10.lost', scalar @missing);
figure('P10.doubled', scalar @doubled);
figure('P10.rounds', $rounds);
figure('P10.leaks', scalar grep { /leak/ } @faults);
done_testing;
