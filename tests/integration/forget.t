# What was erased in the database is gone from the hosts as well: from what they
# remember of calls, in memory and on their disks, also of a host that did not run then,
# and from the spool of one that was cut off, which brings nothing back.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Process qw(run_ok scratch slurp wait_for);
use Test::More;

my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
$cluster->psql("CREATE ROLE $_ LOGIN IN ROLE call_log_writer") for qw(here away);
my ($here, $away) = (scratch() . '/spool.db', scratch() . '/spool.db');
my $person = qr/quarry|5550177|kunde-7/;
# A call of the person, saved with a note; or of somebody else.
sub call {
	my ($driver, $id, $note, %more) = @_;
	return $driver->logged(session_id => $id, call => { direction => 'Inbound', from => { phoneNumber => $note =~ $person ? '+16505550177' : '+16505550199' }, to => { phoneNumber => '101' }, %more },
		body => { triggerType => 'logForm', note => $note, formData => { note => $note, contactId => $note =~ $person ? 'kunde-7' : 'kunde-8' } });
}
sub start {
	my ($role, $spool) = @_;
	my $driver = Driver->new;
	$driver->create(conninfo => $cluster->conninfo(user => $role), spool => $spool, commit_deadline_ms => 500, match_deadline_ms => 1000, body => 'all');
	$driver->start eq 'OK' or die 'not started';
	wait_for('the listener', sub { $driver->health->{listener} eq 'ok' });
	return $driver;
}
# Which of its files say something of the person.
sub files { my ($spool) = @_; return map { s/.*\///r } grep { slurp($_) =~ $person } glob "$spool*" }
sub noted { my ($driver, $id) = @_; my $entry = $driver->match([$id])->{$id}[0]; return $entry ? "logged: $entry->{note}" : 'not logged' }
sub dump_says { my ($dump) = run_ok([ $cluster->bin('pg_dump'), '--data-only', '--inserts', '-d', $cluster->conninfo ]); return join "\n", grep { $_ =~ $person } split /\n/, $dump }

my ($at_here, $at_away) = (start(here => $here), start(away => $away));
is(call($at_here, "h$_", "quarry $_"), 'OK', 'a call is logged') for 1 .. 3;
call($at_here, "other$_", 'theirs') for 1 .. 40;
call($at_here, "many$_", "quarry $_") for 1 .. 40;
is(noted($_, 'h1'), 'logged: quarry 1', 'and found') for $at_here, $at_away;
wait_for('both hosts to remember it', sub { 2 == grep { (files($_))[0] } $here, $away });
pass('hosts remember it, and on their disks');

# One is cut off, and spools; the other ends.
$cluster->psql(q{ALTER ROLE away NOLOGIN; SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'away'});
is(call($at_away, "a$_", "quarry $_"), 'OK', 'calls are logged where there is no database') for 1 .. 40;
call($at_away, 'h2', 'quarry, edited');
call($at_away, 'theirs', 'of another');
ok(scalar(grep { $_ eq 'spool.db' } files($away)), 'in the spool');
$at_here->stop(5000);
is($at_here->quit, 0, 'another host ends');
$cluster->psql(q{CALL call_log.erase_person('acme', number => '+1 650 555 0177')});
is(dump_says(), '', 'the person is erased in the database');
ok(scalar(files($_)), 'which hosts do not know yet') for $here, $away;

$cluster->psql('ALTER ROLE away LOGIN');
wait_for('the spool to be replayed', sub { $at_away->health->{spool}{rows} == 0 });
is(dump_says(), '', 'what was spooled brings nothing back');
is($cluster->psql(q{SELECT count(*), count(erased_at) FROM call_log.calls WHERE session_id LIKE 'a%'}), '40|40', 'but its calls count');
is($cluster->psql(q{SELECT note FROM call_log.calls WHERE session_id = 'theirs'}), 'of another', 'as others do, with all they tell');
wait_for('the host that was cut off to forget', sub { !files($away) });
pass('then the host that was cut off has no byte of it on its disk');
$at_away->await_trigger('h1');
pass('widgets are told');
is(noted($at_away, $_), 'logged: ', "call $_ is logged, without a note") for qw(h1 h2 a1);
is(call($at_away, 'h3', 'quarry, later'), 'OK', 'to edit it');
is(noted($at_away, 'h3'), 'logged: ', 'notes nothing');
wait_for('that to be forgotten', sub { !files($away) });
is(dump_says(), '', 'nor in the database');

$at_here = start(here => $here);
wait_for('the other to forget', sub { !files($here) });
pass('a host that did not run forgets when it starts');
$cluster->stop;
is(noted($at_here, 'h1'), 'logged: ', 'and with the database away a call is known, without a note');
is(noted($at_here, 'other7'), 'logged: theirs', 'others with theirs');
$_->stop(5000) for $at_here, $at_away;
done_testing;
