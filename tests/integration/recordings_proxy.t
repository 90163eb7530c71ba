# Recordings through a proxy, where one is configured, and by no other: whatever the
# environment says.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Media;
use Process qw(root scratch slurp wait_for);
use IPC::Open2 qw(open2);
use Test::More;

my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
my $name = 'media.example.test'; # that nobody but the proxy knows
my $media = Media->new(name => $name);
my $folder = scratch() . '/recordings';
my $pid = open2(my $out, my $in, 'node', root() . '/tests/lib/connect_proxy.mjs');
END { kill KILL => $pid if $pid }
my @said;
sub said {
	while (1) {
		my $ready = '';
		vec($ready, fileno $out, 1) = 1;
		last if !select $ready, undef, undef, 0.05;
		sysread($out, my $bytes, 65536) or last;
		push @said, split /\n/, $bytes;
	}
	return @said;
}
my $port = wait_for('the proxy', sub { (map { /^port (\d+)/ ? $1 : () } said())[0] });
shift @said;

my %config = (conninfo => $cluster->conninfo, recordings => 'fetch', recordings_dir => $folder,
	recording_hosts => $name, recording_ca => $media->ca);
my $driver;
sub with {
	my ($environment, %more) = @_;
	$driver = Driver->new(prefix => [ 'env', @$environment ]);
	is $driver->create(%config, %more), undef, 'created';
	is $driver->start, 'OK', 'started';
}
sub row { $cluster->psql("SELECT $_[1] FROM call_log.recordings WHERE recording_id = 'r-$_[0]'") }
sub fetch {
	my ($id, $address) = @_;
	is $driver->logged(session_id => "s-$id", body => { triggerType => 'callLogSync' },
		call => { action => 'Phone Call', result => 'Accepted', recording => { id => "r-$id", contentUri => $address } }), 'OK', "$id is logged";
	is +($driver->question('call_log/recordings',
			{ recordings => [ { sessionId => "s-$id", recordingId => "r-$id", contentUri => $address } ] }))[0], 'OK', 'its address is taken';
	wait_for("an attempt at $id", sub { row($id, q(state = 'stored' OR last_error IS NOT NULL)) eq 't' });
	return row($id, q(concat_ws(' ', state, last_error)));
}
sub finish { is +($driver->stop(5000))[0], 'OK', 'stopped'; $driver->destroy; is $driver->quit, 0, 'and gone' }

# ------------------------------------------------------------------ configured
with([ 'no_proxy=*', 'NO_PROXY=*' ], recording_proxy => "http://me:hush\@localhost:$port");
is fetch(by => $media->address('whole', 'by', host => $name)), 'stored', 'by a proxy, which knows the name, and though the environment would have none';
ok slurp("$folder/" . row(by => 'path')) eq $media->{sound}, 'and it is whole';
is_deeply [ said() ], ["connect $name me:hush"], 'the proxy got to know the name, and who asks, and nothing else';
is fetch(other => $media->address('whole', 'other', host => 'other.test')), q(refused other.test: the server is not one of 'recording_hosts'),
  'what is not listed is refused as ever';
finish();
with([], recording_proxy => "http://denied:hush\@localhost:$port");
like fetch(denied => $media->address('whole', 'denied', host => $name)), qr/^(waiting|fetching) \Q$name\E: the proxy's status 407$/, 'a proxy that denies is tried again';
is_deeply [ grep { !/^connect \Q$name\E (me|denied):hush$/ } said() ], [], 'nothing else was asked for';
unlike join("\n", $driver->log_lines, $cluster->psql('SELECT string_agg(last_error, chr(10)) FROM call_log.recordings')), qr/hush/, 'its password is told to nobody';
finish();

# -------------------------------------------------------------- not configured
@said = ();
my @environment = map { ("$_=http://localhost:$port", uc($_) . "=http://localhost:$port") } qw(http_proxy https_proxy all_proxy);
my $plain = Media->new;
with(\@environment, recording_hosts => 'localhost', recording_ca => $plain->ca, recording_loopback => 'true');
is fetch(straight => $plain->address('whole', 'straight')), 'stored', 'without one it is fetched from the server itself';
is_deeply [ said() ], [], 'whatever proxy the environment names';
finish();
done_testing;
