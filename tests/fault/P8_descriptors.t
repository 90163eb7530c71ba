# Descriptors run out: with each small limit at the start, and while the plugin
# works. It refuses or serves, keeps nothing, wastes no processor time, and
# recovers when there are descriptors again. And a host that has 2,000 of them open.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use CrmHost;
use Driver;
use Oracle qw(full size start_driver figure now);
use Http;
use POSIX ();
use Process qw(run_ok scratch slurp wait_for);
use Test::More;

my $free = 1024;
my $cluster = Cluster->new;
$cluster->install_schema;

# The soft limit of a process that runs; what is open stays so.
sub limit {
	my ($pid, $descriptors) = @_;
	run_ok([ 'prlimit', '--pid', $pid, "--nofile=$descriptors:" ]);
}
sub open_ones { my ($pid) = @_; return scalar(() = glob "/proc/$pid/fd/*") }

sub cpu_s {
	my ($pid) = @_;
	my ($user, $system) = slurp("/proc/$pid/stat") =~ /\) \S+(?: \S+){10} (\d+) (\d+)/;
	return ($user + $system) / POSIX::sysconf(POSIX::_SC_CLK_TCK());
}

# ------------------------------------------------------------ from the start
my %config = (conninfo => $cluster->conninfo, spool => scratch() . '/spool.db',
	commit_deadline_ms => 200);
my $oracle = Oracle->new(cluster => $cluster, driver => start_driver(%config));
my $driver = $oracle->{driver};
my $pid = $driver->pid;
$oracle->flow(calls => 4);
$oracle->settle;
sub end { $driver->stop(5000); $driver->destroy }
end();
my $kept = open_ones($pid);
my @sizes = full() ? ($kept - 1 .. $kept + 16) : map { $kept + $_ } 0, 2, 5, 9;
my %count;
for my $size (@sizes) {
	for my $database (full() ? qw(there away) : $size % 2 ? 'there' : 'away') {
		$cluster->stop('immediate') if $database eq 'away';
		limit($pid, $size);
		my $lines = () = $driver->log_lines;
		my $why = $driver->create(%config);
		my $started = defined $why ? 'no' : $driver->start;
		if (defined $why) {
			isnt $why, '', "with $size descriptors create() refuses and says why";
			$count{'refused by create()'}++;
		} elsif ($started ne 'OK') {
			my @said = $driver->log_lines;
			@said = grep { /^ERROR/ } @said[ $lines .. $#said ];
			is scalar @said, 1, "with $size descriptors start() refuses in one line"
			  or diag join "\n", @said;
			$driver->destroy;
			$count{'refused by start()'}++;
		} else {
			$oracle->flow(calls => 3);
			my $end = now() + 20;
			$oracle->pump(0.02) while $oracle->open_count && now() < $end;
			is $oracle->open_count, 0, "with $size descriptors it starts, and answers everything";
			my ($status) = $driver->call(Driver::match_message('c1'), agent => 'agent1');
			is $status, 'OK', 'matches too';
			$count{started}++;
		}
		limit($pid, $free);
		$cluster->start if $database eq 'away';
		if ($started ne 'OK') {
			is $driver->create(%config), undef, 'with more of them it is created';
			is $driver->start, 'OK', 'and starts';
		}
		$oracle->settle;
		ok eval { wait_for('the database to be known to be there', sub {
			$driver->logged(session_id => "after$size") eq 'OK'
			  && $driver->health->{database}{state} eq 'ok' }) }, 'and recovers';
		end();
		is open_ones($pid), $kept, 'and leaves no descriptor open';
	}
}
figure("P8.$_->[0]", $count{ $_->[1] } // 0)
  for [ refused_by_create => 'refused by create()' ], [ refused_by_start => 'refused by start()' ],
  [ started => 'started' ];
cmp_ok $count{'refused by start()'} // 0, '>', 0, 'with few descriptors it does not start';
cmp_ok $count{started} // 0, '>', 0, 'with some more it does';

# -------------------------------------------------------------- while working
$driver->create(%config);
$driver->start;
my $rounds = size(3, 1);
my $busiest = 0;
for my $round (1 .. $rounds) {
	for my $spare (full() ? (0 .. 3) : (0, 2)) {
		$oracle->flow(calls => 20);
		$oracle->settle;
		limit($pid, $kept + $spare);
		$cluster->restart('immediate'); # its connections are gone
		my ($cpu, $began) = (cpu_s($pid), now());
		$oracle->flow(seconds => 1, per_second => 20);
		my $part = (cpu_s($pid) - $cpu) / (now() - $began);
		$busiest = $part if $part > $busiest;
		limit($pid, $free);
		$oracle->settle;
	}
}
cmp_ok $busiest, '<', 0.5, sprintf 'without descriptors it used %.0f %% of a processor', 100 * $busiest;
figure('P8.cpu_percent', sprintf '%.0f', 100 * $busiest);
$oracle->conclude('P8', 'descriptors run out, at the start and while the host works');
is $driver->quit, 0, 'the host ends well';

# ------------------------------------------------------------ 2,000 are open
$driver = Driver->new(prefix => [ '/bin/sh', '-c', 'ulimit -S -n 4096; exec "$0" "$@"',
		$^X, '-e', '$^F = 10000; open $f[$_], "<", "/dev/null" or die $! for 0 .. 1999;'
		  . 'exec { $ARGV[0] } @ARGV' ]);
$driver->create(%config, spool => scratch() . '/spool.db');
is $driver->start, 'OK', 'a host with 2,000 open descriptors starts the plugin';
cmp_ok open_ones($driver->pid), '>', 2000, 'it has them';
$oracle = Oracle->new(cluster => $cluster, driver => $driver, prefix => 'many');
for my $round (1 .. size(10, 1)) {
	$oracle->flow(calls => 50);
	$cluster->restart($round % 2 ? 'fast' : 'immediate');
	$oracle->flow(calls => 50);
	$oracle->settle;
}
$oracle->conclude('P8many', 'a host with 2,000 open descriptors, PostgreSQL restarted');
is $driver->quit, 0, 'it ends well';

# ------------------------------------------------------------ the real host
my $host = CrmHost->start;
$pid = $host->process->pid;
limit($pid, $host->descriptors + 4);
my @clients = map { Http->new($host->port) } 1 .. 20;
$_->write(CrmHost::post_bytes(CrmHost::envelope({ path => '/echo' }))) for @clients;
my $served = 0;
for my $client (@clients) {
	$served++ if $client->read_answer->{status} == 200;
	$client->close;
}
is $served, 20, 'crm-host with 4 descriptors left serves 20 clients, some after others';
limit($pid, $free);
is $host->post('/echo')->{status}, 200, 'and goes on when it has more';
is $host->stop, 0, 'and stops in order';
done_testing;
