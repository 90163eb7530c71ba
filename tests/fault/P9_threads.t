# Threads or memory are not to be had: the Nth thread cannot be created, the user
# may have no more processes, the address space is too small. create() and start()
# refuse with one line, or all works; nothing crashes and nothing is left behind.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use CrmHost;
use Driver;
use Oracle qw(full size start_driver figure);
use POSIX ();
use Process qw(built run run_ok scratch slurp unprivileged);
use Test::More;

my $cluster = Cluster->new;
$cluster->install_schema;
my %config = (conninfo => $cluster->conninfo, spool => scratch() . '/spool.db');
my $oracle = Oracle->new(cluster => $cluster, driver => start_driver(%config));
my $driver = $oracle->{driver};
sub left { join ' ', map { scalar(() = glob "/proc/$driver->{pid}/$_/*") } qw(task fd) }
sub end { $driver->stop(10_000); $driver->destroy }

# What the plugin says of a start that must fail, as errors.
sub refusal {
	my ($driver) = @_;
	my $before = () = $driver->log_lines;
	my $status = $driver->start;
	my @lines = $driver->log_lines;
	return ($status, grep { /^ERROR/ } @lines[ $before .. $#lines ]);
}

$oracle->flow(calls => 10);
$oracle->settle;
end();
my $before = left();
my $failures = 0;
for my $round (1 .. size(20, 2)) {
	for my $n (1 .. 3) {
		$driver->create(%config);
		$driver->fail_thread($n);
		my ($status, @lines) = refusal($driver);
		is $status, 'FAILED', "when thread $n cannot be created start() refuses";
		is scalar @lines, 1, 'with one line' or diag join "\n", @lines;
		like $lines[0], qr{cannot create the thread call_log/\w+: Resource temporarily unavailable},
		  'that says which and why';
		$driver->destroy;
		is left(), $before, 'and leaves neither thread nor descriptor';
		$failures++;
	}
}
$driver->create(%config);
is $driver->start, 'OK', 'with threads it starts';
$oracle->flow(calls => 10);
$oracle->conclude('P9', "a thread could not be created $failures times");
is $driver->quit, 0, 'the host ends well';

# ---------------------------------------------------------- RLIMIT_NPROC
# Root has no limit, so it becomes somebody else; a user of whom nothing runs but
# this, for others' processes would count.
my @nobody = unprivileged() ? qw(setpriv --reuid=64123 --regid=64123 --clear-groups) : ();
my @no_process = (@nobody, qw(prlimit --nproc=1 --));
my $dir = scratch();
for my $name (qw(tests/hosts/driver call_log.so crm-host)) {
	run_ok([ qw(install -m 755), built($name), $dir ]);
}
$driver = Driver->new(prefix => \@no_process, program => "$dir/driver", plugin => "$dir/call_log.so");
$driver->create(conninfo => $cluster->conninfo);
my ($status, @lines) = refusal($driver);
is $status, 'FAILED', 'without a process to spare start() refuses';
is scalar @lines, 1, 'with one line' or diag join "\n", @lines;
$driver->destroy;
is $driver->quit, 0, 'and the host ends well';
my ($exit, $out, $err) = run([ @no_process, "$dir/crm-host", '--config', CrmHost::write_config ],
	seconds => 30);
ok $exit > 0 && $exit < 128, "crm-host itself ends with $exit";
is scalar(() = $err =~ /^\S+ error /mg), 1, 'and one line' or diag $err;

# ------------------------------------------------------------ RLIMIT_AS
# Given so much more than the host has in use. Sanitizers need theirs.
if ((run([ 'nm', '-D', built('call_log.so') ]))[1] !~ /__[at]san_/) {
	my (%seen, @bad);
	# a spool that cannot be opened has a line of its own
	for my $kb (map { 512 * $_ } full() ? 0 .. 136 : map { 6 * $_ } 0 .. 16) {
		# a new one: stacks of threads that ended are kept for the next
		$driver = Driver->new;
		$driver->signals(0); # it has loaded the plugin now
		$before = left();
		my ($pages) = slurp('/proc/' . $driver->pid . '/statm') =~ /^(\d+)/;
		limit_memory($pages * POSIX::sysconf(POSIX::_SC_PAGESIZE()) + 1024 * $kb);
		my $why = $driver->create(%config);
		my ($status, @lines) = defined $why ? '' : refusal($driver);
		limit_memory('unlimited');
		push @bad, "$kb kB: create() gives no reason" if defined $why && $why eq '';
		push @bad, "$kb kB: start() says " . @lines . " lines: @lines"
		  if $status eq 'FAILED' && (@lines == 0 || @lines > 3);
		$seen{ defined $why ? 'refused_by_create' : $status eq 'OK' ? 'started' : 'refused_by_start' }++;
		if ($status eq 'OK') {
			push @bad, "$kb kB: it does not work" if $driver->logged(session_id => "as$kb") ne 'OK';
			$driver->stop(10_000);
		}
		$driver->destroy if !defined $why;
		push @bad, "$kb kB: left " . left() . " of $before" if left() ne $before;
		my $ended = $driver->quit;
		push @bad, "$kb kB: the host ended with $ended" if $ended;
	}
	is "@bad", '', 'with little memory it is refused with a reason, or works, and nothing is left';
	cmp_ok $seen{started} // 0, '>', 0, 'with enough of it, it works';
	cmp_ok $seen{refused_by_start} // 0, '>', 0, 'with too little for threads start() refuses';
	figure("P9.memory_$_", $seen{$_} // 0) for sort keys %seen;
}
done_testing;

sub limit_memory { run_ok([ 'prlimit', '--pid', $driver->pid, "--as=$_[0]:" ]) }
