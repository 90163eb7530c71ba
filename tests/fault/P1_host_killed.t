# The whole host process dies by SIGKILL at random moments, and is started again on
# the same spool; half of the time PostgreSQL is stopped, so that the spool is
# being written, and then replayed, when it dies. In turns a bare host with the
# plugin, and crm-host with a client that writes down what HTTP acknowledged.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use HttpDriver;
use Oracle qw(size start_driver figure spooled);
use Process qw(scratch wait_for);
use Test::More;

my $rounds = size(500, 15); # of each kind
my $cluster = Cluster->new;
$cluster->install_schema;
my @config = map { { conninfo => $cluster->conninfo, spool => scratch() . '/spool.db',
		commit_deadline_ms => 200 } } 0, 1;
my $bare = Oracle->new(cluster => $cluster, prefix => 'bare', driver => start_driver(%{ $config[0] }));
my $http = Oracle->new(cluster => $cluster, prefix => 'http', driver => HttpDriver->new(%{ $config[1] }));

my ($spooling, $most) = (0, 0);
for my $round (1 .. $rounds) {
	$cluster->stop('immediate') if $round % 6 == 2;
	for my $oracle ($bare, $http) {
		# back again: what was spooled by those who died is replayed meanwhile
		$cluster->start if $round % 6 == 5 && $oracle == $http;
		$oracle->flow(seconds => rand size(0.4, 0.2), per_second => 1000);
		my $rows = $oracle == $http ? spooled($oracle->{driver}) : 0;
		$spooling++ if $rows;
		$most = $rows if $rows > $most;
		$oracle->kill_host;
		$oracle->attach($oracle == $bare ? start_driver(%{ $config[0] })
			: $oracle->{driver}->start_again);
	}
}
$cluster->start if !$cluster->running;
cmp_ok $spooling, '>', $rounds / 6, "crm-host died $spooling times with calls in its spool";
figure('P1http.spooled_most', $most);
for ([ P1 => $bare, 'a host' ], [ P1http => $http, 'crm-host' ]) {
	my ($name, $oracle, $what) = @$_;
	is $oracle->{killed}, $rounds, "$what was killed $rounds times";
	figure("$name.rounds", $rounds);
	$oracle->conclude($name, "$what killed by SIGKILL $rounds times", seconds => 120);
	ok eval { wait_for('the spool to be empty', sub { spooled($oracle->{driver}) == 0 }) },
	  'its spool is empty in the end';
	is $oracle->{driver}->quit, 0, 'the last one ends well';
}
done_testing;
