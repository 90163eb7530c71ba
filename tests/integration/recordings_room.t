# Where recordings are kept: in the folder that has them, not in the bare place where it
# is to be mounted; as long as their share of the disk lasts. What waits says so, in its
# row, in the log and in the health.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Media;
use Process qw(root run scratch slurp spew wait_for);
use Test::More;

my $cluster = Cluster->new(settings => { fsync => 'off', log_statement => 'all' });
$cluster->install_schema;
$cluster->psql('CREATE ROLE plugin LOGIN IN ROLE call_log_writer');
my $media = Media->new;
my $folder = scratch() . '/recordings';
my $mark = 'call_log.recordings';
my %config = (conninfo => $cluster->conninfo(user => 'plugin'), recordings => 'fetch', recordings_dir => $folder,
	recording_hosts => 'localhost', recording_ca => $media->ca, recording_loopback => 'true');
my $driver;

sub begin {
	$driver = Driver->new;
	is $driver->create(%config, @_), undef, 'created';
	is $driver->start, 'OK', 'started';
}
sub end { is +($driver->stop(5000))[0], 'OK', 'stopped'; $driver->destroy; is $driver->quit, 0, 'and gone' }
sub offer {
	my ($id, $how) = @_;
	is +($driver->question('call_log/recordings', { recordings => [
		{ sessionId => "s-$id", recordingId => "r-$id", contentUri => $media->address($how // 'whole', $id) } ] }))[0], 'OK', "$id: its address is taken";
}
sub fetch {
	my ($id, $how) = @_;
	is $driver->logged(session_id => "s-$id", body => { triggerType => 'callLogSync' }, call => { action => 'Phone Call',
			result => 'Accepted', recording => { id => "r-$id", contentUri => $media->address('whole', $id) } }), 'OK', "$id is logged";
	offer($id, $how);
}
sub row { $cluster->psql("SELECT $_[1] FROM call_log.recordings WHERE recording_id = 'r-$_[0]'") }
sub reached { my ($id, $state) = @_; wait_for("$id to be $state", sub { row($id, 'state') eq $state }) }
sub said { my ($what) = @_; return scalar grep { /$what/ } $driver->log_lines }
sub waits { my ($why) = @_; wait_for("health to say '$why'", sub { $driver->health->{recordings}{last_error} eq $why }) || 1 }
sub statements { my ($what) = @_; return scalar(() = $cluster->log_text =~ /$what/g) }
sub check { return run([ root() . '/packaging/check-recordings', $folder, '-d', $cluster->conninfo ], env => { PATH => $cluster->bin('') . ":$ENV{PATH}" }) }
my $is_there = sub { my ($where) = @_; return join ' ', map { s{^\Q$where/}{}r } sort glob "$where/* $where/*/*" };

# -------------------------------------------------------------- first of all
begin();
fetch('one');
reached(one => 'stored');
ok -f "$folder/$mark", 'a folder is marked when it is used first';
like slurp("$folder/$mark"), qr/kept here.*not mounted/s, 'and the mark says what it is';
is_deeply $driver->health->{recordings}, { last_error => '' }, 'the health says that there is room';
is_deeply [ (check())[ 0, 1 ] ], [ 0, '' ], 'the mark is no orphan';

# --------------------------------------------- the folder goes, and comes again
rename $folder, "$folder.away" or die;
mkdir $folder or die;
$cluster->psql(q(DELETE FROM call_log.calls WHERE session_id = 's-one'));
fetch('two');
my $why = "the folder '$folder' of 'recordings_dir' has none of the recordings that there are: mount it; or, if it is the right one, make a file $mark in it";
ok waits($why), 'a bare folder is not taken for the one, also by a host that runs';
is said(qr/ERROR recordings wait: \Q$why\E/), 1, 'which the log says';
end();
my $swept = statements('FROM call_log.sweep_recordings');
begin();
offer('two');
ok waits($why), 'nor when it starts';
is said(qr/ERROR recordings wait: \Q$why\E/), 1, 'and the log says it';
wait_for('the row to say so', sub { row(two => 'last_error') eq "waits: $why" });
is row(two => 'state'), 'waiting', 'so does the row of what waits';
is $is_there->($folder), '', 'nothing is fetched into it';
is_deeply [ $media->requests('whole/two') ], [], 'nor asked for';
is row(one => q(concat_ws(' ', state, erase_at IS NOT NULL))), 'stored t', 'nothing is taken to be deleted';
cmp_ok statements('FROM call_log.sweep_recordings'), '>', $swept, 'though somebody looked';
is_deeply [ (check())[ 0, 2 ] ], [ 2, "$folder: there is no file $mark: is it mounted?\n" ], 'nor does the check take all for orphans';
rmdir $folder or die;
rename "$folder.away", $folder or die;
reached(two => 'stored');
wait_for('what was to be erased', sub { row(one => 'count(*)') == 0 && $is_there->($folder) =~ /^\d{4}-\d\d \d{4}-\d\d\/2-\w+\.mp3 \Q$mark\E$/ });
pass 'mounted again, all goes on: what is to be fetched is, what is to be erased is';
ok waits(''), 'and the health says that';
is said(qr/INFO there is room for recordings again/), 1, 'and the log';
end();

# One from before there were marks; and one whose files are gone for good.
unlink "$folder/$mark" or die;
begin(recordings => 'link');
wait_for('a mark', sub { -f "$folder/$mark" });
pass 'a folder that has a recording is the one, without a mark';
end();
unlink "$folder/$mark" or die;
rename "$folder/" . row(two => 'path'), "$folder/kept" or die;
begin();
ok waits($why), 'one that has none is not';
spew("$folder/$mark", '');
ok waits(''), 'unless somebody says so';
rename "$folder/kept", "$folder/" . row(two => 'path') or die;
end();

# ------------------------------------------------ erased while it was fetched
# By another host, which took this one for dead: it deleted what there was, and then
# the row.
begin();
fetch(erased => 'slow');
wait_for('its file', sub { $is_there->($folder) =~ /\.part/ });
my $name = row(erased => 'name');
my $settled = statements('SELECT call_log.settle_recording');
$cluster->psql(q(DELETE FROM call_log.recordings WHERE recording_id = 'r-erased'));
wait_for('it to be told what became of it', sub { statements('SELECT call_log.settle_recording') > $settled });
fetch('behind');
reached(behind => 'stored');
is_deeply [ glob "$folder/$name*" ], [], 'a file whose row is gone when it is whole goes too';
end();

# ----------------------------------------------------- that cannot be forgotten
$cluster->psql(q(CREATE FUNCTION keep() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RAISE EXCEPTION ''it is kept''; END';
	CREATE TRIGGER keep BEFORE DELETE ON call_log.recordings FOR EACH ROW WHEN (OLD.recording_id ~ '^r-kept') EXECUTE FUNCTION keep();
	INSERT INTO call_log.recordings (account, agent, session_id, recording_id, erase_at)
	SELECT 'acme', 'ann', id, id, now() FROM unnest('{r-gone1,r-kept1,r-gone2,r-kept2,r-gone3}'::text[]) AS id));
my $forgets = statements('SELECT call_log.forget_recording');
begin();
wait_for('the others to go', sub { $cluster->psql(q(SELECT count(*) FROM call_log.recordings WHERE recording_id ~ '^r-gone')) == 0 });
fetch('beside');
reached(beside => 'stored');
pass 'a row that cannot be deleted keeps no other, nor what is to be fetched';
cmp_ok statements('SELECT call_log.forget_recording') - $forgets, '<', 12, 'nor is that tried again and again';
cmp_ok said(qr/ERROR the database refuses to forget a recording: SQLSTATE P0001/), '>=', 2, 'and the log says it';
end();
$cluster->psql(q(DROP TRIGGER keep ON call_log.recordings; DELETE FROM call_log.recordings WHERE recording_id ~ '^r-kept'));

# -------------------------------------------------------------------- share
$cluster->psql(q(UPDATE call_log.recordings SET bytes = 2::bigint << 30 WHERE recording_id = 'r-two';
	INSERT INTO call_log.recordings (account, agent, session_id, recording_id, last_error) VALUES ('acme', 'ann', 's-old', 'r-old', 'localhost: status 401')));
sub sweeps { statements('FROM call_log.sweep_recordings') }
$cluster->psql('ALTER FUNCTION call_log.sweep_recordings RENAME TO later');
begin(recordings_quota_gb => 1);
fetch("more$_") for 1 .. 3;
my $tried = sweeps();
wait_for('them to be counted in vain', sub { sweeps() > $tried });
is $cluster->psql('SELECT sum(attempts) FROM call_log.recordings WHERE recording_id ~ \'more\''), 0, 'none is fetched before all are counted';
$cluster->psql('ALTER FUNCTION call_log.later RENAME TO sweep_recordings');
end();
begin(recordings_quota_gb => 1);
offer("more$_") for 1 .. 3;
my $share = q('recordings_quota_gb' is reached);
ok waits($share), 'their share of the disk is used up';
is said(qr/WARN recordings wait: $share/), 1, 'which the log says';
wait_for('the rows to say so', sub { $cluster->psql("SELECT count(*) FROM call_log.recordings WHERE state = 'waiting' AND last_error = \$\$waits: $share\$\$") == 4 });
is_deeply [ $media->requests('whole/more1') ], [], 'and so does each row, of which none is asked for';
$cluster->psql(q(UPDATE call_log.recordings SET bytes = 1 WHERE recording_id = 'r-two'));
end();
begin(recordings_quota_gb => 1);
wait_for('the rows to say so', sub { $cluster->psql(q(SELECT count(*) FROM call_log.recordings WHERE last_error ~ '^waits')) == 0 });
pass 'when there is room again none waits for it';
offer('more1');
reached(more1 => 'stored');
is row(more1 => 'last_error'), '', 'and it is fetched';
end();
done_testing;
