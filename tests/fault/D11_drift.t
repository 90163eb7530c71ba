# The schema changes under a running host, each way in a database of its own: the log
# has one clear line, calls are acknowledged and wait in the spool, and once the
# schema is mended they get into the database by themselves, without a restart.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(size start_driver figure spooled);
use Process qw(scratch wait_for);
use Test::More;

my $calls = size(1000, 60);
my $cluster = Cluster->new;
$cluster->psql('CREATE DATABASE base');
$cluster->install_schema(dbname => 'base');

# name, what the log says, what breaks the schema, what mends it
my @cases = (
	[ column_dropped => qr/column .*"?duration_s"?.* does not exist .*42703/,
		'ALTER TABLE call_log.calls DROP COLUMN duration_s CASCADE',
		'ALTER TABLE call_log.calls ADD COLUMN duration_s integer' ],
	[ column_renamed => qr/column .*"?result"?.* does not exist .*42703/,
		'ALTER TABLE call_log.calls RENAME COLUMN result TO outcome_text',
		'ALTER TABLE call_log.calls RENAME COLUMN outcome_text TO result' ],
	[ type_changed => qr/(?:"?ai_note"? is of type|types text and integer) .*42804/,
		'DROP SCHEMA call_report, call_own CASCADE; ALTER TABLE call_log.calls ALTER ai_note TYPE integer USING NULL',
		'ALTER TABLE call_log.calls ALTER ai_note TYPE text USING NULL' ],
	[ table_missing => qr/relation "call_log.calls" does not exist .*42P01/,
		'ALTER TABLE call_log.calls RENAME TO calls_elsewhere', 'ALTER TABLE call_log.calls_elsewhere RENAME TO calls' ],
	[ notes_missing => qr/relation "call_log.notes" does not exist .*42P01/,
		'ALTER TABLE call_log.notes RENAME TO kept_aside', 'ALTER TABLE call_log.kept_aside RENAME TO notes' ],
	# a statement that had begun misses what it looks for next
	[ schema_missing => qr/(schema "call_log"|relation "call_log\.\w+") does not exist .*(3F000|42P01)/,
		'ALTER SCHEMA call_log RENAME TO elsewhere', 'ALTER SCHEMA elsewhere RENAME TO call_log' ],
	[ function_missing => qr/function call_log.record_calls does not exist .*42883/,
		'ALTER FUNCTION call_log.record_calls RENAME TO record_elsewhere',
		'ALTER FUNCTION call_log.record_elsewhere RENAME TO record_calls' ],
	[ newer => qr/function call_log.record_calls does not exist .*42883/,
		q(INSERT INTO call_log.migrations (version, name) VALUES (9999, 'of tomorrow');
			ALTER FUNCTION call_log.record_calls RENAME TO record_calls_of_tomorrow),
		'DELETE FROM call_log.migrations WHERE version = 9999;
			ALTER FUNCTION call_log.record_calls_of_tomorrow RENAME TO record_calls' ],
);

my (%oracle, %database);
for my $case (@cases) {
	my ($name, undef, $break) = @$case;
	$cluster->psql("CREATE DATABASE $name TEMPLATE base");
	$database{$name} = $cluster->database($name);
	$oracle{$name} = Oracle->new(cluster => $database{$name}, prefix => "$name-",
		driver => start_driver(conninfo => $database{$name}->conninfo, spool => scratch() . '/spool.db'));
	$oracle{$name}->flow(calls => 20);
	$oracle{$name}->settle;
}
for my $case (@cases) {
	my ($name, undef, $break) = @$case;
	$oracle{$name}->flow(calls => $calls);
	$database{$name}->psql($break);
	$oracle{$name}->flow(calls => $calls);
	$oracle{$name}->settle;
}
for my $case (@cases) {
	my ($name, $said) = @$case;
	my $oracle = $oracle{$name};
	my $driver = $oracle->{driver};
	like $driver->await_log(qr/^(WARN|ERROR) the database/), $said, "$name: the log says what is wrong";
	$oracle->flow(calls => $calls);
	$oracle->settle;
	is scalar(grep { / the database / } $driver->log_lines), 1, "$name: once";
	is $driver->health->{database}{state}, 'schema', "$name: health knows";
	wait_for('the reason', sub {
		$driver->health->{database}{last_error} =~ /schema call_log is version 9999, newer than version \d+/;
	}) if $name eq 'newer';
	cmp_ok spooled($driver), '>', 0, "$name: calls wait in the spool";
	my ($id, $agent) = @{ $oracle->{made}{"$name-$oracle->{calls}-1"} }{qw(session agent)};
	is scalar @{ $driver->match([$id], agent => $agent)->{$id} }, 1, "$name: and are found";
}
$database{ $_->[0] }->psql($_->[3]) for @cases;
for my $name (sort keys %oracle) {
	wait_for("$name: the spool to be empty", sub { spooled($oracle{$name}{driver}) == 0 }, 60);
	is $database{$name}->psql('SELECT count(*) FROM call_log.rejected'), 0, "$name: no call is to blame";
}
Oracle::conclude_all('D11', 'the schema is changed, in ' . @cases . ' ways', %oracle);
done_testing;
