# A recording's token in the memory of a host that fetches it: what a core dump would
# show of it, by the kernel's own flags, while downloads stand still, and afterwards
# all there is. The host is the reference host, which keeps nothing of its own.
use v5.32;
use warnings;
no warnings 'portable';
use lib 'tests/lib';
use Cluster;
use CrmHost;
use Driver;
use File::Copy qw(copy);
use Http;
use Media;
use Process qw(built run_ok scratch slurp spew wait_for);
use Test::More;

my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
my $media = Media->new;
my $token = $media->token;
my $dir = scratch();
copy(built('call_log.so'), "$dir/call_log.so") or die $!;
chmod 0755, "$dir/call_log.so";
my %config = (enabled => \1, conninfo => $cluster->conninfo, recordings => 'fetch', recordings_dir => scratch() . '/recordings',
	recording_hosts => ['localhost'], recording_ca => $media->ca, recording_loopback => \1, recording_parallel => 10, recording_stall_ms => 6000, body => 'all');
spew("$dir/host.conf", CrmHost::config_text({ call_log => \%config,
	host => { listen => '127.0.0.1:0', plugin_dir => $dir, trusted_proxies => ['127.0.0.1'] } }));

my $host = CrmHost->start(config => "$dir/host.conf");
unlike $host->log_text, qr/libcurl/, 'libcurl keeps its memory where the plugin has it';

sub post {
	my ($message) = @_;
	my $http = Http->new($host->port);
	$http->write(CrmHost::post_bytes(CrmHost::envelope($message), agent => 'ann'));
	is $http->read_answer('POST')->{status}, 200, "$message->{path} is answered";
}
# As the widget and the page do: the token is in the call's own message too.
sub fetch {
	my ($id, $address) = @_;
	my $message = Driver::log_message(session_id => "s-$id", body => { triggerType => 'callLogSync' },
		call => { action => 'Phone Call', result => 'Accepted', startTime => time * 1000, accessToken => $token,
			recording => { id => "r-$id", link => "https://media.test/?media=$address", contentUri => $address } });
	post($message);
	post({ path => 'call_log/recordings', requestId => "r-$id",
			body => { recordings => [ { sessionId => "s-$id", recordingId => "r-$id", contentUri => $address } ] } });
}
sub row { $cluster->psql("SELECT $_[1] FROM call_log.recordings WHERE recording_id = 'r-$_[0]'") }

# Where the token is, and what stands before it: "hidden" in mappings that a core dump
# leaves out, or not.
sub look {
	my $proc = '/proc/' . $host->process->pid;
	my (@found, @maps);
	for (split /\n/, slurp("$proc/smaps")) {
		push @maps, { from => hex $1, bytes => hex($2) - hex $1, name => $3 } if /^([0-9a-f]+)-([0-9a-f]+) rw\S+ \S+ \S+ \S+\s*(.*)/;
		$maps[-1]{flags} //= $1 if @maps && /^VmFlags: (.*)/;
	}
	open my $memory, '<:raw', "$proc/mem" or die "its memory: $!";
	for my $map (grep { $_->{bytes} <= 256 << 20 } @maps) { # larger ones are a sanitizer's own
		sysseek $memory, $map->{from}, 0;
		next if !sysread $memory, my $bytes, $map->{bytes};
		while ($bytes =~ /([ -~]{0,40})\Q$token\E/g) {
			my $before = $1;
			push @found, ($map->{flags} =~ /\bdd\b/ ? 'hidden' : "shown $map->{name}") . " ...$before";
		}
	}
	return @found;
}

my %address = (
	stalled => $media->address('stalled', 'x'),
	echo => $media->address('echo', 'x'),
	inside => $media->address('redirect', 'in', more => '&to=' . ($media->address('stalled', 'in') =~ s/(\W)/sprintf '%%%02x', ord $1/ger)),
	outside => $media->address('redirect', 'out', more => '&to=' . ('https://example.test/?access_token=' . $token =~ s/(\W)/sprintf '%%%02x', ord $1/ger)),
);
# Nothing else comes yet, that would take the place of what it leaves.
fetch(echo => $address{echo});
my @found;
wait_for('the answer', sub { grep { m{^hidden .*no: /echo} } @found = look() });
is_deeply [ grep { /^shown/ } @found ], [], 'what a server repeats of an address shows in no core dump';
fetch($_ => $address{$_}) for qw(outside stalled inside);
wait_for('the downloads', sub { row(outside => 'state') eq 'refused' && 2 == grep { -s } glob "$config{recordings_dir}/*/*.part" });
@found = look();
cmp_ok scalar @found, '>', 5, 'while downloads stand still the token is in memory (' . @found . ' times)';
is_deeply [ grep { /^shown/ } @found ], [], 'where no core dump shows it';
for my $name (qw(cmdline environ)) {
	unlike slurp('/proc/' . $host->process->pid . "/$name"), qr/\Q$token\E/, "$name has no token";
}
wait_for('the end of all', sub { 'stored stored waiting' eq join ' ', map { row($_ => 'state') } qw(stalled inside echo) }, 60);
wait_for('the denial', sub { (row(echo => 'last_error') || '') eq 'localhost: status 403' });
is_deeply [ look() ], [], 'afterwards it is nowhere in memory';
is $host->stop, 0, 'the host ends well';

# Where the host used libcurl first, its memory is not the plugin's to choose.
my $driver = Driver->new(prefix => [ 'env', 'LD_PRELOAD=' . built('tests/plugins/curl_user.so'), 'ASAN_OPTIONS=verify_asan_link_order=0' ]);
is $driver->create(%config, recording_hosts => 'localhost', recording_loopback => 'true', enabled => 'true'), undef, 'created';
is $driver->start, 'OK', 'a host that used libcurl before the plugin starts it';
is scalar(grep { /^WARN libcurl was used before this plugin: a core dump/ } $driver->log_lines), 1, 'and is told what may show';
my %recording = (sessionId => 's-first', recordingId => 'r-first', contentUri => $media->address('whole', 'first'));
is $driver->logged(session_id => 's-first', body => { triggerType => 'callLogSync' },
	call => { action => 'Phone Call', result => 'Accepted', recording => { id => 'r-first', contentUri => $recording{contentUri} } }), 'OK', 'a call is logged';
is +($driver->question('call_log/recordings', { recordings => [ \%recording ] }))[0], 'OK', 'its address is taken';
wait_for('the recording', sub { row(first => 'state') eq 'stored' });
is +($driver->stop(5000))[0], 'OK', 'it is fetched all the same';
$driver->destroy;
is $driver->quit, 0, 'and the host ends well';
done_testing;
