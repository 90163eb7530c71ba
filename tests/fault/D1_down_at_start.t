# PostgreSQL is down when the host starts: calls are acknowledged into the spool,
# found there meanwhile, and get into the database by themselves once it is there.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(full size start_driver figure spooled now);
use Process qw(scratch wait_for);
use Test::More;

use constant { RECOVERY_S => 10, SLOWER => 4, ASKED => 100 };

my $calls = size(100_000, 1000);
my $cluster = Cluster->new;
$cluster->install_schema;
$cluster->stop;
my $oracle = Oracle->new(cluster => $cluster, window => 512,
	driver => start_driver(conninfo => $cluster->conninfo,
		spool => scratch() . '/spool.db', commit_deadline_ms => 500));
my $driver = $oracle->{driver};
$oracle->flow(calls => $calls, seconds => 600);
$oracle->settle;
my $saves = $oracle->acked_count;
cmp_ok $saves, '>=', $calls, "$saves saves are acknowledged without a database";
wait_for('health to know', sub { spooled($driver) == $saves });
pass 'and lie in the spool, each once';

# Every call, in full every tenth, is asked for by its agent.
my %asked;
for my $item (values %{ $oracle->{made} }) {
	next if full() && $item->{session} !~ /0\z/;
	$asked{ $item->{agent} }{ $item->{session} } = 1;
}
my ($found, $count, @ms) = (0, 0);
for my $agent (sort keys %asked) {
	my @ids = sort keys %{ $asked{$agent} };
	while (my @some = splice @ids, 0, ASKED) {
		my ($status, $answer, $ms) = $driver->call(Driver::match_message(@some), agent => $agent);
		my $data = $status eq 'OK' ? $answer->{response}{data} : {};
		$found += grep { @{ $data->{$_} // [] } == 1 } @some;
		$count += @some;
		push @ms, $ms;
	}
}
is $found, $count, "each of $count calls asked for is found meanwhile";
@ms = sort { $a <=> $b } @ms;
figure('D1.match_p99_ms', $ms[ int(@ms * .99) ]);

$cluster->start;
my $back = now();
wait_for('the spool to be empty', sub { spooled($driver) == 0 }, 600);
my $took = now() - $back;
figure('D1.spooled', $saves);
figure('D1.recovery_s', sprintf '%.2f', $took);
is @{ $oracle->compare->{missing} }, 0, sprintf 'all are in the database %.1f s after it is there', $took;

# What the machine needs for as many calls with a database that is there.
if (full()) {
	my @lines = map { Driver::line(Driver::log_message(session_id => "live$_")) } 1 .. $saves;
	my $tally = $driver->burst(\@lines, threads => 2, seconds => 600);
	is $tally->{OK} + $tally->{BUSY} + $tally->{refused}, $saves, 'as many are sent to a database that is there';
	my $live = $tally->{ms} / 1000 * $saves / $tally->{OK};
	figure('D1.live_s', sprintf '%.2f', $live);
	ok $took < RECOVERY_S || $took < SLOWER * $live, 'the recovery takes less than '
	  . RECOVERY_S . " s, or not much longer than that ($live s)";
}
$oracle->conclude('D1', 'PostgreSQL down at start');
is $driver->quit, 0, 'the host ends well';
done_testing;
