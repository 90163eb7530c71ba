# The whole host process dies by SIGKILL at random moments of downloads, and is
# started again on the same database and folder: a file that is not named .part is
# whole at every moment, every row tells the truth, and in the end each recording is
# there, once; of those whose calls were deleted neither file nor row is left. Calls are
# logged all the while, and none of those is lost.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Media;
use Oracle qw(size start_driver figure);
use Process qw(root run scratch slurp wait_for);
use Test::More;

my $rounds = size(100, 3);
my $each = 8; # recordings a round
srand(my $seed = $ENV{SEED} // time);
diag "SEED=$seed";
my $cluster = Cluster->new;
$cluster->install_schema;
my $media = Media->new(bytes => 200_000);
my $folder = scratch() . '/recordings';
my %config = (conninfo => $cluster->conninfo, spool => scratch() . '/spool.db', commit_deadline_ms => 200,
	recordings => 'fetch', recordings_dir => $folder, recording_hosts => 'localhost', recording_ca => $media->ca,
	recording_loopback => 'true', recording_parallel => 8);
my $oracle = Oracle->new(cluster => $cluster, driver => start_driver(%config));

sub offer {
	my ($driver, @ids) = @_;
	my ($status) = $driver->question('call_log/recordings', { recordings => [
		map { { sessionId => "s-$_", recordingId => "r-$_", contentUri => $media->address($_ % 4 ? 'slow' : 'whole', $_) } } @ids ] });
	return $status;
}
sub logged {
	my ($driver, $id) = @_;
	return $driver->logged(session_id => "s-$id", body => { triggerType => 'callLogSync' },
		call => { action => 'Phone Call', result => 'Accepted', recording => { id => "r-$id", contentUri => $media->address('whole', $id) } });
}

# What the dead host left: files that are whole, rows that are true.
my ($torn, $untrue, $parts) = (0, 0, 0);
sub look {
	$parts += () = glob "$folder/*/*.part";
	for my $file (grep { !/\.part$/ } glob "$folder/*/*") {
		$torn++ if slurp($file) ne $media->{sound};
	}
	for (split /\n/, $cluster->psql(q(SELECT concat_ws(' ', state, path, bytes, encode(sha256, 'hex')) FROM call_log.recordings WHERE erase_at IS NULL))) {
		my ($state, $path, $bytes, $sha256) = split / /;
		$untrue++ if $state eq 'stored' ? $bytes != $media->bytes || $sha256 ne $media->sha256 || !-f "$folder/$path"
		  : $state !~ /^(waiting|fetching)$/ || defined $path;
	}
}

my ($last, $deleted) = (0, 0);
for my $round (1 .. $rounds) {
	my $driver = $oracle->{driver};
	my @new = ($last + 1 .. $last + $each);
	$last += $each;
	logged($driver, $_) for @new;
	offer($driver, @new);
	# those of before, as the page does that is asked for them
	my (undef, $wanted) = $driver->question('call_log/recordings', { recordings => [] });
	my @ids = map { $_->{recordingId} =~ /^r-(\d+)$/ ? $1 : () } @{ ref $wanted ? $wanted->{wanted} : [] };
	offer($driver, @ids) if @ids;
	$oracle->flow(seconds => rand 1.2, per_second => 50);
	# whatever is known of two of them by now
	$deleted += $cluster->psql("WITH gone AS (DELETE FROM call_log.calls WHERE session_id IN ('s-$new[0]', 's-$new[1]') RETURNING 1) SELECT count(*) FROM gone");
	$oracle->kill_host;
	look();
	$cluster->psql(q(UPDATE call_log.recordings SET lease_until = now() WHERE state = 'fetching'));
	$oracle->attach(start_driver(%config));
}
is $oracle->{killed}, $rounds, "the host was killed $rounds times";
is $torn, 0, 'a file that is not named .part is whole';
is $untrue, 0, 'a row tells the truth';
cmp_ok $parts, '>', $rounds / 3, 'it died in the middle of downloads';

my $state = sub { $cluster->psql("SELECT count(*) FROM call_log.recordings WHERE state = '$_[0]'") };
wait_for('what was left to be looked at', sub { $state->('fetching') == 0 });
$cluster->psql(q(UPDATE call_log.recordings SET state_at = state_at - interval '1 day', asked_at = NULL, asks = 0));
wait_for('all of them', sub {
	my (undef, $wanted) = $oracle->{driver}->question('call_log/recordings', { recordings => [] });
	my @ids = map { $_->{recordingId} =~ /^r-(\d+)$/ ? $1 : () } @{ ref $wanted ? $wanted->{wanted} : [] };
	offer($oracle->{driver}, @ids) if @ids;
	$state->('stored') == $last - $deleted;
}, 120);
wait_for('what was deleted to go', sub { $cluster->psql('SELECT count(*) FROM call_log.recordings') == $last - $deleted });
look();
is "$torn $untrue", '0 0', 'in the end each is whole, and its row says so';
is scalar(grep { /\.mp3$/ } glob "$folder/*/*"), $last - $deleted, 'each is there once';
is $deleted, 2 * $rounds, 'but for those whose calls were deleted';
is_deeply [ (run([ root() . '/packaging/check-recordings', '--sums', $folder, '-d', $cluster->conninfo ], env => { PATH => $cluster->bin('') . ":$ENV{PATH}" }))[ 0, 1 ] ], [ 0, '' ], 'of which neither a file nor a row is left';
is scalar(grep { !/\.mp3$/ } glob "$folder/*/*"), 0, 'and nothing is left of the attempts';
is $cluster->psql('SELECT count(DISTINCT path) FROM call_log.recordings'), $last - $deleted, 'as a file of its own';
figure('P13.recordings', $last);
figure('P13.parts', $parts);
$oracle->conclude('P13', "killed $rounds times while it fetched recordings");
is $oracle->{driver}->quit, 0, 'the last one ends well';
done_testing;
