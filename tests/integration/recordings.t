# Recordings are fetched while their token lives: whole or not at all, from a server
# that behaves, misbehaves, or is none to fetch from; and their rows say what became
# of each.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Digest::SHA qw(sha256_hex);
use Driver;
use Media;
use Process qw(run run_ok scratch slurp spew wait_for);
use Test::More;

my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
$cluster->psql(q(CREATE ROLE plugin LOGIN IN ROLE call_log_writer;
	-- not new, so that what fails is given up at once
	ALTER TABLE call_log.recordings ALTER created_at SET DEFAULT now() - interval '2 days'));
my $media = Media->new;
my $folder = scratch() . '/recordings';
my %config = (conninfo => $cluster->conninfo(user => 'plugin'), recordings => 'fetch', recordings_dir => $folder,
	recording_hosts => 'localhost', recording_ca => $media->ca, recording_loopback => 'true',
	recording_stall_ms => 700, recording_max_mb => 1, recording_parallel => 16);

my $driver = Driver->new;
for ([ recordings_dir => '', q('recordings' is 'fetch', and 'recordings_dir' is not set) ],
	[ recordings_dir => 'here', q('recordings_dir' is 'here'; it must be a path that begins with /) ],
	[ recording_hosts => '', q('recordings' is 'fetch', and 'recording_hosts' is empty) ],
	[ recording_hosts => 'https://x.test/', q('recording_hosts' has '://x.test/'; allowed are names of servers) ],
	[ recording_parallel => 0, q('recording_parallel' is '0'; allowed are 1 to 100) ],
	[ recordings => 'yes', q('recordings' is 'yes'; allowed are off, link, fetch) ]) {
	my ($name, $value, $why) = @$_;
	is $driver->create(%config, $name => $value), $why, "$name = '$value' is refused";
}
is $driver->create(%config), undef, 'created';
is $driver->start, 'OK', 'started';

# A call's record tells of a recording, and then the page hands its address over.
sub offer {
	my ($id, $address) = @_;
	return ($driver->question('call_log/recordings',
		{ recordings => [ { sessionId => "s-$id", recordingId => "r-$id", contentUri => $address } ] }))[0];
}
sub recorded {
	my ($id, $address) = @_;
	my %recording = (id => "r-$id", type => 'Automatic', link => 'https://media.test/', contentUri => $address);
	is $driver->logged(session_id => "s-$id", body => { triggerType => 'callLogSync' },
		call => { action => 'Phone Call', result => 'Accepted', recording => \%recording }), 'OK', "$id is logged";
}
sub fetch { recorded(@_); is offer(@_), 'OK', "the address of $_[0] is taken" }
sub row { $cluster->psql("SELECT $_[1] FROM call_log.recordings WHERE recording_id = 'r-$_[0]'") }
sub reached {
	my ($id, $state) = @_;
	wait_for("$id to be $state", sub { row($id, 'state') eq $state });
}
sub is_whole {
	my ($id, $what) = @_;
	my $path = row($id, 'path');
	my $sound = -f "$folder/$path" ? slurp("$folder/$path") : '';
	is row($id, q(concat_ws(' ', state, media_type, bytes, encode(sha256, 'hex')))),
	  join(' ', 'stored audio/mpeg', $media->bytes, sha256_hex($sound)), "$what: the row tells what the file is";
	ok $sound eq $media->{sound}, "$what: the file is what was served";
}

# --------------------------------------------------------------------- it works
fetch(whole => $media->address('whole', 'x'));
reached(whole => 'stored');
is_whole(whole => 'a recording');
like row(whole => 'path'), qr{^\d{4}-\d\d/\d+-[0-9a-f]{16}\.mp3$}, 'it lies in the folder of its month';
my $path = "$folder/" . row(whole => 'path');
is sprintf('%o', (stat $path)[2] & 0777), '640', 'and others cannot read it';
is offer(whole => $media->address('whole', 'x')), 'OK', 'its address is taken once more';
fetch(second => $media->address('whole', 'second'));
reached(second => 'stored');
is scalar(my @requests = $media->requests('whole/x')), 1, 'and nothing is fetched twice';

is offer(early => $media->address('whole', 'early')), 'OK', 'an address may come before its call';
recorded(early => $media->address('whole', 'early'));
reached(early => 'stored');
pass 'and its recording is fetched then';

# ------------------------------------------------- what the network and servers do
my @tenths = map { "cut$_" } 1 .. 9;
my %end = (
	(map { $_ => 'stored' } @tenths, qw(slow chunked plain stalled busy portion)),
	(map { $_ => 'failed' } qw(page empty endless round babble302)),
	(map { $_ => 'refused' } qw(huge flood)),
	gone => 'expired', babble404 => 'expired',
);
fetch($_ => $media->address($_, 'x')) for sort keys %end;
fetch(long => $media->address('long', 'x'));
reached($_ => $end{$_}) for sort keys %end;
is_whole($_ => "cut after $_") for @tenths;
is_deeply [ $media->requests('cut4/x') ], [ 'live -', 'live bytes=' . 4 * int($media->bytes / 10) . '-' ],
  'what was cut is gone on with where it ended';
is_whole(slow => 'slowly');
is_whole(chunked => 'without a length, but with an end');
is_whole(plain => 'cut, by a server that knows no ranges');
is_whole(stalled => 'after a server stood still');
is_whole(portion => 'in more answers than one');
is_whole(busy => 'after a server was busy');
is row($_->[0] => 'last_error'), $_->[1], "$_->[0]: $_->[1]" for (
	[ page => 'what came is no sound (37 bytes)' ], [ empty => 'what came is no sound (0 bytes)' ],
	[ huge => q(localhost: it has 10737418240 bytes, 'recording_max_mb' allows 1048576) ],
	[ babble302 => 'localhost: status 302' ], [ babble404 => 'localhost: status 404' ],
	[ endless => 'localhost: the server does not say how long it is' ],
	[ round => 'localhost: it is redirected, to nowhere or too often' ], [ gone => 'localhost: status 404' ]);
like row(flood => 'last_error'), qr/^localhost: it has 1\d{6} bytes or more, 'recording_max_mb' allows 1048576$/, 'flood: of more than is allowed, both are told';
wait_for('the connections to be closed', sub { 4 == grep { $media->sent("$_/x") } qw(huge flood babble302 babble404) });
cmp_ok +($media->sent('huge/x'))[0], '<', 2 << 20, 'of what is too large hardly anything is read';
cmp_ok +($media->sent("$_/x"))[0], '<', 32 << 20, "$_: also where it does not say so beforehand" for qw(flood babble302 babble404);
is scalar(my @all = $media->requests("$_/x")), 1, "$_: it is asked for once" for qw(huge flood babble302 babble404);
like row(long => q(state || ' ' || last_error)), qr/^(waiting|fetching) localhost: Transferred a partial file$/,
  'less than was promised is not kept as whole';
is row(long => 'path'), '', 'and no file is named';

# ------------------------------------------------------------- what is refused
my $port = $media->port;
my %refused = (
	http => [ "http://localhost:$port/whole/x?access_token=live", 'the address does not begin with https:' ],
	file => [ 'file:///etc/passwd', 'the address does not begin with https:' ],
	none => [ 'https://', 'the address is none' ],
	user => [ "https://me:secret\@localhost:$port/whole/x", 'localhost: the address has a user in it' ],
	other => [ $media->address('whole', 'x', host => '127.0.0.1'), q(127.0.0.1: the server is not one of 'recording_hosts') ],
	odd => [ $media->address('whole', 'x', host => '0x7f.1'), q(127.0.0.1: the server is not one of 'recording_hosts') ],
	bytes => [ 'https://%ff%fe/x?access_token=live', 'the address names no server' ],
	outside => [ $media->address('redirect', 'out', more => "&to=https%3A%2F%2Fexample.test%2F%3Faccess_token%3D" . $media->token),
		q(example.test: the server is not one of 'recording_hosts') ],
	plainly => [ $media->address('redirect', 'http', more => "&to=http%3A%2F%2Flocalhost%3A$port%2Fopen%2Fx"),
		'the address does not begin with https:' ],
);
fetch($_ => $refused{$_}[0]) for sort keys %refused;
for my $id (sort keys %refused) {
	reached($id => 'refused');
	is row($id => 'last_error'), $refused{$id}[1], "$id is refused, and why";
}
is_deeply [ $media->requests('open/x') ], [], 'where it would have led to was not asked';
fetch(inside => $media->address('redirect', 'in', more => "&to=https%3A%2F%2Flocalhost%3A$port%2Fopen%2Finside"));
reached(inside => 'stored');
is_whole(inside => 'redirected to a listed server');
is_deeply [ $media->requests('open/inside') ], ['bare -'], 'which was not handed the token';

# What the database refuses to note holds nobody else up.
$cluster->psql(q(ALTER TABLE call_log.recordings ADD CONSTRAINT deaf CHECK (last_error NOT LIKE '%404' AND (recording_id <> 'r-never' OR state IN ('waiting', 'fetching') AND last_error IS NULL)) NOT VALID));
fetch($_ => $media->address('gone', $_)) for qw(deaf never);
reached(deaf => 'expired');
is row(deaf => 'last_error'), 'the database refused what became of it', 'what the database refuses is told in other words';
fetch(behind => $media->address('whole', 'behind'));
reached(behind => 'stored');
wait_for('three refusals', sub { 3 == grep { /ERROR the database refuses a recording: / } $driver->log_lines });
is row(never => 'state'), 'fetching', 'then left: the next are fetched';
$cluster->psql('ALTER TABLE call_log.recordings DROP CONSTRAINT deaf');

fetch(nobody => 'https://localhost:1/whole/x?access_token=live');
wait_for('an attempt', sub { row(nobody => 'last_error') });
like row(nobody => q(last_error || ' ' || state)), qr/^localhost: Couldn't connect to server (waiting|fetching)$/,
  'a server that is not there is tried again';

# -------------------------------------------------------------- the token is over
fetch(late => $media->address('whole', 'late', token => 'dead-token'));
wait_for('the denial', sub { row(late => 'attempts') == 1 && row(late => 'state') eq 'waiting' });
is row(late => 'last_error'), 'localhost: status 401', 'an address whose token is over is not tried again';
wait_for('the page to be asked', sub { grep { $_->{type} eq 'call-log-recordings' && $_->{agent} eq 'ann' } $driver->posts });
my ($status, $data) = $driver->question('call_log/recordings', { recordings => [] });
is $status, 'OK', 'the page may ask what is wanted';
is_deeply [ grep { $_->{recordingId} eq 'r-late' } @{ $data->{wanted} } ],
  [ { recordingId => 'r-late', sessionId => 's-late', telephonySessionId => undef } ], 'and is told';
is_deeply +($driver->question('call_log/recordings', { recordings => [] }, agent => 'bob'))[1], { wanted => [] }, 'of her own only';
offer(late => $media->address('whole', 'late'));
reached(late => 'stored');
is_whole(late => 'with a fresh token');

# A second record of the call tells of the recording that the first did not have.
is $driver->logged(session_id => 's-second-record', body => { triggerType => 'callLogSync' },
	call => { action => 'Phone Call', result => 'Accepted' }), 'OK', 'a record without a recording';
recorded('second-record' => $media->address('whole', 'second-record'));
is row('second-record' => 'state'), 'waiting', 'and one with it, whose address is not there yet';
offer('second-record' => $media->address('whole', 'second-record'));
reached('second-record' => 'stored');
pass 'a recording that comes late is fetched';

is $driver->logged(session_id => 's-link', call => { action => 'Phone Call', recording => { id => 'r-link', link => 'https://media.test/l' } }),
  'OK', 'a call with nothing but a link';
is row(link => 'state'), 'waiting', 'is to be fetched as well, in the transaction that logged it';
ok -d $folder && !grep({ !/\.(mp3|part)$/ } glob "$folder/*/*"), 'nothing else lies in the folder';

my ($stopped, $ms) = $driver->stop(5000);
is $stopped, 'OK', 'stopped';
cmp_ok $ms, '<', 3000, "promptly ($ms ms)";
$driver->destroy;
is $driver->quit, 0, 'and gone';

# --------------------------------------------------- the name of a private address
$driver = Driver->new;
for ([ private => 'localhost' ], [ inner => '10.0.0.1' ], [ cloud => '169.254.169.254' ]) {
	is $driver->create(%config, recording_loopback => 'false', recording_hosts => $_->[1]) // 'ok', 'ok', "fetching from $_->[1]";
	$driver->start;
	fetch($_->[0] => $media->address('whole', $_->[0], host => $_->[1]));
	reached($_->[0] => 'refused');
	is row($_->[0] => 'last_error'), "$_->[1]: its address is not public", 'which is an inner network, is refused';
	$driver->stop(5000);
	$driver->destroy;
}
is_deeply [ $media->requests('whole/private') ], [], 'and nobody was asked';

# An authority that the system trusts, where its folder can be had, does not vouch for
# a server when there is another in the configuration.
my $system = scratch();
my ($hash) = split /\n/, run_ok([ qw(openssl x509 -noout -hash -in), $media->ca ]);
spew("$system/$hash.0", slurp($media->ca));
my @mount = ('unshare', '-Urm', 'sh', '-c', 'mount --bind "$0" /etc/ssl/certs && exec "$@"', $system);
$driver = Driver->new(eval { (run([ @mount, 'true' ]))[0] == 0 } ? (prefix => \@mount) : ());
run_ok([ qw(openssl req -x509 -newkey rsa:2048 -nodes -subj /CN=another -keyout), "$system/key", '-out', "$system/another" ]);
$driver->create(%config, recording_ca => "$system/another");
$driver->start;
fetch(vouched => $media->address('whole', 'vouched'));
wait_for('an attempt', sub { row(vouched => q(last_error IS NOT NULL OR state = 'stored')) eq 't' });
is row(vouched => 'last_error'), 'localhost: SSL peer certificate or SSH remote key was not OK', 'only recording_ca vouches for a server';
$driver->stop(5000);
$driver->destroy;

# ------------------------------------------------------------- where none are fetched
for my $mode (qw(link off)) {
	$driver->create(%config, recordings => $mode);
	$driver->start;
	recorded("not-$mode" => $media->address('whole', "not-$mode"));
	is row("not-$mode" => 'count(*)'), 0, "recordings = $mode: no recording is to be fetched";
	is offer("not-$mode" => $media->address('whole', "not-$mode")), 'UNSUPPORTED', 'no address is taken';
	is $cluster->psql("SELECT concat_ws(' ', recording_id, recording_link, (body::text LIKE '%recording%')::text)
		FROM call_log.calls WHERE session_id = 's-not-$mode'"), $mode eq 'off' ? 'false' : 'r-not-link https://media.test/ true',
	  $mode eq 'off' ? 'and nothing of it is kept' : 'and its link is kept';
	$driver->stop(5000);
	$driver->destroy;
}
is $cluster->psql(q(SELECT concat_ws(' ', stored + waiting + expired + failed, stored > 19, waiting > 0, expired, failed > 10, bytes > 0) FROM call_report.recorded)),
  $cluster->psql('SELECT count(*) FROM call_log.recordings') . ' t t 3 t t', 'the report counts all of it';
done_testing;
