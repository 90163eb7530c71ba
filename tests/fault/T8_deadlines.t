# A message that cannot be answered, for the database is silent and there is no
# spool, is answered TIMEOUT by crm-host at its deadline: not before, and no more
# than 50 ms later than a timer that does nothing, which a busy machine delays too.
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

my $messages = size(2000, 200);
my $deadline_s = 0.5;
my $cluster = Cluster->new;
$cluster->install_schema;
my $proxy = Proxy->new($cluster);
my $driver = HttpDriver->new(conninfo => $proxy->conninfo, commit_deadline_ms => 14_000,
	host => { request_timeout_ms => 1000 * $deadline_s });
my $oracle = Oracle->new(cluster => $cluster, driver => $driver);
$oracle->flow(calls => 20);
$oracle->settle;

# Both are seen by this process, so what delays it delays both.
$proxy->hole(1);
my (@timers, @timer_late, %sent, @late, %status);
my ($next, $left) = (now(), $messages);
while ($left || %sent || @timers) {
	if ($left && now() >= $next) {
		my $id = $driver->{next_id} + 1;
		$driver->tell('submit', Driver::line(Driver::log_message(session_id => "late$left")));
		$sent{$id} = $driver->{under_way}{$id}{sent};
		push @timers, $sent{$id} + $deadline_s;
		$next += 0.005;
		$left--;
	}
	my $wake = $timers[0];
	$wake = $next if $left && $next < $wake;
	my $line = $driver->next_line(!defined $wake ? 0.1 : $wake > now() ? $wake - now() : 0);
	my $now = now();
	push @timer_late, 1000 * ($now - shift @timers) while @timers && $timers[0] <= $now;
	if ($line && $line =~ /^answer (\d+) (\S+)/) {
		$status{$2}++;
		push @late, 1000 * ($now - delete($sent{$1}) - $deadline_s);
	}
	last if $now - $next > 60;
}
$proxy->hole(0);
sub part { my ($part, @of) = @_; @of = sort { $a <=> $b } @of; return $of[ $part * $#of ] }
is_deeply \%status, { TIMEOUT => $messages }, "$messages messages are answered TIMEOUT";
cmp_ok part(0, @late), '>=', 0, 'none before its deadline';
cmp_ok part(0.5, @late), '<', part(0.5, @timer_late) + 50, 'and by 50 ms after it';
for ([ p50 => 0.5 ], [ p99 => 0.99 ], [ max => 1 ]) {
	my ($name, $part) = @$_;
	figure("T8.late_${name}_ms", sprintf '%.1f', part($part, @late));
	figure("T8.timer_late_${name}_ms", sprintf '%.1f', part($part, @timer_late));
}
figure('T8.late_answers', scalar grep { $_ > part(1, @timer_late) + 50 } @late);
$oracle->conclude('T8', "$messages messages could not be answered by their deadline");
is $driver->quit, 0, 'the host ends well';
done_testing;
