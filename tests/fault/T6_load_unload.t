# The plugin is loaded, works and is unloaded, over and over in one process, which
# grows no more than one in which a plugin that does nothing is: neither memory,
# nor descriptors, nor threads.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Oracle qw(size figure);
use Process qw(built scratch);
use Test::More;

my $cycles = size(300, 60);
# A page for each of 8 cycles would be half a kilobyte a cycle.
my $allowed_kb = 2;
my $cluster = Cluster->new;
$cluster->install_schema;

sub left {
	my ($driver) = @_;
	return join ' ', map { scalar(() = glob "/proc/$driver->{pid}/$_/*") } qw(task fd);
}

sub rss_kb {
	my ($driver) = @_;
	my ($kb) = Process::slurp("/proc/$driver->{pid}/status") =~ /^VmRSS:\s+(\d+) kB/m;
	return $kb;
}

# By least squares over the second half.
sub slope {
	my @y = @_[ @_ / 2 .. $#_ ];
	my ($n, $x_mean, $y_mean) = (scalar @y, $#y / 2, 0);
	$y_mean += $_ / $n for @y;
	my ($up, $down) = (0, 0);
	for my $x (0 .. $#y) {
		$up += ($x - $x_mean) * ($y[$x] - $y_mean);
		$down += ($x - $x_mean)**2;
	}
	return $up / $down;
}

# The memory after each cycle.
sub live {
	my ($driver, $name, $work, %config) = @_;
	my (@kb, $before);
	for my $cycle (1 .. $cycles) {
		my $why = $driver->create(%config);
		die "cycle $cycle: $why" if defined $why;
		$driver->start eq 'OK' or die "cycle $cycle: not started";
		$work->($cycle);
		my ($status) = $driver->stop(10_000);
		$status eq 'OK' or die "cycle $cycle: stopped with $status";
		$driver->destroy;
		$driver->reload;
		$before = left($driver) if $cycle == 5;
		push @kb, rss_kb($driver);
	}
	is left($driver), $before, "$name: threads and descriptors are the same after $cycles cycles";
	return @kb;
}

my $idle = Driver->new(plugin => built('examples/hello.so'));
my @nothing = live($idle, 'a plugin that does nothing', sub { });
is $idle->quit, 0, 'its host ends well';

my $driver = Driver->new;
my @kb = live($driver, 'the plugin', sub {
	my ($cycle) = @_;
	$driver->logged(session_id => "c$cycle") eq 'OK' or die "cycle $cycle: not logged";
	@{ $driver->match(["c$cycle"])->{"c$cycle"} } or die "cycle $cycle: not found";
}, conninfo => $cluster->conninfo, spool => scratch() . '/spool.db');
my $rows = $cluster->psql('SELECT count(*) FROM call_log.calls');
is $rows, $cycles, 'each time it worked';
figure('T6.fault', "plugin loaded and unloaded $cycles times");
figure('T6.acknowledged', $cycles);
figure('T6.lost', $cycles - $cluster->psql('SELECT count(DISTINCT session_id) FROM call_log.calls'));
figure('T6.doubled', $rows - $cluster->psql('SELECT count(DISTINCT session_id) FROM call_log.calls'));
my ($grows, $noise) = (slope(@kb), slope(@nothing));
cmp_ok $grows, '<', $noise + $allowed_kb, 'its memory is flat'
  or diag "kB after each cycle: @kb";
figure('T6.cycles', $cycles);
figure('T6.kb_a_cycle', sprintf '%.2f', $grows);
figure('T6.kb_a_cycle_of_nothing', sprintf '%.2f', $noise);
figure('T6.kb_first_half', $kb[ @kb / 2 ] - $kb[0]);
is $driver->quit, 0, 'the host ends well';
done_testing;
