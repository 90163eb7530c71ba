# The connection dies after the Nth byte of the server's: everywhere in the answer
# to a commit, and everywhere while connecting. Whether the commit happened is then
# unknown to the plugin.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(full start_driver figure);
use Process qw(scratch);
use Proxy;
use Test::More;

my $cluster = Cluster->new;
$cluster->install_schema;
my $proxy = Proxy->new($cluster);
my $oracle = Oracle->new(cluster => $cluster, driver => start_driver(
	conninfo => $proxy->conninfo, spool => scratch() . '/spool.db'));

sub one {
	$oracle->flow(calls => 1);
	$oracle->settle;
	return $proxy->passed;
}
one() for 1 .. 8;
my ($bytes) = sort { $b <=> $a } map { one() } 1 .. 8;
$proxy->close_all;
my $connecting = one();
cmp_ok $bytes, '>', 20, "the answer to a commit has up to $bytes bytes";
cmp_ok $connecting, '>', $bytes, "connecting again as well: $connecting";

# Every byte of the commit; while connecting every byte in full.
my @cuts = full() ? (1 .. $bytes) : grep { $_ % 4 == 1 } 1 .. $bytes;
for my $cut (@cuts) {
	$proxy->cut($cut);
	one();
}
my @later = full() ? (1 .. $connecting) : map { int($connecting * $_ / 12) || 1 } 1 .. 12;
for my $cut (@later) {
	$proxy->close_all;
	$proxy->cut($cut);
	one();
}
$proxy->cut(-1);
my $cuts = @cuts + @later;
figure('D4.cuts', $cuts);
$oracle->conclude('D4', "connection cut after the Nth byte of the server, $cuts cuts");
is $oracle->{driver}->quit, 0, 'the host ends well';
done_testing;
