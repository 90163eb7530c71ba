# The wall clock jumps: by a day, to 1970, over the change of summer time, far
# ahead; while all is well, and while the plugin waits to try the database again.
# What waits goes by the monotonic clock and does not notice.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Oracle qw(full size start_driver figure now spooled);
use Process qw(scratch wait_for);
use Test::More;
use Time::HiRes qw(time);

my $day = 86400;
my $summer = 1_774_746_000; # 2026-03-29 01:00:00 UTC: 2 o'clock becomes 3 in Berlin
my $winter = 1_792_890_000; # 2026-10-25 01:00:00 UTC: 3 o'clock becomes 2
# what the clock shows before, and from some moment of the outage on
my @jumps = (
	[ 'none', sub { 0 }, sub { 0 } ],
	[ 'a day ahead', sub { 0 }, sub { time + $day } ],
	[ 'a day back', sub { time + $day }, sub { time } ],
	[ 'back to 1970', sub { 0 }, sub { 1 } ],
	[ 'from 1970 to now', sub { 1 }, sub { 0 } ],
	[ 'over the change to summer time', sub { $summer - 1 }, sub { $summer + 1 } ],
	[ 'over the change to winter time', sub { $winter - 1 }, sub { $winter + 1 } ],
	[ 'a step of 0.7 s', sub { 0 }, sub { time - 0.7 } ],
	[ 'to 2100', sub { 0 }, sub { 4_102_444_800 } ],
);
@jumps = @jumps[ 0, 1, 3 ] if !full();
my $rounds = size(3, 1);

local $ENV{TZ} = 'Europe/Berlin';
my $cluster = Cluster->new;
$cluster->install_schema;
my %config = (conninfo => $cluster->conninfo, spool => scratch() . '/spool.db',
	commit_deadline_ms => 300);
my $oracle = Oracle->new(cluster => $cluster, driver => start_driver(%config));
my $driver = $oracle->{driver};
my ($slowest, $usual, $jumps) = (0, 0, 0);

sub recovered {
	my ($what, $condition) = @_;
	my $start = now();
	my $done = eval { wait_for($what, sub { $oracle->pump(0.01); $condition->() }, 30) };
	return $done ? now() - $start : undef;
}

for my $round (1 .. $rounds) {
	for my $jump (@jumps) {
		my ($name, $before, $after) = @$jump;
		$driver->set_wall($before->());
		$oracle->flow(calls => 40);
		$oracle->settle;
		$driver->set_wall($after->());
		$oracle->flow(calls => 40);
		$oracle->settle;
		is $driver->logged(session_id => "unsent$round-$jumps"), 'OK',
		  "clock $name: a message without a time of its own is logged";
		ok @{ $driver->match(["unsent$round-$jumps"])->{"unsent$round-$jumps"} }, 'and found';

		$driver->set_wall($before->());
		$cluster->stop('immediate');
		$oracle->flow(calls => 40);
		$oracle->settle;
		wait_for('the outage to be known', sub { $driver->health->{database}{state} eq 'away' });
		$driver->set_wall($after->());
		$oracle->flow(calls => 40);
		$oracle->settle;
		$cluster->start;
		my $took = recovered('the spool to be empty',
			sub { spooled($driver) == 0 && $driver->health->{database}{state} eq 'ok' });
		ok defined $took, "clock $name, while waiting for the database: no stall"
		  or diag join "\n", $driver->log_lines;
		$took //= 30;
		$name eq 'none' ? ($usual = $took) : ($slowest = $took > $slowest ? $took : $slowest);
		$jumps++;
	}
}
# stop() waits as well.
$driver->set_wall(time + $day);
my ($status, $ms) = $driver->stop(5000);
is $status, 'OK', 'stop() does not notice either';
figure('T3.stop_ms', $ms);
is scalar(() = grep { /^ERROR/ } $driver->log_lines), 0, 'nothing was complained of as an error'
  or diag join "\n", $driver->log_lines;
$driver->destroy;
is $driver->quit, 0, 'the host ends well';
$oracle->attach(start_driver(%config));
figure('T3.jumps', $jumps);
figure('T3.recovery_usual_s', sprintf '%.2f', $usual);
figure('T3.recovery_slowest_s', sprintf '%.2f', $slowest);
$oracle->conclude('T3', "the wall clock jumped $jumps times");
is $oracle->{driver}->quit, 0, 'the host ends well';
done_testing;
