# The oracle of the fault tests sees what is missing, doubled and wrong.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(start_driver);
use Test::More;

my $cluster = Cluster->new;
$cluster->install_schema;
my $oracle = Oracle->new(cluster => $cluster,
	driver => start_driver(conninfo => $cluster->conninfo));
$oracle->flow(calls => 20);
$oracle->settle;
is $oracle->acked_count, 25, '20 calls are 25 saves';

sub found {
	my $found = $oracle->compare;
	return join '; ', map { "$_: @{ $found->{$_} }" } grep { @{ $found->{$_} } } sort keys %$found;
}
is found(), '', 'all is well when all is there';
$cluster->psql(q(
	SET session_replication_role = replica;
	UPDATE call_log.notes SET note = 'other' WHERE session_id = 'c5';
	INSERT INTO call_log.notes SELECT account, agent, session_id, saved_at + '1 s', request_id, note
		FROM call_log.notes WHERE session_id = 'c3';
	DELETE FROM call_log.notes WHERE session_id = 'c7';
	UPDATE call_log.calls SET from_number = '+1' WHERE session_id = 'c9';
	UPDATE call_log.calls SET note = 'note 1 of c8' WHERE session_id = 'c8';
));
is found(), 'doubled: note c3-1; missing: c7-1; wrong: note c5-1 call c9 newest note of c8',
  'what is missing, doubled and wrong is seen';
$cluster->psql('SET session_replication_role = replica; DELETE FROM call_log.calls WHERE session_id = $$c11$$');
like found(), qr/wrong: .*call c11/, 'and a note without its call';
is $oracle->{driver}->quit, 0, 'the host ends well';
done_testing;
