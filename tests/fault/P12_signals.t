# Signals: a broken pipe ends nobody, a storm of TERM and a timer that interrupts
# every call change nothing, and the plugin's threads take no signal at all.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Oracle qw(size figure);
use Process qw(scratch slurp wait_for);
use Test::More;

my $rounds = size(40, 4);
my $cluster = Cluster->new(tcp => 1);
$cluster->install_schema;
my %config = (conninfo => $cluster->conninfo(host => '127.0.0.1'),
	spool => scratch() . '/spool.db', commit_deadline_ms => 300, recordings_dir => scratch() . '/recordings');
my $driver = Driver->new;
my $pid = $driver->pid;

sub mask {
	my ($file, $name) = @_;
	return hex +(slurp($file) =~ /^$name:\s*[0-9a-f]*([0-9a-f]{8})$/m)[0];
}
my $pipe = 1 << 12;
# all but KILL and STOP, which cannot be blocked
my $all = 0x7ffb_feff;
is mask("/proc/$pid/status", 'SigIgn') & $pipe, 0, 'the host does not ignore SIGPIPE';

# A signal each millisecond from here on, in any thread of the host's own.
$driver->signals(1000);
is $driver->create(%config), undef, 'interrupted all the time, the plugin is created';
is $driver->start, 'OK', 'and starts';
my @ours = grep { slurp("$_/comm") =~ /^call_log/ } glob "/proc/$pid/task/*";
is scalar @ours, 6, 'it has six threads';
is scalar(grep { (mask("$_/status", 'SigBlk') & $all) != $all } @ours), 0,
  'which block every signal';

my $oracle = Oracle->new(cluster => $cluster, driver => $driver);
my @lines = map { Driver::line(Driver::log_message(session_id => "burst$_")) } 1 .. 200;
my ($terms, $unanswered) = (0, 0);
for my $round (1 .. $rounds) {
	$oracle->flow(seconds => 0.2, per_second => 500, at => sub { $terms += kill TERM => $pid });
	# the sockets are closed by the other side while they are written to
	$cluster->stop('immediate');
	$oracle->flow(seconds => 0.3, per_second => 500, at => sub { $terms += kill TERM => $pid });
	$cluster->start;
	$oracle->settle;
	my $tally = $driver->burst(\@lines, threads => 4);
	$unanswered++ if !$tally->{all};
	# the spool is opened, and threads are waited for, while signals come
	my ($status, undef, $tally_of_stop) = $driver->stop(10_000);
	$unanswered++ if $status ne 'OK' || $tally_of_stop->{accepted} != $tally_of_stop->{answered};
	$driver->destroy;
	my $why = $driver->create(%config);
	is $why, undef, 'it is created anew' if defined $why;
	my $started = $driver->start;
	is $started, 'OK', 'it starts anew' if $started ne 'OK';
}
is $unanswered, 0, 'every message is answered, and the plugin stops in order';
my $signals = $driver->signals(0);
cmp_ok $signals, '>', $terms > 1000 ? 1000 : $terms, "the host was interrupted $signals times";
is scalar(grep { /^ERROR/ } $driver->log_lines), 0, 'nothing was complained of as an error'
  or diag join "\n", $driver->log_lines;
figure('P12.signals', $signals);
$oracle->conclude('P12', "interrupted by $signals signals, sockets broken $rounds times");
is $driver->quit, 0, 'the host ends well';
done_testing;
