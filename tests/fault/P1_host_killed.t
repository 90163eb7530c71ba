# The whole host process dies by SIGKILL at random moments, and is started again on
# the same spool; every third time while PostgreSQL is stopped, so that the spool
# is being written, and then replayed, when it dies.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(size start_driver figure now);
use Process qw(scratch);
use Test::More;

my $rounds = size(1000, 30);
my $cluster = Cluster->new;
$cluster->install_schema;
my %config = (conninfo => $cluster->conninfo, spool => scratch() . '/spool.db',
	commit_deadline_ms => 200);
my $oracle = Oracle->new(cluster => $cluster, driver => start_driver(%config));

for my $round (1 .. $rounds) {
	$cluster->stop('immediate') if $round % 6 == 3;
	$oracle->flow(seconds => rand 0.4, per_second => 1000);
	$oracle->kill_host;
	$cluster->start if $round % 6 == 5;
	$oracle->attach(start_driver(%config));
}
$cluster->start if !$cluster->running;
figure('P1.rounds', $rounds);
$oracle->conclude('P1', "the host killed by SIGKILL $rounds times", seconds => 120);
is $oracle->{driver}->quit, 0, 'the last host ends well';
done_testing;
