# stop() at a random moment under load, with a deadline of 0, 100 ms or 5 s, the
# database there or not: every message is answered once, nothing acknowledged is
# lost, no thread and no descriptor is left.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Oracle qw(size figure);
use Process qw(scratch);
use Test::More;
use Time::HiRes qw(sleep);

my $stops = size(300, 50);
my $cluster = Cluster->new;
$cluster->install_schema;
my $driver = Driver->new;
my %config = (conninfo => $cluster->conninfo, spool => scratch() . '/spool.db');
my @lines = map { Driver::line(Driver::log_message(session_id => "s$_")) } 1 .. 5000;
sub left { join ' ', map { scalar(() = glob "/proc/$driver->{pid}/$_/*") } qw(task fd) }

my (@unanswered, @twice, @late, @took, $before);
for my $n (1 .. $stops) {
	$cluster->stop('immediate') if $n == int $stops * 0.4;
	$cluster->start if $n == int $stops * 0.6;
	$driver->create(%config);
	$driver->start;
	$driver->flood(\@lines, threads => 2);
	my $until = Oracle::now() + rand 0.1;
	$driver->log_lines while Oracle::now() < $until;
	my $deadline = (0, 100, 5000)[ $n % 3 ];
	my ($status, $ms, $tally) = $driver->stop($deadline);
	push @unanswered, "stop $n" if $tally->{accepted} != $tally->{answered};
	push @twice, "stop $n" if $tally->{twice};
	push @late, "stop $n: $ms ms" if $ms > $deadline + 1500;
	push @took, $ms;
	$driver->destroy;
	$before //= left() if $n == 3;
}
is "@unanswered", '', 'every message is answered';
is "@twice", '', 'none twice';
is "@late", '', 'stop() keeps its deadline';
is left(), $before, 'no thread and no descriptor is left';
@took = sort { $a <=> $b } @took;
figure('T5.stops', $stops);
figure('T5.stop_p99_ms', $took[ $#took * 0.99 ]);
figure('T5.unanswered', scalar @unanswered);
is $driver->quit, 0, 'the host ends well';
done_testing;
