# Calls that nobody logged, handed over later, many at once: each is durable before
# the answer, told apart from what was logged at the time, and refused one by one.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use JSON::PP ();
use Process qw(scratch wait_for);
use Test::More;

my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
$cluster->psql('CREATE ROLE plugin LOGIN IN ROLE call_log_writer');
my $spool = scratch() . '/spool.db';
my $driver = Driver->new;
is $driver->create(conninfo => $cluster->conninfo(user => 'plugin'), spool => $spool, commit_deadline_ms => 1500), undef, 'created';
$driver->start;

# A call as the widget's list of un-logged calls has it.
sub record {
	my ($id, %more) = @_;
	return { id => "R$id", sessionId => "$id", telephonySessionId => "s-$id", type => 'Voice', internalType => 'Local', action => 'Phone Call',
		direction => 'Inbound', result => 'Accepted', duration => 30, startTime => 1_770_000_000_000 + $id * 60_000,
		from => { phoneNumber => '+16505550100', name => 'Zoe' }, to => { phoneNumber => '+14155550101' }, extension => { id => 101 }, %more };
}
sub backfill { my ($calls, %who) = @_; return $driver->question('call_log/backfill', { calls => $calls }, %who) }
sub logged_by { $cluster->psql("SELECT logged_by || ' ' || state FROM call_log.calls WHERE agent = 'ann' AND session_id = '$_[0]'") }
sub count { $cluster->psql("SELECT count(*) FROM call_log.calls WHERE $_[0]") }

# ------------------------------------------------------------------ many at once
for my $count (1, 50, 200) {
	my ($status, $data) = backfill([ map { record($count * 1000 + $_) } 1 .. $count ]);
	is $status, 'OK', "$count calls are taken";
	is_deeply $data, { logged => [ map { '' . ($count * 1000 + $_) } 1 .. $count ], refused => [] }, 'each is told to be logged';
	is count("logged_by = 'backfill' AND session_id::int BETWEEN $count * 1000 + 1 AND $count * 1000 + $count"), $count, 'and is, as found later';
}
is_deeply +(backfill([]))[1], { logged => [], refused => [] }, 'none is none';
my ($status, $data) = backfill([ map { record(900_000 + $_) } 1 .. 201 ]);
is "$status $data", 'BAD_REQUEST body.calls has 201 calls, allowed are 200', 'too many are refused';
is count("session_id LIKE '900%'"), 0, 'all of them';
for my $body ({}, { calls => undef }, { calls => {} }, { calls => 'x' }) {
	is +($driver->question('call_log/backfill', $body))[0], 'BAD_REQUEST', 'refused: ' . JSON::PP->new->encode($body);
}
is_deeply [ map { $_->[0]{id} ? 1 : 0 } @{ $driver->match([ '1001', '50001', '200200' ]) }{ '1001', '50001', '200200' } ], [ 1, 1, 1 ],
  'a match finds them';
is $cluster->psql(q(SELECT from_number || from_name || duration_s || outcome FROM call_log.calls WHERE session_id = '1001')), '+16505550100Zoe30answered',
  'with their facts';

# ------------------------------------------------------------ what is logged already
is $driver->logged(session_id => '1', call => record(1), body => { triggerType => 'callLogSync' }), 'OK', 'one is logged by the widget';
is $driver->logged(session_id => '2', call => record(2), body => { triggerType => 'logForm', formData => { note => 'mine' }, note => 'mine' }), 'OK', 'one by the agent';
is $driver->logged(session_id => '3'), 'OK', 'of one the end never came';
is_deeply +(backfill([ map { record($_, note => 'forged', aiNote => 'AI', transcript => 'A: b') } 1 .. 4 ]))[1]{logged}, [ 1 .. 4 ], 'they are handed over, too';
is join(', ', map { logged_by($_) } 1 .. 4), 'auto final, manual final, auto final, backfill final', 'who logged a call is not overwritten, what was missing is there';
is $cluster->psql(q(SELECT note FROM call_log.calls WHERE session_id = '2')), 'mine', 'nor is a note';
is $cluster->psql(q(SELECT string_agg(DISTINCT ai_note || transcript, '') FROM call_log.calls WHERE session_id IN ('1', '2', '3', '4'))), 'AIA: b', 'what the phone service noted is kept';
is $cluster->psql(q(SELECT count(*) FROM call_log.notes)), 1, 'a backfill is no save';
is $driver->logged(session_id => '4', call => record(4), body => { triggerType => 'callLogSync' }), 'OK', 'the widget logs one after all';
is logged_by('4'), 'auto final', 'and then it was the widget';

# ------------------------------------------------------------------ bad among good
my $token = 'S3CRET';
my @bad = (record(11), 'x', undef, [], {}, record(12, sessionId => 'x' x 300), record(13, sessionId => undef), record(14, direction => 7),
	record(15, startTime => 'never'), record(16, recording => { id => 'k', contentUri => "https://m.test/1?access_token=$token", link => 'https://l.test' }), record(11));
($status, $data) = backfill(\@bad);
is $status, 'OK', 'calls that are wrong do not keep others from being logged';
my %refused = map { $_->{sessionId} => $_->{reason} } @{ $data->{refused} };
is join(' ', grep { $_ ne '' } @{ $data->{logged} }), '11 14 15 16 11', 'those are told';
is scalar(@{ $data->{refused} }), 6, 'and each that was refused';
is scalar(grep { !length $_->{reason} } @{ $data->{refused} }), 0, 'with why';
is count("session_id IN ('11', '14', '15', '16')"), 4, 'they are there, each once';
is $cluster->psql("SELECT count(*) FROM call_log.calls c WHERE c::text LIKE '%$token%'"), 0, 'no token is kept';
$cluster->psql("ALTER TABLE call_log.calls ADD CONSTRAINT no_21 CHECK (session_id <> '21')");
($status, $data) = backfill([ map { record($_) } 20 .. 22 ]);
is_deeply [ $status, $data->{logged}, $data->{refused}[0]{sessionId} ], [ 'OK', [ 20, 22 ], '21' ], 'what the database refuses is told, too';
like $data->{refused}[0]{reason}, qr/database refuses it/, 'with why';
is $cluster->psql(q(SELECT string_agg(session_id, ' ') FROM call_log.rejected)), '21', 'and kept aside';

# ------------------------------------------------------------- other agents, storms
backfill([ record(1) ], agent => 'bob');
is count("session_id = '1'"), 2, 'an agent\'s calls are hers';
is logged_by('1'), 'auto final', 'and touch no others';
my $message = { type => 'rc-post-message-request', path => 'call_log/backfill', requestId => 'storm', body => { calls => [ map { record(30_000 + $_) } 1 .. 50 ] } };
my $tally = $driver->burst([ (Driver::line($message)) x 8 ], threads => 8, repeat => 5);
is $tally->{OK} // 0, 40, 'forty equal messages at once are all answered' or diag explain $tally;
is count("session_id BETWEEN '30001' AND '30050' AND length(session_id) = 5"), 50, 'and each call is one row';

# ---------------------------------------------------------------- the database away
$cluster->stop('immediate');
($status, $data) = backfill([ map { record(40_000 + $_) } 1 .. 50 ]);
is $status, 'OK', 'while the database is away they are taken';
is scalar(@{ $data->{logged} }), 50, 'all';
$driver->kill9;
$driver = Driver->new;
$driver->create(conninfo => $cluster->conninfo(user => 'plugin'), spool => $spool, commit_deadline_ms => 1500);
$driver->start;
$cluster->start;
wait_for('the spool to be empty', sub { count("session_id LIKE '40___' AND logged_by = 'backfill'") == 50 });
pass 'and are in the database afterwards, though the process died';
$driver->stop(5000);
$driver->destroy;
$driver->create(conninfo => $cluster->conninfo(user => 'plugin'), commit_deadline_ms => 300);
$driver->start;
$driver->logged(session_id => 'warm');
$cluster->stop('immediate');
($status, $data) = backfill([ map { record(50_000 + $_) } 1 .. 10 ]);
is "$status $data", 'BUSY not all calls are logged; send them again', 'without a spool they are refused, to be sent again';
is +($driver->stop(5000))[0], 'OK', 'stopped';
$driver->destroy;
is $driver->quit, 0, 'the process ends well';
done_testing;
