# Logging calls and finding them again, through the plugin's ABI.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Test::More;

my $cluster = Cluster->new;
$cluster->install_schema;
$cluster->psql('CREATE ROLE plugin LOGIN IN ROLE call_log_writer');
# what is freed is not to look as if it were still there
local $ENV{MALLOC_PERTURB_} = 165;
my $driver = Driver->new;
is $driver->create(conninfo => $cluster->conninfo(user => 'plugin')), undef,
  'an instance can be created';
is $driver->start, 'OK', 'it starts';

my ($status, $answer) = $driver->log_call(session_id => '700', request_id => 'r-700');
is $status, 'OK', 'a call is logged';
is_deeply $answer,
  { type => 'rc-post-message-response', responseId => 'r-700', response => { data => 'ok' } },
  'the answer names the request and says ok';
is_deeply [ $cluster->rows(<<~'SQL') ],
	SELECT account, agent, session_id, direction, from_number, state, duration_s, logged_by
	FROM call_log.calls
	SQL
  [ [ 'acme', 'ann', '700', 'Inbound', '+16505550100', 'connected', 5, 'auto' ] ],
  'and stands in the table';

my $id = $cluster->psql(q(SELECT id FROM call_log.calls));
my $data = $driver->match([ '700', '701', '700' ]);
is $data->{700}[0]{id}, $id, 'a match finds it by its id';
is_deeply $data->{701}, [], 'and answers an empty list for a call that is not logged';

($status, $answer) = $driver->log_call(session_id => '700', body => {
	triggerType => 'logForm', redirect => JSON::PP::true, note => "an \x{fc}mlaut note",
	formData => { note => "an \x{fc}mlaut note" } });
is $status, 'OK', 'a note is saved';
is $driver->match(['700'])->{700}[0]{note}, "an \x{fc}mlaut note", 'the match brings it back';

is $driver->logged(session_id => '700', agent => 'bob'), 'OK',
  'another agent logs a call of the same session id';
is $cluster->psql('SELECT count(*) FROM call_log.calls'), 2, 'which is a row of its own';
is $driver->match(['700'], agent => 'bob')->{700}[0]{note} // '', '',
  'without the note of the first';
is_deeply $driver->match(['700'], agent => 'eve')->{700}, [], 'and a third agent finds nothing';
is_deeply $driver->match(['700'], account => 'other')->{700}, [],
  'nor does the same agent of another account';
is_deeply $driver->match([]), {}, 'a query for no ids is answered';

my $before = $cluster->psql('SELECT sum(xmin::text::bigint) FROM call_log.calls');
is +($driver->log_call(session_id => '700', body => { triggerType => 'viewLog' }))[0], 'OK',
  'to view a log is answered';
is $cluster->psql('SELECT sum(xmin::text::bigint) FROM call_log.calls'), $before,
  'and writes nothing';

# what is wrong with the message is said, inside submit()
for my $bad ([ '{"a":', 'broken JSON' ], [ '{"path":"/callLogger"}', 'no body' ],
	[ Driver::log_message(session_id => '', call => { id => '' }), 'no session id' ]) {
	my ($status, $why) = $driver->call($bad->[0]);
	is $status, 'BAD_REQUEST', "refused: $bad->[1]";
	like $why, qr/\w+ \w+/, "in words: $why";
}
is +($driver->call(Driver::log_message(), path => '/nowhere'))[0], 'UNSUPPORTED',
  'a path that is not ours is refused';

# every own write is found by the next match
my $missed = 0;
for my $i (1 .. 200) {
	$driver->logged(session_id => "s$i") eq 'OK' or $missed++;
	$missed++ if !@{ $driver->match(["s$i"])->{"s$i"} };
}
is $missed, 0, 'each of 200 calls is found by the match that follows its answer';

# many at once: while one round of them is answered the database works on the next
$driver->log_call(session_id => "many-$_", body => { triggerType => 'logForm', redirect => JSON::PP::true,
	note => "note $_", formData => { note => "note $_" } }) for 1 .. 40;
my @asked = map { scalar $driver->submit(Driver::match_message(map { "many-$_" } $_ % 40 + 1, ($_ + 7) % 40 + 1, $_ + 100)) } 1 .. 400;
my $wrong = 0;
for my $n (1 .. 400) {
	my ($said, $answer) = $driver->answer($asked[ $n - 1 ]);
	my %note = map { $_ => "note $_" } $n % 40 + 1, ($n + 7) % 40 + 1;
	my %got = map { $answer->{response}{data}{"many-$_"}[0]{note} // '' ? ($_ => $answer->{response}{data}{"many-$_"}[0]{note}) : () }
	  $n % 40 + 1, ($n + 7) % 40 + 1, $n + 100;
	$wrong++ if $said ne 'OK' || join(' ', map { "$_=$note{$_}" } sort keys %note) ne join(' ', map { "$_=$got{$_}" } sort keys %got);
}
is $wrong, 0, 'of 400 matches at once each is answered with what it asked for';

# any number of ids
my @many = map { 900_000_000 + $_ } 1 .. 100_000;
$driver->log_call(session_id => $many[$_]) for 0, 4999, 5000, 77_777, 99_999;
my $found = $driver->match(\@many);
is scalar(keys %$found), 100_000, '100,000 ids in one match are all answered';
is join(' ', sort grep { @{ $found->{$_} } } keys %$found),
  join(' ', sort @many[0, 4999, 5000, 77_777, 99_999]), 'and the logged ones found among them';

my $health = $driver->health;
is $health->{database}{state}, 'ok', 'health says that the database is there';
cmp_ok $health->{stored}, '>=', 208, 'and counts what was stored';
is $health->{queued}, 0, 'and that nothing is queued';
is $health->{refused}, 3, 'and the messages that were refused';

is_deeply [ ($driver->stop(5000))[0] ], ['OK'], 'it stops';
is +($driver->submit(Driver::log_message()))[1], 'STOPPING', 'and then takes nothing';
$driver->destroy;
is $driver->quit, 0, 'the process ends well';
done_testing;
