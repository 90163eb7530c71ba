# Nothing passes any more, and nobody is told: over an established connection (the
# proxy is silent; the proxy is stopped by SIGSTOP), and to one that is being made.
# submit() must not notice.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(size start_driver figure now);
use Process qw(scratch wait_for);
use Proxy;
use Test::More;

my $calls = size(5_000, 1_000);
my $cluster = Cluster->new;
$cluster->install_schema;
my $proxy = Proxy->new($cluster);

# Submits whatever becomes of it, and waits for the answers. Judged is the time of
# submits that waited by themselves: a busy machine puts every thread aside now and
# then. What the clock says is printed, the best of five bursts first.
sub submit_times {
	my ($oracle, $name) = @_;
	my ($driver, @times) = ($oracle->{driver});
	for my $n (1 .. 5) {
		my @lines = map { Driver::line(Driver::log_message(session_id => "$name$n-$_")) } 1 .. $calls;
		is $driver->burst(\@lines, threads => 1)->{all}, 1, "$name: every call is answered";
		push @times, $oracle->note_times;
	}
	@times = sort { $a->{p999_us} <=> $b->{p999_us} } @times;
	for my $key (qw(p50_us p999_us max_us waits waited_p999_us own_p999_us)) {
		figure("$name.submit_$key", join ' ', map { $_->{$key} } @times);
	}
	my ($worst) = sort { $b->{waited_p999_us} <=> $a->{waited_p999_us} } @times;
	return { %{ $times[0] }, waited_p999_us => $worst->{waited_p999_us} };
}

my $healthy;
for my $case (
	[ D7 => 'an established connection', sub { $proxy->hole(1) }, sub { $proxy->hole(0) } ],
	[ D7stop => 'an established connection whose other side is stopped by SIGSTOP',
		sub { kill STOP => $proxy->pid }, sub { kill CONT => $proxy->pid } ],
	[ D8 => 'a new connection', sub { $proxy->hole(1); }, sub { $proxy->hole(0) } ],
) {
	my ($name, $what, $break, $mend) = @$case;
	my %config = (conninfo => $proxy->conninfo, spool => scratch() . '/spool.db',
		commit_deadline_ms => 500);
	$break->() if $name eq 'D8';
	my $oracle = Oracle->new(cluster => $cluster, prefix => lc($name) . '-',
		driver => start_driver(%config));
	my $driver = $oracle->{driver};
	if ($name ne 'D8') {
		$oracle->note_times;
		$healthy = submit_times($oracle, "${name}_healthy");
		$oracle->flow(calls => 200);
		$break->();
	}
	$oracle->flow(seconds => 1, per_second => 200);
	$oracle->settle;
	$oracle->note_times;
	my $times = submit_times($oracle, $name);
	cmp_ok $times->{waited_p999_us}, '<', 1000,
	  "$name: of 1,000 submits 999 waited for less than a millisecond with a black hole at $what";
	cmp_ok $times->{p50_us}, '<', 3 * $healthy->{p50_us} + 20, "$name: and half of them were as fast as ever";
	wait_for('health to know', sub { $driver->health->{database}{state} eq 'away' });
	pass "$name: health knows";
	$mend->();
	my $mended = now();
	wait_for('the database to be back', sub {
		$oracle->pump(0.02);
		$driver->health->{database}{state} eq 'ok';
	}, 60);
	figure("$name.reconnected_s", sprintf '%.2f', now() - $mended);
	$oracle->flow(calls => 200);
	$oracle->conclude($name, "black hole at $what");
	is $driver->quit, 0, "$name: the host ends well";
}
done_testing;
