# The server is pgbouncer in transaction mode, which is restarted while calls flow.
use v5.32;
use warnings;
use lib 'tests/lib';
use Bouncer;
use Cluster;
use Oracle qw(size start_driver figure);
use Process qw(scratch);
use Test::More;

my $rounds = size(20, 3);
my $cluster = Cluster->new;
$cluster->install_schema;
my $bouncer = Bouncer->new($cluster);
my $oracle = Oracle->new(cluster => $cluster, driver => start_driver(
	conninfo => $bouncer->conninfo, listen_conninfo => $cluster->conninfo,
	spool => scratch() . '/spool.db'));
for my $round (1 .. $rounds) {
	$oracle->flow(seconds => 0.3, per_second => 1500);
	$bouncer->kill9;
	$oracle->flow(seconds => 0.3, per_second => 1000);
	$bouncer->start;
	$oracle->settle;
}
figure('D13.rounds', $rounds);
$oracle->conclude('D13', "pgbouncer killed and restarted $rounds times");
is $oracle->{driver}->quit, 0, 'the host ends well';
done_testing;
