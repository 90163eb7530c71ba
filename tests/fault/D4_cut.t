# The connection dies after the Nth byte of the server's, or of ours: everywhere in
# a commit and its answer, and in many places while connecting. Whether the commit
# happened is then unknown to the plugin.
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

# Bytes of the server's, and of ours.
sub one {
	$oracle->flow(calls => 1);
	$oracle->settle;
	return ($proxy->passed, $proxy->sent);
}
sub most { my $side = shift; (sort { $b <=> $a } map { $_->[$side] } @_)[0] }

# Every so many in full, else so many, the first and the last among them.
sub places {
	my ($bytes, $some, $step) = @_;
	return grep { $_ % $step == 0 } 1 .. $bytes if full();
	return map { 1 + int(($bytes - 1) * $_ / ($some - 1)) } 0 .. $some - 1;
}

one() for 1 .. 8;
my @commits = map { [ one() ] } 1 .. 8;
my @connects = map { $proxy->close_all; [ one() ] } 1 .. 3;
my $cuts = 0;
for my $side (0, 1) {
	my ($whose, $cut) = @{ ([ server => 'cut' ], [ plugin => 'cut_sent' ])[$side] };
	my ($commit, $connect) = (most($side, @commits), most($side, @connects));
	cmp_ok $commit, '>', 20, "a commit has up to $commit bytes of the $whose";
	cmp_ok $connect, '>', 20, "and with a new connection up to $connect";
	for my $place (places($commit, 12, 1)) {
		$proxy->$cut($place);
		one();
		$cuts++;
	}
	for my $place (places($connect, 8, 4)) {
		$proxy->close_all;
		$proxy->$cut($place);
		one();
		$cuts++;
	}
	$proxy->$cut(-1);
}
figure('D4.cuts', $cuts);
$oracle->conclude('D4', "connection cut after the Nth byte, $cuts cuts");
is $oracle->{driver}->quit, 0, 'the host ends well';
done_testing;
