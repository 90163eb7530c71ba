# A recording that was cut is gone on with where it ended, if it is the same still; else
# it comes from its start, whole and of one version, whatever the server knows of ranges.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Media;
use Process qw(scratch slurp wait_for);
use Test::More;

my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
my $media = Media->new;
my $folder = scratch() . '/recordings';
my $driver = Driver->new;
$driver->create(conninfo => $cluster->conninfo, recordings => 'fetch', recordings_dir => $folder, recording_parallel => 16,
	recording_hosts => 'localhost', recording_ca => $media->ca, recording_loopback => 'true');
is $driver->start, 'OK', 'started';
sub fetch {
	my ($id, $address) = @_;
	my %recording = (id => "r-$id", contentUri => $address);
	is $driver->logged(session_id => "s-$id", body => { triggerType => 'callLogSync' },
		call => { action => 'Phone Call', result => 'Accepted', recording => \%recording }), 'OK', "$id is logged";
	is +($driver->question('call_log/recordings',
			{ recordings => [ { sessionId => "s-$id", recordingId => "r-$id", contentUri => $address } ] }))[0], 'OK', 'its address is taken';
}
sub row { $cluster->psql("SELECT $_[1] FROM call_log.recordings WHERE recording_id = 'r-$_[0]'") }

my $cut = 4 * int($media->bytes / 10);
my $date = 'Sun, 22 Nov 2026 08:00:00 GMT';
my @rest = ("live bytes=$cut-");
my %anew = (
	tagged => [ sound => qq($rest[0] if "1") ], dated => [ sound => "$rest[0] if $date" ],
	star => [ sound => qq($rest[0] if "1") ],
	changed => [ another => qq($rest[0] if "1") ],
	blind => [ first => qq($rest[0] if "1"), 'live -' ],
	untagged => [ another => @rest, 'live -' ], weak => [ another => @rest, 'live -' ],
	unsure => [ another => @rest, 'live -' ],
	shifted => [ another => qq($rest[0] if "1"), 'live -' ],
);
my %is = (sound => $media->{sound}, another => $media->another, first => substr($media->another, 0, $media->bytes));
fetch($_ => $media->address($_, 'x')) for sort keys %anew;
for my $id (sort keys %anew) {
	wait_for("$id to be stored", sub { row($id => 'state') eq 'stored' });
	my ($which, @then) = @{ $anew{$id} };
	is_deeply [ $media->requests("$id/x") ], [ 'live -', @then ], "$id: " . ($which eq 'sound' ? 'the rest is asked for, if it is the same' : 'it comes from its start');
	ok slurp("$folder/" . row($id => 'path')) eq $is{$which}, 'and is whole, of one version';
}
is +($driver->stop(5000))[0], 'OK', 'stopped';
$driver->destroy;
is $driver->quit, 0, 'and gone';
done_testing;
