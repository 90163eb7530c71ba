# A match is answered in every state, in time and for every id: a call that was
# said to be logged is found, one that is unknown is asked for again later.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use IPC::Open2 qw(open2);
use Process qw(wait_for scratch);
use Test::More;

my $cluster = Cluster->new;
$cluster->install_schema;
$cluster->psql('CREATE ROLE plugin LOGIN IN ROLE call_log_writer');
my $spool = scratch() . '/spool.db';
my %config = (
	conninfo => $cluster->conninfo(user => 'plugin'), spool => $spool,
	match_deadline_ms => 1000, commit_deadline_ms => 500);
my $driver = Driver->new;

sub start {
	my ($which) = @_;
	is $which->create(%config), undef, 'created';
	is $which->start, 'OK', 'started';
}

sub entry {
	my ($which, $id) = @_;
	my $data = $which->match([$id]);
	return $data->{$id}[0];
}

sub misses {
	my ($name, @ids) = @_;
	my ($missed, $refused, @ms) = (0, 0);
	for my $id (@ids) {
		$refused++ if $driver->logged(session_id => $id) ne 'OK';
		my ($status, $answer, $ms) = $driver->call(Driver::match_message($id));
		$missed++ if $status ne 'OK' || !@{ $answer->{response}{data}{$id} // [] };
		push @ms, $ms;
	}
	@ms = sort { $a <=> $b } @ms;
	my ($p99, $worst) = ($ms[ int(@ms * .99) ], $ms[-1]);
	print "# figure: match_missed_$name $missed\n",
	  "# figure: match_p99_ms_$name $p99\n", "# figure: match_max_ms_$name $worst\n";
	is $refused, 0, "$name: every call is acknowledged";
	is $missed, 0, "$name: a match right after an acknowledgement finds the call, " . @ids . ' times';
	cmp_ok $worst, '<', 3000, "$name: none is late ($worst ms)";
}

# ------------------------------------------------------------------ up
start($driver);
misses('up', map { "u$_" } 1 .. 300);
$driver->log_call(session_id => 'noted', body => {
	triggerType => 'logForm', note => 'first', });
my $noted = entry($driver, 'noted');
ok $noted->{id}, 'a logged call has an id';
wait_for('the file of known calls', sub { -s "$spool.known" });

# ------------------------------------------------------- refused by the database
$cluster->psql(q(ALTER TABLE call_log.calls ADD CONSTRAINT no_poison CHECK (from_name <> 'POISON')));
$driver->log_call(session_id => 'bad', call => { fromName => 'POISON' });
$driver->await_trigger('bad');
pass 'of a call that the database refuses the agent is told';
is entry($driver, 'bad')->{status}, 'failed', 'and it is found as failed';
$driver->log_call(session_id => 'u1', call => { fromName => 'POISON' });
ok entry($driver, 'u1')->{id}, 'unless it is logged by other events';
$driver->forget_posts;

# ------------------------------------------------------------------ down
$cluster->stop;
misses('down', map { "d$_" } 1 .. 100);
is entry($driver, 'd1')->{status}, 'pending', 'a call that is only in the spool is pending';
is_deeply entry($driver, 'noted'), $noted, 'one that is logged is answered as before';
is_deeply [ keys %{ $driver->match([ 'never', 'u2' ]) } ], ['u2'], 'an unknown one is left out';
$driver->log_call(session_id => 'u3', body => { triggerType => 'logForm', note => 'in the spool' });
my $both = entry($driver, 'u3');
ok $both->{id}, 'one that is logged and spooled is itself';

# --------------------------------------------- down, and the spool's file is busy
is $driver->logged(session_id => 'busy'), 'OK', 'a call goes to the spool';
open2(my $said, my $ask, 'sqlite3', $spool);
$ask->autoflush(1);
print $ask "BEGIN EXCLUSIVE; SELECT 'held';\n";
is readline($said), "held\n", 'another process holds the spool to itself';
is entry($driver, 'busy')->{status}, 'pending', 'the call is found nevertheless';
is_deeply $driver->match(['never']), {}, 'and an unknown one is not';
close $ask;
is readline($said), undef, 'the other process ends';

my $other = Driver->new;
start($other);
ok entry($other, 'u7')->{id}, 'a process that starts during the outage knows the logged calls';
is entry($other, 'd7')->{status}, 'pending', 'and those in the spool';
is_deeply $other->match(['strange']), {}, 'but not others';
my @ids = map { "d$_" } 1 .. 100;
my $all = $driver->match([ @ids, map { "x$_" } 1 .. 200 ]);
is scalar(keys %$all), 100, 'of many ids those are answered that are known';
is scalar(grep { @{ $all->{$_} } == 1 } @ids), 100, 'and each of the spooled found';
my $asked = $driver->triggered;
delete $asked->{u1}; # refused above
is_deeply $asked, {}, 'nobody is asked again before the database is back';

# ------------------------------------------------------------------ back
$cluster->start;
$driver->await_trigger($_) for 'never', 'd1', 'd100', 'x200';
pass 'when the database is back, unknown and replayed calls are asked for again';
$other->await_trigger('strange');
$other->await_trigger('d7');
pass 'by each process where they were asked for';
wait_for('the replay', sub { (entry($driver, 'd100') // {})->{id} });
is scalar(grep { !entry($driver, $_)->{id} } @ids), 0, 'the spooled calls are logged';
cmp_ok scalar(grep { @{ $_->{sessionIds} } > 100 } $driver->posts), '==', 0, 'in messages of at most 100 ids';
is +($other->stop(10000))[0], 'OK', 'stopped';
$other->destroy;
is $other->quit, 0, 'the other process ends well';

# ---------------------------------------------------------------- frozen
sub freeze {
	my ($signal) = @_;
	state @frozen;
	@frozen = ($cluster->pid, split ' ', $cluster->psql(<<~'SQL')) if $signal eq 'STOP';
		SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE usename = 'plugin'
		SQL
	kill $signal => @frozen;
}
freeze('STOP');
misses('frozen', map { "f$_" } 1 .. 100);
ok entry($driver, 'u9')->{id}, 'what is known is found while the database is frozen';
freeze('CONT');
wait_for('the replay', sub { (entry($driver, 'f100') // {})->{id} });
pass 'and when it goes on all goes on';

# ----------------------------------------------------------- without a schema
$cluster->psql('ALTER SCHEMA call_log RENAME TO gone');
$cluster->psql(q(SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = 'plugin'));
ok entry($driver, 'u9')->{id}, 'what is known is found without the schema';
$cluster->psql('ALTER SCHEMA gone RENAME TO call_log');
is +($driver->stop(10000))[0], 'OK', 'stopped';
$driver->destroy;

# ------------------------------------------------------------ without a spool
delete $config{spool};
start($driver);
is $driver->logged(session_id => 'memory'), 'OK', 'without a spool';
$cluster->stop;
ok entry($driver, 'memory'), 'what was logged is known in memory';
is_deeply $driver->match(['u1']), {}, 'and nothing else';
$driver->stop(10000);
$driver->destroy;
is $driver->quit, 0, 'the process ends well';
done_testing;
