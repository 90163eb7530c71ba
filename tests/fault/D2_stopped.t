# PostgreSQL is stopped (fast and immediate, in turn) and started again, over and
# over, while calls flow.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(size start_driver figure);
use Process qw(scratch);
use Test::More;

my $rounds = size(20, 4);
my $cluster = Cluster->new;
$cluster->install_schema;
my $oracle = Oracle->new(cluster => $cluster,
	driver => start_driver(conninfo => $cluster->conninfo, spool => scratch() . '/spool.db'));

for my $round (1 .. $rounds) {
	$oracle->flow(seconds => 0.2 + rand 0.2, per_second => 1000, at => sub {
		$cluster->stop($round % 2 ? 'fast' : 'immediate')
		  if $_[0] > 150 && $cluster->running;
	});
	$cluster->stop('immediate') if $cluster->running;
	$oracle->flow(seconds => 0.5, per_second => 1000);
	$cluster->start;
	$oracle->flow(seconds => 0.3, per_second => 500);
	$oracle->settle;
}
figure('D2.rounds', $rounds);
$oracle->conclude('D2', "PostgreSQL stopped $rounds times, fast and immediate");
is $oracle->{driver}->quit, 0, 'the host ends well';
done_testing;
