# A call is asked for the moment its logging was acknowledged: with the database
# there, while it goes, without it, while it comes back. It is always found.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Oracle qw(size start_driver figure spooled);
use Process qw(scratch wait_for);
use Test::More;

my $calls = size(20_000, 800);
my $window = 25;
my $cluster = Cluster->new;
$cluster->install_schema;
my $driver = start_driver(conninfo => $cluster->conninfo, spool => scratch() . '/spool.db',
	commit_deadline_ms => 500);

my (%asked, %missed, %refused);
my %change = (int($calls * 0.3) => 'stop', int($calls * 0.6) => 'start');
my $state = 'up';
for (my $n = 0; $n < $calls; $n += $window) {
	my (%log, %match);
	for my $i (1 .. $window) {
		my $id = 'm' . ($n + $i);
		my $message = Driver::log_message(session_id => $id);
		my ($request, $why) = $driver->submit($message, agent => "agent$i");
		defined $request ? $log{$request} = [ $id, "agent$i" ] : $refused{$why}++;
		if (my $what = $change{ $n + $i }) {
			$what eq 'stop' ? $cluster->stop('immediate') : $cluster->start;
			$state = $what eq 'stop' ? 'down' : 'back';
		}
	}
	for my $request (sort { $a <=> $b } keys %log) {
		my ($status) = $driver->answer($request);
		if ($status ne 'OK') { $refused{$status}++; next }
		my ($id, $agent) = @{ $log{$request} };
		my ($question) = $driver->submit(Driver::match_message($id), agent => $agent);
		$match{$question} = $id;
	}
	for my $question (sort { $a <=> $b } keys %match) {
		my ($status, $answer) = $driver->answer($question);
		$asked{$state}++;
		$missed{$state}++
		  if $status ne 'OK' || !@{ $answer->{response}{data}{ $match{$question} } // [] };
	}
}
my $asked = 0;
for my $when (qw(up down back)) {
	cmp_ok $asked{$when} // 0, '>', $calls / 5, "$asked{$when} calls were asked for, the database being $when";
	is $missed{$when} // 0, 0, 'all of them were found';
	$asked += $asked{$when};
}
is join(' ', %refused), '', 'none was refused';
wait_for('the spool to be empty', sub { spooled($driver) == 0 });
is $cluster->psql(q(SELECT count(*) || ' ' || count(DISTINCT session_id) FROM call_log.calls)),
  "$asked $asked", 'and each is one row in the end';
is $driver->logged(session_id => 'works'), 'OK', 'afterwards a call is logged';
ok @{ $driver->match(['works'])->{works} }, 'and found';
my $misses = 0;
$misses += $_ for values %missed;
figure('T4.misses', $misses);
figure('T4.fault', 'asked for right after each acknowledgement, PostgreSQL there and away');
figure('T4.acknowledged', $asked);
figure('T4.lost', $misses);
figure('T4.doubled', 0);
figure('T4.longest_wait_us', sprintf '%.0f', $driver->times->{own_max_us});
is $driver->quit, 0, 'the host ends well';
done_testing;
