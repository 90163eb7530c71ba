# Calls logged while the database is away are answered from the spool, and reach
# the database by themselves when it is back, once each.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Process qw(scratch wait_for);
use Test::More;
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my $cluster = Cluster->new(start => 0);
my $dir = scratch();
my $spool = "$dir/new/spool.db";
my $driver = Driver->new;
my @settings = (conninfo => $cluster->conninfo, spool => $spool, commit_deadline_ms => 1000);

sub rows { $cluster->psql("SELECT count(*) FROM call_log.calls WHERE $_[0]") }
sub lines { my ($name, $count, %option) = @_; return map { Driver::line(Driver::log_message(session_id => "$name-$_", %option), %option) } 1 .. $count }
sub drained { my ($driver) = @_; return $driver->health->{spool}{rows} == 0 }
sub await_drained { my ($driver) = @_; wait_for('the spool to be replayed', sub { drained($driver) }) }
sub outage_lines { map { /away|cannot be used/ ? 'away' : /back/ ? 'back' : () } $_[0]->log_lines }

# ------------------------------------------------------------ down at start
is $driver->create(@settings), undef, 'created without a database';
ok !-e "$dir/new", 'which makes no file';
is $driver->start, 'OK', 'started';
ok -f $spool, 'which makes the spool and its folder';
is sprintf('%o', (stat "$dir/new")[2] & 0777), '700', 'for nobody else';
is +($driver->log_call(session_id => 'first'))[0], 'OK', 'a call is logged while the database is down';
my $tally = $driver->burst([ lines('down', 1000) ]);
is $tally->{OK}, 1000, 'and 1,000 more';
cmp_ok $tally->{ms}, '<', 10_000, "without each waiting for its deadline ($tally->{ms} ms)";
my ($status, $answer, $ms) = $driver->log_call(session_id => 'late');
cmp_ok $ms, '<', 700, "once the outage is known a call is answered at once ($ms ms)";
wait_for('health to know', sub { $driver->health->{spool}{rows} == 1002 });
my $health = $driver->health;
is $health->{database}{state}, 'away', 'health says that the database is away';
is $health->{spooled}, 1002, 'how much was spooled';
is $health->{stored}, 0, 'and nothing stored';
cmp_ok $health->{spool}{bytes}, '>', 100_000, 'how large the spool is';
like $health->{spool}{oldest}, qr/^20\d\d-\d\d-\d\dT/, 'since when it holds something';
cmp_ok $health->{spool}{oldest_age_s}, '<', 300, 'and how long that is';
is $health->{queued}, 0, 'and that nothing waits in memory';

$cluster->start;
$cluster->install_schema;
await_drained($driver);
is rows(q(session_id LIKE 'down-%')), 1000, 'when the database is there all calls arrive by themselves';
is $cluster->psql('SELECT count(*) FROM call_log.calls'), 1002, 'once each';
$health = $driver->health;
is $health->{replayed}, 1002, 'health counts them as replayed';
is $health->{spool}{oldest}, undef, 'and knows that nothing is left';
like $driver->await_log(qr/is back/), qr/INFO the database is back after \d+ s, 1002 spooled events replayed/,
  'the log says that it is over and what was replayed';
is +(outage_lines($driver))[-1], 'back', 'and nothing after that';
is $driver->logged(session_id => 'live'), 'OK', 'the next call';
is $driver->health->{stored}, 1, 'is stored at once';

# --------------------------------------------- stopped and started under load
for my $mode (qw(fast immediate)) {
	@{ $driver->{log} } = ();
	my $name = "$mode-stop";
	$driver->begin_burst([ lines($name, 1000) ], repeat => 20, threads => 4);
	wait_for('some calls', sub { rows("session_id LIKE '$name-%'") > 100 });
	$cluster->stop($mode);
	$tally = $driver->end_burst;
	is $tally->{OK}, 20_000, "with the server stopped ($mode) meanwhile, each of 20,000 events is logged";
	cmp_ok $tally->{slowest_submit_us}, '<', 500_000, 'and none made the host wait';
	$cluster->start;
	await_drained($driver);
	is rows("session_id LIKE '$name-%'"), 1000, 'and each call is one row';
	wait_for('the end of the outage', sub { (outage_lines($driver))[-1] eq 'back' });
	is join(' ', outage_lines($driver)), 'away back', 'of which the log has two lines';
}

# ------------------------------------------- killed in the outage, and restarted
$cluster->stop;
is $driver->burst([ lines('killed', 500) ])->{OK}, 500, '500 calls are logged in an outage';
kill KILL => $driver->pid;
waitpid $driver->pid, 0;
$driver = Driver->new;
$driver->create(@settings);
is $driver->start, 'OK', 'after the host was killed it starts again in the same outage';
is $driver->burst([ lines('again', 100) ])->{OK}, 100, 'and logs';
$cluster->start;
await_drained($driver);
is rows(q(session_id LIKE 'killed-%')), 500, 'what the killed one had said to be logged is in the database';
is rows(q(session_id LIKE 'again-%')), 100, 'and what came after';

# ----------------------------------------------------- stopped in the outage
$cluster->stop;
is $driver->logged(session_id => 'known'), 'OK', 'the outage is known';
my @flood = lines('flood', 2000);
$driver->flood(\@flood, threads => 2);
# one of the two threads has been through all of them then
wait_for('all of them to be spooled', sub { $driver->health->{spooled} > 2 * @flood });
($status, $ms, $tally) = $driver->stop(10_000);
is $status, 'OK', 'stop() in an outage gives nothing up';
is $tally->{answered}, $tally->{accepted}, 'every call is answered';
is $tally->{OK}, $tally->{accepted}, 'as logged';
cmp_ok $ms, '<', 10_000, "before its deadline ($ms ms)";
$driver->destroy;
$driver->create(@settings);
$driver->start;
$driver->submit(Driver::log_message(session_id => 'hasty'));
($status, $ms, $tally) = $driver->stop(0);
is $status, 'OK', 'nor does it when there is no time';
is $tally->{OK}, 1, 'but spools what has come';
$driver->destroy;
$cluster->start;
$driver->create(@settings);
$driver->start;
await_drained($driver);
is rows(q(session_id = 'hasty')), 1, 'a host that starts replays what it finds';
is rows(q(session_id LIKE 'flood-%')), 2000, 'all of it';

# ---------------------------------------------------- two hosts, one spool file
$cluster->stop;
my $before = $driver->health->{replayed};
my $other = Driver->new;
$other->create(@settings);
is $other->start, 'OK', 'two processes share a spool';
is $driver->burst([ lines('mine', 300) ])->{OK}, 300, 'one logs in an outage';
is $other->burst([ lines('other', 300) ])->{OK}, 300, 'and the other';
$cluster->start;
wait_for('all of it', sub { rows(q(session_id LIKE 'mine-%' OR session_id LIKE 'other-%')) == 600 });
pass 'all of it arrives';
await_drained($_) for $driver, $other;
my $replayed = $driver->health->{replayed} - $before + $other->health->{replayed};
cmp_ok $replayed, '>=', 600, 'replayed by one of them';
cmp_ok $replayed, '<', 800, "and hardly by both ($replayed)";
$cluster->stop;
$other->burst([ lines('orphan', 100) ]);
kill KILL => $other->pid;
waitpid $other->pid, 0;
$cluster->start;
wait_for('the calls', sub { rows(q(session_id LIKE 'orphan-%')) == 100 });
pass 'what a killed process left another replays';

# ----------------------------------------------------------- 100,000 events
# Fewer under a sanitizer, which has seen all that there is to see by then.
my $part = ($ENV{BUILD} // '') =~ /[at]san/ ? 2_000 : 20_000;
my $all = 5 * $part;
await_drained($driver);
$cluster->stop;
my @many = lines('many', $part);
for my $round (1 .. 5) {
	my @lines = map { s/("sessionId":")many/$1many$round/r } @many;
	$tally = $driver->burst(\@lines, threads => 4);
	is $tally->{OK} + $tally->{refused}, $part, "part $round of $all events";
	$driver->burst(\@lines, threads => 2) while $tally->{refused} && $driver->health->{spooled} < $part * $round;
}
note "figure: events spooled a second ", int($part * 1000 / $tally->{ms});
$cluster->start;
my $start = clock_gettime(CLOCK_MONOTONIC);
wait_for('all calls', sub { drained($driver) }, 120);
my $seconds = clock_gettime(CLOCK_MONOTONIC) - $start;
note sprintf "figure: seconds from the return of the database to the last of $all spooled events %.1f", $seconds;
is rows(q(session_id LIKE 'many%')), $all, 'all arrive';
$driver->stop(5000);
$driver->destroy;
is $driver->quit, 0, 'the process ends well';
done_testing;
