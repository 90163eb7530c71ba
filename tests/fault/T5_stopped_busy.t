# stop() at a random moment under load, with a deadline of 0, 100 ms or 5 s, the
# database there or not: every message is answered once, nothing acknowledged is
# lost, no thread and no descriptor is left. How late it is depends on who else
# uses the machine, and is printed.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Oracle qw(size figure now);
use Process qw(scratch wait_for);
use Test::More;

my $stops = size(300, 15);
my $hopeless_ms = 30_000;
my $cluster = Cluster->new;
$cluster->install_schema;
my $driver = Driver->new;
my %config = (conninfo => $cluster->conninfo, spool => scratch() . '/spool.db');
sub left { join ' ', map { scalar(() = glob "/proc/$driver->{pid}/$_/*") } qw(task fd) }

my (@acked, @unanswered, @twice, @late, @stuck, @took, @lateness, $before);
for my $n (1 .. $stops) {
	$cluster->stop('immediate') if $n == int $stops * 0.4;
	$cluster->start if $n == int $stops * 0.7;
	my @names = map { "s$n-$_" } 1 .. 400;
	$driver->create(%config);
	$driver->start;
	$driver->flood([ map { Driver::line(Driver::log_message(session_id => $_)) } @names ],
		threads => 2);
	my $until = now() + rand 0.1;
	$driver->log_lines while now() < $until;
	my $deadline = (0, 100, 5000)[ $n % 3 ];
	my ($status, $ms, $tally) = $driver->stop($deadline);
	push @unanswered, "stop $n" if $tally->{accepted} != $tally->{answered};
	push @twice, "stop $n" if $tally->{twice};
	push @late, "stop $n: $ms ms" if $ms > $deadline + $hopeless_ms;
	push @stuck, "stop $n" if $status eq 'BUSY';
	push @took, $ms;
	push @lateness, $ms > $deadline ? $ms - $deadline : 0;
	push @acked, @names[ $driver->acknowledged ];
	last if $status eq 'BUSY'; # its threads still need it
	$driver->destroy;
	$before //= left() if $n == 3;
}
is "@unanswered", '', 'every message is answered';
is "@twice", '', 'none twice';
is "@late", '', 'stop() returns';
is "@stuck", '', 'with all its threads ended';
is left(), $before, 'no thread and no descriptor is left';

# What was acknowledged is in the database once another has replayed the spool.
$driver->create(%config);
$driver->start;
my %there;
my @missing;
wait_for('what was acknowledged to be in the database', sub {
	%there = ();
	$there{ $_->[0] }++ for $cluster->rows('SELECT session_id FROM call_log.calls');
	@missing = grep { !$there{$_} } @acked;
	!@missing;
}, 60) if @acked;
my @doubled = grep { $there{$_} > 1 } keys %there;
cmp_ok scalar @acked, '>', 0, @acked . ' calls were acknowledged';
is scalar @missing, 0, 'none of them is missing';
is "@doubled", '', 'none is doubled';
is $driver->logged(session_id => 'works'), 'OK', 'afterwards a call is logged';
ok @{ $driver->match(['works'])->{works} }, 'and found';
figure('T5.fault', "stop() under load $stops times, deadlines of 0, 0.1 and 5 s");
figure('T5.acknowledged', scalar @acked);
figure('T5.lost', scalar @missing);
figure('T5.doubled', scalar @doubled);
figure('T5.longest_wait_us', sprintf '%.0f', $driver->times->{own_max_us});
@took = sort { $a <=> $b } @took;
@lateness = sort { $a <=> $b } @lateness;
figure('T5.stops', $stops);
figure('T5.stop_p99_ms', $took[ $#took * 0.99 ]);
figure('T5.after_deadline_p99_ms', $lateness[ $#lateness * 0.99 ]);
figure('T5.after_deadline_max_ms', $lateness[-1]);
figure('T5.unanswered', scalar @unanswered);
is $driver->quit, 0, 'the host ends well';
done_testing;
