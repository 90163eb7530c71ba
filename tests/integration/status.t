# What an administrator sees in /status of the real host: the database and since
# when, what waits and what became of calls, while all is well, in an outage and
# afterwards.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use HttpDriver;
use Process qw(scratch wait_for);
use POSIX qw(strftime);
use Test::More;

my $cluster = Cluster->new;
$cluster->install_schema;
# As /status writes times, which compare as text.
sub now_text { strftime('%Y-%m-%dT%H:%M:%SZ', gmtime) }
my $began = now_text();
my $driver = HttpDriver->new(conninfo => $cluster->conninfo, spool => scratch() . '/spool.db',
	commit_deadline_ms => 500);

# The members that do not depend on timing.
sub health_of {
	my (@names) = @_;
	my $health = $driver->health;
	return { map { $_ => $health->{$_} } @names };
}

is $driver->logged(session_id => '1', request_id => 'r1'), 'OK', 'a call is logged';
my $health = $driver->health;
is $health->{database}{state}, 'ok', 'the database is well';
cmp_ok $health->{database}{since}, 'ge', $began, 'and since when';
is_deeply health_of(qw(stored spooled replayed rejected refused repeated busy failed)),
  { stored => 1, spooled => 0, replayed => 0, rejected => 0, refused => 0, repeated => 0, busy => 0, failed => 0 },
  'one call is stored';
is +($driver->call(Driver::log_message(session_id => '', call => { id => '' })))[0], 'BAD_REQUEST', 'a message without a call is refused';
is $driver->health->{refused}, 1, 'which is counted';

my $cut = now_text();
$cluster->stop;
is $driver->logged(session_id => "away$_"), 'OK', "call $_ of an outage is logged" for 1 .. 3;
wait_for('the spool to be told', sub { ($driver->health->{spool}{rows} // 0) == 3 });
$health = $driver->health;
is $health->{database}{state}, 'away', 'the database is away';
cmp_ok $health->{database}{since}, 'ge', $cut, 'since just now';
ok $health->{database}{last_error}, "because: $health->{database}{last_error}";
cmp_ok $health->{spool}{bytes}, '>', 0, 'the spool has a size';
cmp_ok $health->{spool}{oldest}, 'ge', $cut, 'and an oldest event';
is_deeply health_of(qw(stored spooled)), { stored => 1, spooled => 3 }, 'three calls went there';

$cluster->start;
wait_for('the spool to be empty and every connection to be back', sub {
	$health = $driver->health;
	$health->{spool}{rows} == 0 && $health->{database}{state} eq 'ok';
});
pass 'the database is back';
is_deeply health_of(qw(stored replayed queued)), { stored => 1, replayed => 3, queued => 0 },
  'the three are replayed, and nothing waits';
cmp_ok $health->{database}{last_error_at}, 'ge', $cut, 'the last error has its time';

$cluster->psql(q(ALTER TABLE call_log.calls ADD CONSTRAINT poison CHECK (session_id <> 'bad')));
is $driver->logged(session_id => 'bad'), 'FAILED', 'a call that the database refuses is not logged';
is $driver->health->{rejected}, 1, 'which is counted';
is $driver->quit, 0, 'the host ends well';
done_testing;
