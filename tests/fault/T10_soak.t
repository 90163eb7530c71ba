# Calls flow at a steady pace, through a proxy and a pooler, and each is asked for as
# soon as it is acknowledged; every ten seconds something breaks and is mended some
# seconds later. Then the database is away for two minutes. SOAK=3600 takes an hour.
use v5.32;
use warnings;
use lib 'tests/lib';
use Bouncer;
use Cluster;
use List::Util qw(max min shuffle sum);
use Oracle qw(full size start_driver figure spooled now);
use Process qw(scratch slurp wait_for);
use Proxy;
use Test::More;

my $seconds = $ENV{SOAK} // size(300, 6);
my $every = $seconds >= 60 ? 10 : 0.5;
my $pace = 100;
my $mine = q(FROM pg_stat_activity WHERE application_name = 'call_log');

my $cluster = Cluster->new;
$cluster->install_schema;
my $bouncer = Bouncer->new($cluster, settings => { server_login_retry => 1 });
my $proxy = Proxy->new($bouncer);
my $folder = scratch() . '/spool';
my %config = (conninfo => $proxy->conninfo, listen_conninfo => $cluster->conninfo,
	spool => "$folder/spool.db", commit_deadline_ms => 500, match_deadline_ms => 1000);
my $oracle = Oracle->new(cluster => $cluster, driver => start_driver(%config), match => 1);

# ------------------------------------------------------------- what is watched
my @lines;
sub host { $oracle->{driver} }

# The log of hosts that are gone, and of the one there is.
sub log_lines { return @lines, host()->log_lines }

sub new_host {
	push @lines, host()->log_lines;
	$oracle->attach(start_driver(%config));
}

sub count_min {
	my ($kind) = @_;
	return min map { $oracle->pump(0.05); scalar(() = glob '/proc/' . host()->pid . "/$kind/*") } 1 .. 5;
}

# What the process takes, less what the driver itself notes of each message (21
# bytes), and what is open for a moment only.
sub usage {
	my $pid = host()->pid;
	my ($rss) = slurp("/proc/$pid/status") =~ /^VmRSS:\s+(\d+)/m;
	return { pid => $pid, at => now(), rss_kb => $rss - $oracle->note_times->{next} * 21 / 1024,
		map { $_ => count_min($_) } qw(fd task) };
}

sub calm {
	my $health = host()->health;
	return $health->{database}{state} eq 'ok' && $health->{listener} eq 'ok'
	  && $health->{spool}{rows} == 0;
}

# ------------------------------------------------------------------ the faults
sub to_backends { $cluster->try_psql("SELECT $_[0] $mine") }
my $locker;
my @faults = (
	[ 'PostgreSQL stopped', sub { $cluster->stop('fast') }, sub { $cluster->start } ],
	[ 'PostgreSQL stopped at once', sub { $cluster->stop('immediate') }, sub { $cluster->start } ],
	[ 'PostgreSQL killed', sub { $cluster->kill9 }, sub { $cluster->start } ],
	[ 'connections closed', sub { $proxy->close_all }, sub { } ],
	[ 'connections cut amid an answer', sub { $proxy->cut(1 + int rand 300) }, sub { $proxy->cut(-1) } ],
	[ 'black hole', sub { $proxy->hole(1) }, sub { $proxy->hole(0) } ],
	[ 'slow network', sub { $proxy->delay(300) }, sub { $proxy->delay(0) } ],
	[ 'backends terminated', sub { to_backends('pg_terminate_backend(pid)') }, sub { } ],
	[ 'backend killed', sub { kill KILL => (to_backends('pid'))[1] =~ /(\d+)/ }, sub { } ],
	[ 'pooler killed', sub { $bouncer->kill9 }, sub { $bouncer->start } ],
	[ 'table locked', sub {
		$locker = Process->spawn([ $cluster->bin('psql'), '-XqAt', '-d', $cluster->conninfo,
			'-c', 'BEGIN; LOCK TABLE call_log.calls; SELECT pg_sleep(60)' ]);
	}, sub { $cluster->try_psql(q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(60)'
		AND pid <> pg_backend_pid())) } ],
);
my $host_killed = [ 'host killed', sub { $oracle->kill_host; new_host() }, sub { } ];

my %made;
sub suffer {
	my ($name, $break, $mend) = @{ $_[0] };
	my $start = now();
	my $from = $start + $every * rand 0.2;
	my $until = $from + $every * (0.1 + rand 0.4);
	my $state = 0;
	$made{$name}++;
	$oracle->flow(seconds => $every, per_second => $pace, at => sub {
		if ($state == 0 && now() >= $from) { $break->(); $state = 1 }
		elsif ($state == 1 && now() >= $until) { $mend->(); $state = 2 }
	});
	$mend->() if $state == 1;
	# Slower: a crowded machine may spool as fast as it replays.
	my $end = now() + 60;
	$oracle->flow(seconds => 0.1, per_second => $pace / 5) while !calm() && now() < $end;
	ok calm(), "$name: all is well again" or diag explain host()->health;
}

# So many calls are remembered; only when each was also found does memory stop
# growing.
sub warm_up {
	for my $part (1 .. 5) {
		my @ids = map { "k$part-$_" } 1 .. 20_000;
		my @log = map { Driver::line(Driver::log_message(session_id => $_,
			body => { triggerType => 'logForm', note => "note 1 of $_" }), agent => 'agent1') } @ids;
		my @match = map { Driver::line(Driver::match_message(splice @ids, 0, 100), agent => 'agent1') } 1 .. 200;
		my @all = map { host()->burst($_, threads => 2)->{all} } \@log, \@match;
		is "@all", '1 1', "part $part of 100,000 calls to be remembered";
	}
}

my $rounds = int $seconds / $every;
my $seed = $ENV{SEED} // time;
srand $seed;
note "SEED=$seed";
my (@queue, @usage);
for my $round (1 .. $rounds) {
	@queue = shuffle(@faults) if !@queue;
	# not later: of one process only can be said whether it grows
	suffer($round <= $rounds / 3 && $round % 4 == 2 ? $host_killed : shift @queue);
	if ($every == 10 && $round == int $rounds / 3) {
		$oracle->settle;
		warm_up();
		@usage = ();
	}
	push @usage, usage();
}
figure('T10.faults', join ', ', map { "$_ $made{$_}" } sort keys %made);

# ----------------------------------------------------------- what is left of it
@usage = grep { $_->{pid} == host()->pid } @usage;
my @half = splice @usage, int(@usage / 2);
for my $what ([ fd => 'descriptors' ], [ task => 'threads' ]) {
	my ($key, $name) = @$what;
	my ($before, $after) = map { max map { $_->{$key} } @$_ } \@usage, \@half;
	figure("T10.$name", "$before $after");
	cmp_ok $after, '<=', $before, "as many $name as before ($before)";
}

# The line through the second half, against what is off it.
my ($at, $rss) = map { my $key = $_; sum(map { $_->{$key} } @half) / @half } qw(at rss_kb);
my $spread = sum map { ($_->{at} - $at)**2 } @half;
my $slope = $spread ? sum(map { ($_->{at} - $at) * ($_->{rss_kb} - $rss) } @half) / $spread : 0;
my $noise = sqrt(sum(map { ($_->{rss_kb} - $rss - $slope * ($_->{at} - $at))**2 } @half) / @half);
my $grown = $slope * ($half[-1]{at} - $half[0]{at});
figure('T10.rss_kb', join ' ', map { int $_->{rss_kb} } @usage, @half);
figure('T10.rss_kb_an_hour', sprintf '%.0f', $slope * 3600);
figure('T10.rss_noise_kb', sprintf '%.0f', $noise);
cmp_ok $grown, '<', 128 + 3 * $noise, 'memory is flat' if $every == 10;

my @said = log_lines();
figure('T10.log_lines', scalar @said);
# An outage has a first and a last line, and none here lasted for a minute.
cmp_ok scalar(@said), '<=', 2 * $rounds, 'the log has no more than two lines for each fault' or diag join "\n", @said;

# ---------------------------------------------------------- away for two minutes
if ($every == 10) {
	my $outage = 130;
	$cluster->stop('fast');
	my $start = now();
	$oracle->flow(seconds => $outage, per_second => $pace);
	$cluster->start;
	wait_for('the end of the outage', sub { $oracle->pump(0.1); calm() }, 60);
	my @new = splice @{ [ log_lines() ] }, scalar @said;
	my $lasted = now() - $start;
	figure('T10.outage_s', sprintf '%.0f', $lasted);
	figure('T10.outage_lines', scalar @new);
	cmp_ok scalar(@new), '<=', 2 + int($lasted / 60), 'and of a longer outage one more a minute' or diag join "\n", @new;
	like $new[-1], qr/is back after \d+ s, \d+ spooled events replayed/, 'the last of which says what was replayed';
}

$oracle->conclude('T10', "$rounds faults in " . int($seconds) . ' s, of ' . keys(%made) . ' kinds', seconds => 120);
wait_for('the spool to be empty', sub { spooled(host()) == 0 });
pass 'the spool is empty';
is((host()->stop(5000))[0], 'OK', 'stopped');
host()->destroy;
is host()->quit, 0, 'the host ends well';
opendir my $dir, $folder or die "$folder: $!";
is join(' ', grep { !/^\.|^spool\.db(?:-journal|\.lock|\.known|\.known-journal)?$/ } readdir $dir), '',
  'no other file is left than those in use';
done_testing;
