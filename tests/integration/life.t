# The plugin's manners in a host's process: how it starts and stops, what it
# leaves behind, and that nothing secret gets out.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Process qw(built run_ok scratch slurp wait_for);
use Test::More;

my $cluster = Cluster->new(settings => { fsync => 'off', max_connections => 60 });
$cluster->install_schema;
$cluster->psql('CREATE ROLE plugin LOGIN IN ROLE call_log_writer');
my $conninfo = $cluster->conninfo(user => 'plugin');
my $driver = Driver->new;
my $pid = $driver->pid;

# The plugin's; a sanitizer may have one of its own.
sub threads {
	return grep { (eval { slurp("$_/comm") } // '') =~ m{^call_log/} } glob "/proc/$pid/task/*";
}
sub fds { opendir my $dir, "/proc/$pid/fd" or die; return scalar grep { /\d/ } readdir $dir }

# --------------------------------------------------------------- threads
# When a command is answered the process has come up, a sanitizer's part too.
$driver->create(conninfo => $conninfo);
$driver->destroy;
my $fds = fds();

# The C library's own signals, 32 and 33, aside.
sub manners {
	my $status = slurp("/proc/$pid/status");
	return join ' ', $status =~ /^Umask:\s*(\S+)/m,
	  map { hex(substr $_, 8) . ' ' . (hex(substr $_, 0, 8) & ~1) } $status =~ /^Sig(?:Blk|Ign|Cgt):\s*(\S+)/gm;
}
my $manners = manners();
is $driver->create(conninfo => $conninfo), undef, 'created';
is scalar(threads()), 0, 'creating starts no thread';
$driver->start;
$driver->logged(session_id => '1');
my @ours = threads();
is join(' ', sort map { slurp("$_/comm") =~ s/\n//r } @ours), 'call_log/desk call_log/listen call_log/match call_log/report call_log/write',
  'its threads have names';
my %blocked = map { slurp("$_/status") =~ /^SigBlk:\s*(\S+)/m; $1 => 1 } @ours;
# all but KILL (9), STOP (19) and the two that the C library keeps (32, 33)
is_deeply [ keys %blocked ], ['fffffffe7ffbfeff'], 'and block every signal';
is manners(), $manners,
  'signals, their handlers and umask are as before';
my @leaking = grep { readlink =~ /socket|eventfd/ && slurp("/proc/$pid/fdinfo/" . s{.*/}{}r) !~ /^flags:\s*02\d{6}/m }
  glob "/proc/$pid/fd/*";
is "@leaking", '', 'its descriptors are closed on exec';
is +($driver->stop(-1))[0], 'OK', 'stopped, with any time to do so';
is scalar(threads()), 0, 'no thread of its is left';
$driver->destroy;
wait_for('its descriptors to be closed', sub { fds() == $fds });
pass 'nor a descriptor';
wait_for('its connections to end', sub { $cluster->connections('plugin') == 0 });
pass 'nor a connection';

# ---------------------------------------------------------- stop under load
my @lines = map { (
	Driver::line(Driver::log_message(session_id => "f$_"), agent => 'a' . $_ % 5),
	Driver::line(Driver::match_message("f$_", "g$_"), agent => 'a' . $_ % 5)) } 1 .. 300;
my (@wrong, %status, $slowest, $given_up);
$slowest = 0;
for my $round (1 .. 50) {
	my $deadline = (0, 1, 20, 5000)[ $round % 4 ];
	$driver->create(conninfo => $conninfo);
	$driver->start;
	$driver->flood(\@lines);
	wait_for('something to be stored', sub { $driver->health->{stored} > 0 }) if $round % 3 == 0;
	my ($status, $ms, $tally) = $driver->stop($deadline);
	$status{$status}++;
	$given_up += $tally->{STOPPING};
	$slowest = $ms - $deadline if $ms - $deadline > $slowest;
	push @wrong, "round $round: $status accepted $tally->{accepted} answered $tally->{answered} twice $tally->{twice} late $tally->{late}"
	  if $tally->{accepted} != $tally->{answered} || $tally->{twice} || $tally->{late}
	  || ($status eq 'OK') != ($tally->{STOPPING} == 0);
	$driver->destroy;
}
is "@wrong", '', 'stopped 50 times under load every request is answered, once, before stop() returns';
is join(' ', sort keys %status), 'OK TIMEOUT', 'and stop() says whether some were given up';
cmp_ok $slowest, '<', 900, 'soon after its deadline at the latest';
note "figure: stop under load, latest after the deadline $slowest ms, given up $given_up";
is scalar(threads()), 0, 'no thread is left';
is fds(), $fds, 'nor a descriptor';

# ------------------------------------------------------------ two instances
$cluster->psql('CREATE DATABASE other');
$cluster->install_schema(dbname => 'other');
$driver->create(conninfo => $conninfo);
$driver->create(conninfo => $cluster->conninfo(dbname => 'other'));
$driver->start;
$driver->use(1);
$driver->start;
is $driver->logged(session_id => 'two'), 'OK', 'the second of two instances logs';
$driver->use(0);
is $driver->logged(session_id => 'one'), 'OK', 'and the first';
is_deeply $driver->match([ 'one', 'two' ])->{two}, [], 'each into its own database';
is $driver->health->{stored}, 1, 'and counts for itself';
is +($driver->stop(5000))[0], 'OK', 'one stops';
$driver->destroy;
$driver->use(1);
is $driver->logged(session_id => 'three'), 'OK', 'and the other works on';
$driver->stop(5000);
$driver->destroy;
$driver->use(0);

# ------------------------------------------------- created and never started
is $driver->create(conninfo => $conninfo), undef, 'created';
is +($driver->submit(Driver::log_message()))[1], 'STOPPING', 'before start it takes nothing';
$driver->destroy;
pass 'and can be destroyed';

# -------------------------------------------------------------- no secrets
$driver->create(conninfo => $conninfo, body => 'all');
$driver->start;
my $secret = 'SECRETTOKENSECRET';
is $driver->logged(session_id => 'tok', body => { triggerType => 'callLogSync',
	note => "see https://x.example/?access_token=$secret" }, call => {
	action => 'Phone Call', internalType => 'Local', type => 'Voice', result => 'Accepted',
	recording => { id => '1', type => 'Automatic', uri => "https://x.example/r/1?access_token=$secret",
		link => "https://x.example/?media=https%3A%2F%2Fx.example%2Fr%2F1%3Faccess_token%3D$secret",
		contentUri => "https://x.example/r/1/content?access_token=$secret" } }), 'OK',
  'a call whose recording carries a token is logged';
isnt $cluster->psql(q(SELECT body FROM call_log.calls WHERE session_id = 'tok')), '', 'with its body';
unlike run_ok([ $cluster->bin('pg_dump'), '--data-only', '-d', $cluster->conninfo ]), qr/$secret/,
  'and the token is nowhere in the database';
$cluster->psql(q(ALTER TABLE call_log.calls ADD CONSTRAINT no_token CHECK (session_id <> 'tok2')));
$driver->logged(session_id => 'tok2', call => { recording => {
	id => '1', contentUri => "https://x.example/r/1/content?access_token=$secret" } });
$driver->logged(session_id => '', call => { id => '', recording => { contentUri => "x?access_token=$secret" } });
unlike join("\n", $driver->log_lines), qr/$secret/, 'nor in the log';
$driver->stop(5000);
$driver->destroy;
my $spool = scratch() . '/spool.db';
$driver->create(conninfo => 'host=/nonexistent', body => 'all', spool => $spool);
$driver->start;
is $driver->logged(session_id => 'tok3', body => { triggerType => 'callLogSync' }, call => {
	action => 'Phone Call', recording => { id => '7', contentUri => "x?access_token=$secret" } }), 'OK',
  'a call with a token goes to the spool';
like slurp($spool), qr/tok3/, 'it is there';
unlike join('', map { slurp($_) } glob "$spool*"), qr/$secret/, 'and the token is in no file';

# ----------------------------------------------------------- what it offers
my $service = $driver->ask('service');
is_deeply $service->{paths}, [ '/callLogger', '/callLogger/match', 'call_log/backfill', 'call_log/calls',
	'call_log/call', 'call_log/set-note', 'call_log/settings', 'call_log/events', 'call_log/recording',
	'call_log/report', 'call_log/report-calls' ], 'it takes its paths';
is $service->{events}, 'call_log/events', 'one of them tells pages what changed';
is_deeply $service->{types}, ['rc-callLogger-auto-log-notify'], 'and a notification';
is_deeply $service->{service}, {
	name => 'call-log', callLoggerPath => '/callLogger',
	callLogEntityMatcherPath => '/callLogger/match', callLoggerTitle => 'Log call',
	showLogModal => JSON::PP::true, authorizationPath => '/authorize', authorizedTitle => 'Signed in',
	unauthorizedTitle => 'Sign in', showAuthRedDot => JSON::PP::true }, 'it says what to register with the widget';
is_deeply $service->{page}, {
	callUrl => '/#call/{sessionId}', settingsPath => 'call_log/settings',
	backfillPath => 'call_log/backfill', autoLog => { forced => JSON::PP::false, initial => JSON::PP::false } },
  'and what the page bridge is to know';
my %option = map { $_->{name} => $_ } @{ $driver->ask('options') };
ok $option{conninfo}{required} && $option{conninfo}{secret} eq 'may', 'conninfo is required and may hold a password';
ok !(grep { !$_->{help} || !$_->{type} } values %option), 'every option has a type and a help text';
is $option{batch_max}{default}, 500, 'numbers have a default';
$driver->stop(5000);
$driver->destroy;
is $driver->quit, 0, 'the process ends well';
done_testing;
