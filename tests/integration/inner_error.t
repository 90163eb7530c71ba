# Errors of the server's own (a damaged index or page, SQLSTATE class XX): what all
# calls meet with is no call's fault, and they wait in the spool; what one call alone
# meets with is, and that one is kept aside.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Process qw(scratch wait_for);
use Test::More;

my $cluster = Cluster->new;
$cluster->install_schema;
my $driver = Driver->new;
is $driver->create(conninfo => $cluster->conninfo, spool => scratch() . '/spool.db',
	commit_deadline_ms => 500), undef, 'created';
is $driver->start, 'OK', 'started';

sub fails_for {
	my ($when) = @_;
	$cluster->psql(q(CREATE OR REPLACE FUNCTION damaged() RETURNS trigger LANGUAGE plpgsql AS
		$$BEGIN RAISE EXCEPTION 'index is damaged' USING ERRCODE = 'XX002'; END$$));
	$cluster->psql('DROP TRIGGER IF EXISTS damaged ON call_log.calls');
	$cluster->psql("CREATE TRIGGER damaged BEFORE INSERT ON call_log.calls FOR EACH ROW WHEN ($when) EXECUTE FUNCTION damaged()");
}

sub stored { $cluster->psql("SELECT count(*) FROM call_log.calls WHERE session_id LIKE '$_[0]%'") }
sub rejected { $cluster->psql('SELECT string_agg(session_id, $$ $$) FROM call_log.rejected') }

# ------------------------------------------------------------ all calls
fails_for('true');
my @answers = map { $driver->logged(session_id => "all$_") } 1 .. 40;
is "@answers", 'OK ' x 39 . 'OK', 'all calls fail in the server: they are logged nevertheless';
wait_for("40 calls in the spool", sub { ($driver->health->{spool}{rows} // 0) == 40 });
pass "they are in the spool";
is $driver->health->{database}{state}, 'away', 'the database counts as away';
like $driver->await_log(qr/XX002/), qr/^WARN the database is away: .*XX002/, 'the log says why';
is scalar(grep { /XX002/ } $driver->log_lines), 1, 'once';
$cluster->psql('DROP TRIGGER damaged ON call_log.calls');
wait_for('the calls to arrive', sub { stored('all') == 40 });
is rejected(), '', 'none of them was refused';
wait_for('the outage to end', sub { $driver->health->{database}{state} eq 'ok' });

# ------------------------------------------------------------ one call
fails_for(q(NEW.session_id = 'one'));
is $driver->logged(session_id => 'one'), 'OK', 'one call fails alone: it is logged, into the spool';
wait_for('other calls to pass it', sub {
	state $n = 0;
	$driver->logged(session_id => 'other' . ++$n);
	return stored('other') > 0 && rejected() eq 'one';
});
pass 'others pass it, and it is kept as refused';
wait_for('the database to be well', sub {
	$driver->health->{database}{state} eq 'ok' && !$driver->health->{spool}{rows} });
is $driver->logged(session_id => 'after'), 'OK', 'all goes on';
wait_for('the last one', sub { stored('after') == 1 });
is rejected(), 'one', 'and nothing else was refused';
is $driver->quit, 0, 'the host ends well';
done_testing;
