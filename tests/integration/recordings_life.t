# Recordings beside what else happens: the database is away, the disk or the share of
# it is full, the host stops in the middle, many come at once, some are to be erased;
# and their tokens are nowhere to be found.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Media;
use POSIX ();
use Process qw(root run scratch slurp spew wait_for);
use Test::More;

my $cluster = Cluster->new(settings => { fsync => 'off', log_statement => 'all' });
$cluster->install_schema;
$cluster->psql('CREATE ROLE plugin LOGIN IN ROLE call_log_writer');
my $media = Media->new;
my ($small, $large) = map { Media->new(bytes => $_, token => $media->token) } 10_000, 1_000_000;
spew(my $authorities = scratch() . '/authorities', join '', map { slurp($_->ca) } $media, $small, $large);
my $spool = scratch() . '/spool.db';
my $folder = scratch() . '/recordings';
my %config = (conninfo => $cluster->conninfo(user => 'plugin'), recordings => 'fetch', recordings_dir => $folder,
	recording_hosts => 'localhost', recording_ca => $authorities, recording_loopback => 'true', body => 'all',
	recording_parallel => 100, spool => $spool, commit_deadline_ms => 300);
my $driver;

sub begin { begin_with({@_}) }
sub begin_with {
	my $more = pop;
	$driver = Driver->new(@_);
	is $driver->create(%config, %$more), undef, 'created';
	is $driver->start, 'OK', 'started';
}
my @log;
sub end { push @log, $driver->log_lines; is +($driver->stop(5000))[0], 'OK', 'stopped'; $driver->destroy; is $driver->quit, 0, 'and gone' }
sub message {
	my ($id, $address) = @_;
	return Driver::log_message(session_id => "s-$id", body => { triggerType => 'callLogSync' }, call => { action => 'Phone Call',
			result => 'Accepted', startTime => time * 1000, from => { phoneNumber => $id eq 'away' ? '+16505550999' : '+16505550100' }, recording => { id => "r-$id", link => 'https://media.test/?media=' . $address, contentUri => $address } });
}
sub offer {
	my ($id, $address) = @_;
	is +($driver->question('call_log/recordings',
			{ recordings => [ { sessionId => "s-$id", recordingId => "r-$id", contentUri => $address } ] }))[0], 'OK', "$id: its address is taken";
}
sub fetch {
	my ($id, $address) = @_;
	is +($driver->call(message($id, $address)))[0], 'OK', "$id is logged";
	offer($id, $address);
}
sub row { $cluster->psql("SELECT $_[1] FROM call_log.recordings WHERE recording_id = 'r-$_[0]'") }
sub reached { my ($id, $state) = @_; wait_for("$id to be $state", sub { row($id, 'state') eq $state }) }
sub is_whole {
	my ($id, $what) = @_;
	ok slurp("$folder/" . row($id, 'path')) eq $media->{sound}, $what;
}
sub files { my ($ending) = @_; return grep { /\Q$ending\E$/ } glob "$folder/*/*" }
begin();

# ------------------------------------------------------- the database is away
fetch(away => $media->address('slow', 'away'));
wait_for('the download', sub { $media->requests('slow/away') });
$cluster->stop('immediate');
wait_for('the file', sub { files('.mp3') });
is +($driver->call(message(spooled => $media->address('whole', 'spooled'))))[0], 'OK', 'a call is spooled meanwhile';
offer(spooled => $media->address('whole', 'spooled'));
my $token = $media->token;
unlike slurp($spool), qr/\Q$token\E/, 'the spool has no token';
like slurp($spool), qr/r-spooled/, 'though it has the call';
$cluster->start;
reached(away => 'stored');
is_whole(away => 'what came while the database was away is known when it is back');
reached(spooled => 'stored');
is_whole(spooled => 'a recording of a call that was spooled is fetched when its call is stored');

# ------------------------------------------------------------------ no room
# A small disk of the host's own, where one can be had; else one that is told to be full.
end();
mkdir my $disk = scratch() . '/disk' or die $!;
my @mount = ('unshare', '-Urm', 'sh', '-c', 'mount -t tmpfs -o size=700k,mode=755 none "$0" && : >"$0/call_log.recordings" && exec "$@"', $disk);
spew("$disk/call_log.recordings", '');
my $is_real = eval { (run([ @mount, 'true' ]))[0] == 0 };
begin_with($is_real ? (prefix => \@mount) : (), { recordings_dir => $disk });
my $seen = $is_real ? '/proc/' . $driver->pid . "/root$disk" : $disk;
my $kind = $is_real ? 'a file system of 700 kB' : 'writes that fail';
$is_real ? spew("$seen/ballast", 'x' x 500_000) : $driver->disk(grow => 100_000);
fetch(room => $media->address('whole', 'room'));
wait_for('the disk to be full', sub { grep { /WARN recordings wait: there is no room on the disk/ } $driver->log_lines });
reached(room => 'waiting');
like row(room => 'last_error'), qr/there is no room on the disk$/, "the row says what it waits for ($kind)";
is +($driver->log_call(session_id => 'beside'))[0], 'OK', 'calls are logged meanwhile';
$is_real ? unlink "$seen/ballast" : $driver->disk(grow => -1);
reached(room => 'stored');
ok slurp("$seen/" . row(room => 'path')) eq $media->{sound}, 'when there is room it goes on';
is scalar(grep { /there is room for recordings again/ } $driver->log_lines), 1, 'and says so';
my @asked = $media->requests('whole/room');
cmp_ok scalar @asked, '>', 1, 'from where it ended';
like $asked[-1], qr/^live bytes=\d+-$/, 'as far as it was written';
# so that what follows finds it in the folder of all
$cluster->psql(q(DELETE FROM call_log.recordings WHERE recording_id = 'r-room'));
end();
begin();
fetch(room => $media->address('whole', 'room2'));
reached(room => 'stored');
end();

# ------------------------------------------------------- a folder that is none
my $late = scratch() . '/late';
sub claims { scalar(() = $cluster->log_text =~ /FROM call_log\.claim_recording/g) }
my $before = claims();
begin(recordings_dir => "$late/recordings");
is scalar(grep { m{ERROR recordings wait: the folder '$late/recordings' of 'recordings_dir' cannot be made} } $driver->log_lines), 1,
  'a folder that cannot be made is told of once, and does not keep the plugin from its start';
fetch("late$_" => $media->address('whole', "late$_")) for 1 .. 20;
is claims(), $before, 'nothing is claimed, and calls are logged';
my ($month) = row(away => 'path') =~ m{^([^/]+)/};
mkdir for $late, "$late/recordings";
spew("$late/recordings/call_log.recordings", '');
spew("$late/recordings/$month", 'where the folder of the month should be');
wait_for('the disk to be tried again', sub { claims() >= $before + 3 });
cmp_ok claims(), '<', $before + 10, 'a disk that fails is tried now and then, not with every recording';
unlink "$late/recordings/$month";
reached("late$_" => 'stored') for 1 .. 20;
is scalar(grep { /there is room for recordings again/ } $driver->log_lines), 2, 'all are fetched when it is there and can be written';
end();
$cluster->psql(q(DELETE FROM call_log.recordings WHERE recording_id ~ '^r-late'));

# ---------------------------------------------------------- stopped in the middle
begin();
fetch(stopped => $media->address('slow', 'stopped'));
wait_for('some of it', sub { my ($part) = files('.part'); $part && -s $part > 20_000 });
my ($status, $ms) = $driver->stop(5000);
is $status, 'OK', 'stopped in the middle';
cmp_ok $ms, '<', 3000, 'promptly';
is row(stopped => q(concat_ws(' ', state, last_error))), 'waiting the host was stopped', 'the row says so';
is scalar(my @parts = files('.part')), 1, 'what came is kept';
my $had = -s $parts[0];
$driver->destroy;
is $driver->quit, 0, 'gone';
begin();
offer(stopped => $media->address('slow', 'stopped'));
reached(stopped => 'stored');
is_whole(stopped => 'the next host goes on with it');
# where a file system keeps attributes of files, and so what the part is of
open my $probe, '>', scratch() . '/probe' or die $!;
my $keeps = syscall({ x86_64 => 190, aarch64 => 7 }->{(POSIX::uname())[4]} // -1, fileno $probe, my $name = 'user.probe', my $none = '', 0, 0) == 0;
is_deeply [ $media->requests('slow/stopped') ], [ 'live -', $keeps ? "live bytes=$had-" : 'live -' ], 'from where it ended';
is scalar(files('.part')), 0, 'nothing is left of that';

# ------------------------------------------------------------- many at once
sub peak { (slurp('/proc/' . $driver->pid . '/status') =~ /VmHWM:\s+(\d+)/)[0] }
sub flood {
	my ($name, $server) = @_;
	$driver->call(message("$name$_", $server->address('slow', "$name$_"))) for 1 .. 100;
	is +($driver->question('call_log/recordings', { recordings => [ map { { sessionId => "s-$name$_", recordingId => "r-$name$_",
					contentUri => $server->address('slow', "$name$_") } } 1 .. 100 ] }))[0], 'OK', '100 addresses at once';
	wait_for('all of them', sub { $cluster->psql("SELECT count(*) FROM call_log.recordings WHERE recording_id ~ '^r-$name' AND state = 'stored'") == 100 }, 90);
	return peak();
}
my $first = flood(many => $small);
my $second = flood(more => $large);
my $sanitized = ($ENV{BUILD} // '') =~ /asan|tsan/; # keeps what was freed
cmp_ok $second - $first, '<', $sanitized ? 1 << 20 : 8192,
  "100 downloads at once take the same memory whatever their size: of 10 kB at most $first kB, of 1 MB $second kB";

# ----------------------------------------------------------------- the token
my @look = ([ 'the database' => join '', map { $_ // '' } (run([ $cluster->bin('pg_dump'), '-d', $cluster->conninfo ]))[1] ],
	[ "the database's log, with all statements" => $cluster->log_text ],
	[ 'the log' => join "\n", @log, $driver->log_lines ], [ 'the spool' => slurp($spool) ],
	[ 'the folder' => join "\n", glob "$folder/* $folder/*/*" ],
	map { my $name = $_; [ "/proc/.../$name" => slurp('/proc/' . $driver->pid . "/$name") ] } qw(cmdline environ status maps));
for (@look) {
	my ($where, $text) = @$_;
	cmp_ok length $text, '>', 0, "$where says something" if $where !~ /proc/;
	unlike $text, qr/\Q$token\E/, "$where: no token";
}
like $look[0][1], qr/"recording":\{"contentUri"|contentUri/, 'though messages are kept whole';

# ------------------------------------------------------------------- erasure
fetch(after => $media->address('whole', 'after'));
reached(after => 'stored');
end();
my @gone = map { "$folder/" . row($_ => 'path') } qw(away room spooled);
$cluster->psql(q(CALL call_log.erase_person('acme', number => '+16505550999')));
$cluster->psql(q(UPDATE call_log.calls SET started_at = now() - interval '30 days' WHERE session_id IN ('s-room', 's-spooled')));
1 while $cluster->psql(q(SELECT call_log.purge('acme', now() - interval '20 days')));
is $cluster->psql(q(SELECT string_agg(recording_id, ' ' ORDER BY recording_id) FROM call_log.recordings WHERE erase_at IS NOT NULL)), 'r-away r-room r-spooled', 'a call that is erased or purged takes its recording along';
# as one leaves it who died when the file was gone
unlink $gone[2] or die $!;
# what was begun and nobody will go on with, and what somebody will
my ($begun) = $cluster->psql(q(INSERT INTO call_log.recordings (account, agent, session_id, recording_id) VALUES ('acme', 'ann', 's-begun', 'r-begun');
	UPDATE call_log.recordings r SET name = call_log.recording_name(r) WHERE recording_id = 'r-begun' RETURNING name));
my @left = map { "$folder/$_.part" } row(after => 'name'), $begun =~ s{/\d+}{/123456789}r, $begun;
spew($_, 'ID3') for @left;
begin(recordings => 'link'); # its chores are the first it does, also of one that fetches none
wait_for('the rows to go', sub { $cluster->psql(q(SELECT count(*) FROM call_log.recordings WHERE recording_id IN ('r-away', 'r-room', 'r-spooled'))) == 0 });
is_deeply [ grep { -e } @gone ], [], 'file and row, also where the file was gone already';
is scalar(files('.mp3')), $cluster->psql(q(SELECT count(*) FROM call_log.recordings WHERE state = 'stored')), 'and nothing else';
wait_for('what was left to go', sub { files('.part') < 2 });
is_deeply [ grep { -e } @left ], [ $left[2] ], 'so does what was begun of one that is stored, or gone, and not of one that waits';
end();
unlink $left[2] or die $!;
$cluster->psql(q(DELETE FROM call_log.recordings WHERE recording_id = 'r-begun'));
$cluster->psql(q(UPDATE call_log.recordings SET created_at = created_at - interval '31 days' WHERE recording_id ~ '^r-m'));
begin(recordings_retention_days => 30);
wait_for('what is older than the retention', sub { $cluster->psql('SELECT count(*) FROM call_log.recordings') < 10 });
my @rows = split /\n/, $cluster->psql('SELECT path FROM call_log.recordings WHERE path IS NOT NULL ORDER BY 1');
is join(' ', sort map { s{^\Q$folder/}{}r } files('.mp3')), join(' ', @rows), 'retention deletes the files and then the rows';
end();
# a statement's share of it in each sweep, of which there is one a minute else
$cluster->psql(q(INSERT INTO call_log.recordings (account, agent, session_id, recording_id, created_at) SELECT 'acme', 'eve', n, n, now() - interval '9 days' FROM generate_series(1, 3500) AS n));
begin();
wait_for('all that waited too long', sub { $cluster->psql(q(SELECT count(*) FROM call_log.recordings WHERE agent = 'eve' AND state = 'expired')) == 3500 });
pass 'what is too old is given up at once, however much it is';
end();
$cluster->psql(q(DELETE FROM call_log.recordings WHERE agent = 'eve'));

# ------------------------------------------------------------------- orphans
sub check { return run([ root() . '/packaging/check-recordings', @_, $folder, '-d', $cluster->conninfo ], env => { PATH => $cluster->bin('') . ":$ENV{PATH}" }) }
is_deeply [ (check('--sums'))[ 0, 1 ] ], [ 0, '' ], 'the check finds no orphan';
my ($first_file, $second_file) = map { s{^\Q$folder/}{}r } sort +files('.mp3');
spew("$folder/2001-01.mp3", 'x');
rename "$folder/$first_file", "$folder/$first_file.away" or die;
spew("$folder/$second_file", $media->{sound} =~ s/.\z/!/sr);
is_deeply [ (check())[ 0, 1 ] ], [ 1, "file without a row: 2001-01.mp3\nfile without a row: $first_file.away\nrow without a file: $first_file\n" ],
  'it names those of either side';
is +(check('--sums'))[1], (check())[1] . "another content than its row says: $second_file\n", 'and what is not what it was';
spew("$folder/$second_file", 'short');
like +(check())[1], qr/^another length than its row says: \Q$second_file\E$/m, 'or was cut';

done_testing;
