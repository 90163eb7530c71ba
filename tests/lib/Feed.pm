# Feed - events for call_log.record_calls(), as plain hashes: missing members are
# NULL. Batches are run one transaction each, in a database that has the schema.
# It knows the function's parameters and nothing of how events are merged.
package Feed;
use v5.32;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(record feed recording @FACTS);

# The parameters in order, with their types; and those that are facts.
my @column = (
	[ account => 'text' ], [ agent => 'text' ], [ session_id => 'text' ],
	[ request_id => 'text' ], [ emitted_at => 'timestamptz' ], [ hash => 'bigint' ],
	[ state => 'text' ], [ to_self => 'boolean' ], [ logged_by => 'text' ],
	[ connected => 'boolean' ],
	(map { [ $_ => 'text' ] } qw(telephony_session_id party_id other_leg direction
		from_number from_name to_number to_name)),
	[ queue_call => 'boolean' ], [ started_at => 'timestamptz' ], [ duration_s => 'integer' ],
	(map { [ $_ => 'text' ] } qw(result ai_note transcript recording_id recording_link
		recording_uri recording_type contact_id contact_name contact_type)),
	[ contact_picked => 'boolean' ], [ note => 'text' ], [ form => 'text' ], [ body => 'text' ]);

our @FACTS = qw(telephony_session_id party_id other_leg direction from_number from_name
	to_number to_name queue_call started_at duration_s result ai_note transcript body);

my %default = (
	account => 'acme', agent => 'ann', session_id => '100', emitted_at => '2026-03-02 09:00:00+00',
	hash => 0, state => 'ringing', to_self => 'f', logged_by => 'auto', connected => 'f',
	contact_picked => 'f');

sub _copy_text {
	my ($value) = @_;
	return '\N' if !defined $value;
	return $value =~ s/([\\\t\n\r])/{"\\"=>"\\\\","\t"=>"\\t","\n"=>"\\n","\r"=>"\\r"}->{$1}/ger;
}

# Puts events into a new table, where writers of their own connections can take
# them: feed($cluster, 'name', [ [event, event], [event], ... ]). Each inner list
# is one batch; its number is column step.
sub feed {
	my ($cluster, $table, $batches) = @_;
	my $serial = 0;
	my @line;
	for my $step (0 .. $#$batches) {
		for my $event (@{ $batches->[$step] }) {
			my %e = (%default, request_id => 'r' . ++$serial, %$event);
			push @line, join("\t", $step, map { _copy_text($e{ $_->[0] }) } @column) . "\n";
		}
	}
	my $columns = join ', ', map { "$_->[0] $_->[1]" } @column;
	$cluster->psql(<<~"SQL" . join('', @line) . <<~"END");
		DROP TABLE IF EXISTS $table;
		CREATE UNLOGGED TABLE $table (step integer, $columns);
		ALTER TABLE $table ALTER account TYPE text COLLATE "C", ALTER agent TYPE text COLLATE "C",
			ALTER session_id TYPE text COLLATE "C";
		COPY $table FROM STDIN;
		SQL
		\\.
		CREATE INDEX ON $table (step);
		ANALYZE $table;
		END
}

# The SQL that records what feed() put into a table, a transaction a batch; or, of
# the batch of one step, without a transaction of its own.
sub recording {
	my ($table, %option) = @_;
	my $arrays = join ', ', map { "array_agg($_->[0] ORDER BY account, agent, session_id)" } @column;
	my $erases = $option{empty_note_erases} ? 'true' : 'false';
	return "SELECT call_log.record_calls($arrays, $erases) FROM $table WHERE step = $option{step}" if defined $option{step};
	return <<~"SQL";
		DO \$\$ BEGIN
			FOR s IN 0 .. (SELECT coalesce(max(step), -1) FROM $table) LOOP
				INSERT INTO fed SELECT s, call_log.record_calls($arrays, $erases) FROM $table WHERE step = s;
				COMMIT;
			END LOOP;
		END \$\$;
		SQL
}

# record($cluster, [ [event, event], [event], ... ], empty_note_erases => 0):
# runs the batches in the order given. Returns the number of rows written by each.
sub record {
	my ($cluster, $batches, %option) = @_;
	feed($cluster, 'feed', $batches);
	my $recording = recording('feed', %option);
	my $out = $cluster->psql(<<~"SQL");
		DROP TABLE IF EXISTS fed;
		CREATE UNLOGGED TABLE fed (step integer, written integer);
		$recording
		SELECT written FROM fed ORDER BY step;
		SQL
	return split /\n/, $out;
}

1;
