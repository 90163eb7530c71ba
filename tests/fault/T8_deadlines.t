# A message that cannot be answered, for the database is silent and there is no
# spool, is answered TIMEOUT by crm-host at its deadline: not before, and no more
# than 50 ms later than a timer that does nothing. That is in the same process, and
# its answers go the same way, so a busy machine delays both.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use HttpDriver;
use Oracle qw(size figure now);
use Process qw(wait_for);
use Proxy;
use Test::More;

my $messages = size(1000, 100);
my $deadline_s = 0.5;
my $cluster = Cluster->new;
$cluster->install_schema;
my $proxy = Proxy->new($cluster);
my $driver = HttpDriver->new(conninfo => $proxy->conninfo, commit_deadline_ms => 14_000,
	beside => 'http_timer', host => { request_timeout_ms => 1000 * $deadline_s });
my $oracle = Oracle->new(cluster => $cluster, driver => $driver);
$oracle->flow(calls => 20);
$oracle->settle;

$proxy->hole(1);
my %after_s = (call => $deadline_s, timer => $deadline_s - 0.1); # see http_timer.c
my (%sent, %late, %status);
my ($next, $left, $end) = (now(), $messages, now() + 120);
while (($left || %sent) && now() < $end) {
	if ($left && now() >= $next) {
		my %message = (call => Driver::log_message(session_id => "late$left"),
			timer => { path => '/timer', requestId => $left });
		for my $what (sort keys %message) {
			$driver->tell('submit', Driver::line($message{$what}));
			$sent{ $driver->last_id } = [ $what, now() ];
		}
		$next += 0.02;
		$left--;
	}
	my $line = $driver->next_line(0.002) // next;
	my ($id, $status) = $line =~ /^answer (\d+) (\S+)/ or next;
	my ($what, $when) = @{ delete $sent{$id} };
	push @{ $late{$what} }, 1000 * (now() - $when - $after_s{$what});
	$status{$status}++ if $what eq 'call';
}
$proxy->hole(0);
my @late = @{ $late{call} // [] };
my @timer_late = @{ $late{timer} // [] };
is scalar @timer_late, $messages, '(the timer answered as often)';
sub part { my ($part, @of) = @_; @of = sort { $a <=> $b } @of; return $of[ $part * $#of ] }
is_deeply \%status, { TIMEOUT => $messages }, "$messages messages are answered TIMEOUT";
cmp_ok part(0, @late), '>=', 0, 'none before its deadline';
cmp_ok part(0.5, @late), '<', part(0.9, @timer_late) + 50,
  'and by 50 ms after it, as far as timers are in time';
for ([ p50 => 0.5 ], [ p90 => 0.9 ], [ p99 => 0.99 ], [ max => 1 ]) {
	my ($name, $part) = @$_;
	figure("T8.late_${name}_ms", sprintf '%.1f', part($part, @late));
	figure("T8.timer_late_${name}_ms", sprintf '%.1f', part($part, @timer_late));
}
figure('T8.late_answers', scalar grep { $_ > part(1, @timer_late) + 50 } @late);
$oracle->conclude('T8', "$messages messages could not be answered by their deadline");
is $driver->quit, 0, 'the host ends well';
done_testing;
