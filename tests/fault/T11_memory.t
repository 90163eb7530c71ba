# A flood of messages as large as they may be, while the database is away, the spool
# full, or held by somebody else: the host process takes no more memory than its
# limits say, and about what the same flood takes while all is well.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(size start_driver figure);
use Process qw(scratch slurp wait_for);
use Test::More;

my $queue_mb = size(64, 8);
my $repeat = size(40, 2);
my $threads = 4;
my $matches = 20;
my $cluster = Cluster->new;
$cluster->install_schema;
my $folder = scratch();

# Of all sizes up to max_message_kb, some worse to parse than others.
sub message { my ($n, %body) = @_; return Driver::line(Driver::log_message(session_id => "flood$n", body => \%body)) }
my @lines = (
	(map { message($_, extra => 'x' x 1_000_000) } 1 .. 4),
	(map { message($_, extra => [ (0) x 500_000 ]) } 5 .. 6),
	(map { message($_, note => 'n' x 60_000) } 7 .. 40),
	(map { message($_, note => 'n' x 5_000) } 41 .. 240),
	(map { my $n = $_; Driver::line(Driver::match_message(map { "flood$n-$_" } 1 .. 2_000)) } 1 .. $matches),
	(map { message($_) } 241 .. 640));
my $lines_mb = 0;
$lines_mb += length($_) / 1e6 for @lines;

sub peak_mb { return slurp('/proc/' . $_[0]->pid . '/status') =~ /^VmHWM:\s+(\d+)/m ? $1 / 1024 : die }

# A process of its own for each; what it took at most.
sub flood {
	my ($name, $driver) = @_;
	my $start = peak_mb($driver);
	my $tally = $driver->burst(\@lines, threads => $threads, repeat => $repeat, seconds => 600);
	is $tally->{all}, 1, "$name: every message is answered";
	my $peak = peak_mb($driver);
	figure("T11.${name}_answers", join ' ', map { "$_=$tally->{$_}" } qw(OK BUSY refused ms));
	figure("T11.${name}_peak_mb", sprintf '%.0f', $peak);
	return ($peak, $tally);
}
my @settings = (conninfo => $cluster->conninfo, queue_max_mb => $queue_mb, queue_max => 1_000_000,
	body => 'all', commit_deadline_ms => 500, match_deadline_ms => 500);

my $well = start_driver(@settings, spool => "$folder/well.db", spool_max_mb => 1024);
my ($healthy) = flood('healthy', $well);
is $well->quit, 0, 'the host ends well';

my $oracle = Oracle->new(cluster => $cluster, driver => start_driver(
	@settings, spool => "$folder/away.db", spool_max_mb => 8));
my $driver = $oracle->{driver};
$cluster->stop;
$oracle->flow(calls => 200);
$oracle->settle;
my ($away, $tally) = flood('away', $driver);
cmp_ok $tally->{BUSY}, '>', 0, 'when the spool is full, messages are answered as busy';
cmp_ok -s "$folder/away.db", '<=', 8 << 20, 'it is no larger than allowed';

my $holder = Process->spawn([ 'sh', '-c', 'exec sqlite3 "$0" <"$1"', "$folder/away.db", do {
	system('mkfifo', "$folder/pipe") == 0 or die;
	"$folder/pipe";
} ], log => "$folder/holder");
open my $pipe, '>', "$folder/pipe" or die $!;
$pipe->autoflush(1);
print $pipe ".timeout 30000\nBEGIN EXCLUSIVE;\n.print held\n";
wait_for('the spool to be held', sub { $holder->log_text =~ /held/ });
my ($held, $with_holder) = flood('held', $driver);
cmp_ok $with_holder->{OK}, '<=', $matches * $repeat,
  'while the spool is held only matches are answered; what the queue has no room for is refused';
cmp_ok $with_holder->{ms}, '<', 60_000, 'and nobody waits for it in turn';
close $pipe;
$holder->wait_end;

# What is read from a message takes other space than its bytes, but not much more;
# while one is parsed it takes up to 40 times as much, which the C library keeps for
# the thread. The driver has the messages themselves.
my $bound = 2 * $queue_mb + $lines_mb + 40 * $threads + 60;
cmp_ok $held, '<', $bound, sprintf 'a process takes less than %d MB (%d MB)', $bound, $held;
cmp_ok $held, '<', 2 * $healthy + $queue_mb, sprintf 'and not much more than while all is well (%d MB)', $healthy;
figure('T11.queue_mb', $queue_mb);
figure('T11.peak_mb', sprintf '%.0f', $held);
figure('T11.healthy_mb', sprintf '%.0f', $healthy);
$cluster->start;
$oracle->conclude('T11', 'flood of messages of up to 1 MB with the database away, the spool full, the spool held');
is $driver->quit, 0, 'the host ends well';
done_testing;
