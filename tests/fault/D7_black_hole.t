# Nothing passes any more over a connection that is there, and nobody is told: the
# other side is silent, it is stopped by SIGSTOP, or the network drops all packets.
# submit() must not notice; the plugin must, by the statement's deadline, or by
# tcp_user_timeout where that is sooner.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(start_driver figure now);
use Process qw(scratch wait_for);
use Proxy;
use Submits;
use Test::More;

my $cluster = Cluster->new;
$cluster->install_schema;
my $submits = Submits->new($cluster);

# A call whose statement may take longer than the kernel waits for the other side
# to acknowledge what was sent. It is under way while the rest goes on.
my $lost = Proxy->new($cluster);
my $patient = start_driver(conninfo => $lost->conninfo, spool => scratch() . '/spool.db',
	commit_deadline_ms => 14_000);
is $patient->logged(session_id => 'patient1'), 'OK', 'a call is logged';
$lost->drop(1);
my ($under_way) = $patient->submit(Driver::log_message(session_id => 'patient2'));

sub away { $_[0]->health->{database}{state} eq 'away' }

for my $case (
	[ D7 => 'whose other side is silent', sub { $_[0]->hole(1) }, sub { $_[0]->hole(0) } ],
	[ D7stop => 'whose other side is stopped by SIGSTOP',
		sub { kill STOP => $_[0]->pid }, sub { kill CONT => $_[0]->pid } ],
	[ D7drop => 'where the network drops all packets', sub { $_[0]->drop(1) }, sub { $_[0]->drop(0) } ],
) {
	my ($name, $what, $break, $mend) = @$case;
	my $proxy = Proxy->new($cluster);
	my $oracle = Oracle->new(cluster => $cluster, prefix => lc($name) . '_',
		driver => start_driver(conninfo => $proxy->conninfo, spool => scratch() . '/spool.db',
			commit_deadline_ms => 500));
	my $driver = $oracle->{driver};
	$oracle->flow(calls => 200);
	$oracle->settle;
	$break->($proxy);
	my $broken = now();
	$oracle->flow(calls => 50);
	wait_for('health to know', sub { $oracle->pump(0.01); away($driver) });
	figure("$name.detect_s", sprintf '%.2f', now() - $broken);
	pass "$name: health knows of a connection $what";
	$submits->compare($name, $oracle);
	$mend->($proxy);
	my $mended = now();
	wait_for('the database to be back', sub { $oracle->pump(0.02); !away($driver) }, 60);
	figure("$name.reconnected_s", sprintf '%.2f', now() - $mended);
	$oracle->flow(calls => 200);
	$oracle->conclude($name, "black hole over a connection $what");
	is $driver->quit, 0, "$name: the host ends well";
}

my ($status, undef, $ms) = $patient->answer($under_way);
is $status, 'OK', 'a call that waits for a dead connection is logged';
cmp_ok $ms, '<', 13_000, "before its statement's deadline of 14 s: the kernel gives the connection up ($ms ms)";
figure('D7timeout.detect_s', sprintf '%.2f', $ms / 1000);
$lost->drop(0);
wait_for('it to be in the database', sub {
	$cluster->psql(q(SELECT count(*) FROM call_log.calls WHERE session_id = 'patient2')) == 1 });
pass 'and gets into the database';
is $patient->quit, 0, 'its host ends well';
done_testing;
