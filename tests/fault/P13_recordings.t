# The whole host process dies by SIGKILL at random moments of downloads, and is
# started again at once on the same database and folder: after each death a file that
# is not named .part is whole, and every row tells the truth; in the end each recording
# is there, once; of those whose calls were deleted neither file nor row is left. Calls
# are logged all the while, and none of those is lost.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use IPC::Open2 qw(open2);
use List::Util qw(max shuffle);
use Media;
use Oracle qw(size start_driver figure);
use Process qw(root run scratch slurp wait_for);
use Test::More;

my $rounds = size(500, 100);
my $pool = 10; # recordings under way at once
srand(my $seed = $ENV{SEED} // time);
diag "SEED=$seed";
my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
my $media = Media->new(bytes => 40_000);
my $folder = scratch() . '/recordings';
my %config = (conninfo => $cluster->conninfo, spool => scratch() . '/spool.db', commit_deadline_ms => 200,
	recordings => 'fetch', recordings_dir => $folder, recording_hosts => 'localhost', recording_ca => $media->ca,
	recording_loopback => 'true', recording_parallel => 10);
my $oracle = Oracle->new(cluster => $cluster, driver => start_driver(%config));

# One session for all that is asked between two hosts, which wait for it.
my $psql = open2(my $said, my $ask, $cluster->bin('psql'), '-XqAt', '-F', ' ', '-d', $cluster->conninfo);
$ask->autoflush(1);
sub sql {
	print $ask "$_[0];\n\\echo done\n";
	my @line;
	while (1) {
		chomp(my $line = readline $said // die 'psql ended');
		return @line if $line eq 'done';
		push @line, $line;
	}
}

# How fast they come, a 40th in so many ms: some die many times, and each goes on
# where the one before ended.
my @speed = ('whole', 'slow2', 'slow4', 'slow12');
sub offer {
	my ($driver, @ids) = @_;
	my ($status) = $driver->question('call_log/recordings', { recordings => [
		map { { sessionId => "s-$_", recordingId => "r-$_", contentUri => $media->address($speed[ $_ % @speed ], $_) } } @ids ] });
	return $status;
}
# So many calls more; each waits for its recording until that is offered.
my ($logged, $last) = (0, 0);
sub log_calls {
	my ($driver, $count) = @_;
	my @ids = map {
		my $id = ++$logged;
		scalar $driver->submit(Driver::log_message(session_id => "s-$id", body => { triggerType => 'callLogSync' },
				call => { action => 'Phone Call', result => 'Accepted', recording => { id => "r-$id", contentUri => $media->address('whole', $id) } }));
	} 1 .. $count;
	return join ' ', map { ($driver->answer($_))[0] } @ids;
}

# What the dead host left: files that are whole, rows that are true. Another may go on
# at once.
my ($torn, $untrue, $parts, $begun, %open, %is_whole) = (0, 0, 0, 0);
sub look {
	my @files = glob "$folder/*/*";
	$parts += my @part = grep { /\.part$/ } @files;
	$begun++ if @part;
	for my $file (grep { !/\.part$/ && !$is_whole{$_} } @files) {
		$torn++ if slurp($file) ne $media->{sound};
		$is_whole{$file} = 1;
	}
	my %there = map { s{^\Q$folder/}{}r => 1 } @files;
	%open = ();
	for (sql(q(UPDATE call_log.recordings SET lease_until = now() WHERE state = 'fetching';
			SELECT recording_id, state, path, bytes, encode(sha256, 'hex') FROM call_log.recordings WHERE erase_at IS NULL))) {
		my ($id, $state, $path, $bytes, $sha256) = split / /;
		$open{$1} = 1 if $state ne 'stored' && $id =~ /^r-(\d+)$/ && $1 <= $last;
		$untrue++ if $state eq 'stored' ? $bytes != $media->bytes || $sha256 ne $media->sha256 || !$there{$path}
		  : $state !~ /^(waiting|fetching)$/ || $path ne '';
	}
}

my $deleted = 0;
for my $round (1 .. $rounds) {
	my $driver = $oracle->{driver};
	log_calls($driver, 50) if $logged - $last < $pool;
	push my @some, shuffle(keys %open), map { ++$last } 1 .. $pool - keys %open;
	offer($driver, splice @some, 0, $pool);
	$oracle->flow(seconds => rand 0.12, per_second => 50);
	# whatever is known of it by now
	$deleted += () = sql("DELETE FROM call_log.calls WHERE session_id = 's-@{[ (keys %open)[0] // 0 ]}' RETURNING 1") if $round % 4 == 0;
	$oracle->kill_host;
	look();
	$oracle->attach(start_driver(%config));
}
# of those that nobody offered
sql("DELETE FROM call_log.calls WHERE session_id ~ '^s-' AND substr(session_id, 3)::integer > $last");
is $oracle->{killed}, $rounds, "the host was killed $rounds times";
is $torn, 0, 'a file that is not named .part is whole';
is $untrue, 0, 'a row tells the truth';
cmp_ok $begun, '>', $rounds / 2, "most of them in the middle of downloads: $begun";
cmp_ok $parts, '>', $rounds, "of more than one: $parts";

my $state = sub { (sql("SELECT count(*) FROM call_log.recordings WHERE state = '$_[0]'"))[0] };
wait_for('what was left to be looked at', sub { $state->('fetching') == 0 });
sql(q(UPDATE call_log.recordings SET state_at = state_at - interval '1 day', asked_at = NULL, asks = 0));
# as the page does that is asked for them
wait_for('all of them', sub {
	my (undef, $wanted) = $oracle->{driver}->question('call_log/recordings', { recordings => [] });
	my @ids = map { $_->{recordingId} =~ /^r-(\d+)$/ ? $1 : () } @{ ref $wanted ? $wanted->{wanted} : [] };
	offer($oracle->{driver}, @ids) if @ids;
	$state->('stored') == $last - $deleted;
}, 120);
wait_for('what was deleted to go', sub { (sql('SELECT count(*) FROM call_log.recordings'))[0] == $last - $deleted });
%is_whole = ();
look();
is "$torn $untrue", '0 0', 'in the end each is whole, and its row says so';
is scalar(grep { /\.mp3$/ } glob "$folder/*/*"), $last - $deleted, 'each is there once';
cmp_ok $deleted, '>', $rounds / 8, 'but for those whose calls were deleted';
is_deeply [ (run([ root() . '/packaging/check-recordings', $folder, '-d', $cluster->conninfo ], env => { PATH => $cluster->bin('') . ":$ENV{PATH}" }))[ 0, 1 ] ], [ 0, '' ], 'of which neither a file nor a row is left';
is scalar(grep { !/\.mp3$/ } glob "$folder/*/*"), 0, 'and nothing is left of the attempts';
is((sql('SELECT count(DISTINCT path) FROM call_log.recordings'))[0], $last - $deleted, 'as a file of its own');
my @resumed = map { scalar grep { /^live bytes=[1-9]/ } $media->requests("$speed[ $_ % @speed ]/$_") } 1 .. $last;
cmp_ok max(@resumed), '>', 2, 'what died is gone on with where it ended, again and again: ' . max(@resumed) . ' times at most';
figure('P13.recordings', $last);
figure('P13.parts', $parts);
$oracle->conclude('P13', "killed $rounds times while it fetched recordings");
is $oracle->{driver}->quit, 0, 'the last one ends well';
close $ask;
waitpid $psql, 0;
done_testing;
