# Ground - where the bench measures: a private server as PostgreSQL comes, but for
# what would strike one side and not the other by chance, databases with the schema
# in them, and the messages. It makes each measurement begin alike, and counts the
# rows after it.
package Ground;
use v5.32;
use warnings;
use Carp qw(croak);
use Cluster;
use Exporter qw(import);
use JSON::PP qw(decode_json);
use List::Util qw(sum0);
use Process qw(built plugin root scratch slurp spew wait_for);
use Tool;
our @EXPORT_OK = qw(quick size rounds turned rate spent spent_since_us AGENTS);

# Nanoseconds of processor that each of these had so far, by its folder in /proc; one that
# ends just now is none of them.
sub spent {
	my %ns;
	for my $folder (@_) {
		open my $file, '<', "$folder/schedstat" or next;
		$ns{$folder} = (split ' ', <$file> // '0')[0];
	}
	return \%ns;
}

# Microseconds since, of all that are still there.
sub spent_since_us {
	my ($before, $after) = @_;
	return sum0(map { $after->{$_} - ($before->{$_} // 0) } keys %$after) / 1000;
}

use constant {
	AGENTS => 200,
	THREADS => 2, WINDOW => 2000, # of the host's threads; messages under way
};

# QUICK=1 is about whether it measures, not what.
sub quick { !!$ENV{QUICK} }
sub size { my ($full, $quick) = @_; return quick() ? $quick : $full }

# Calls that code with the number of each round, from 0. What it compares it does
# in another order every time.
sub rounds {
	my ($code) = @_;
	$code->($_) for 0 .. ($ENV{ROUNDS} || size(5, 2)) - 1;
}

# The list, beginning with another one each round.
sub turned {
	my ($round, @list) = @_;
	$round %= @list;
	return @list[ $round .. $#list, 0 .. $round - 1 ];
}

sub rate { $_[0]{messages} / $_[0]{seconds} }

sub new {
	my ($class) = @_;
	my $cluster = Cluster->new(settings => {
		# no checkpoint and no vacuum in the midst of a measurement
		max_wal_size => '16GB', checkpoint_timeout => '1h', autovacuum => 'off',
		# of a server that is meant for more than a trial
		shared_buffers => size('1GB', '64MB'),
	});
	my $self = bless { cluster => $cluster, dir => scratch() }, $class;
	$self->{messages} = $self->_write_messages;
	return $self;
}

sub cluster { $_[0]{cluster} }

# ---------------------------------------------------------------- messages
# The messages of a captured call, in order.
sub _captured {
	my ($name) = @_;
	my $file = decode_json(slurp(root() . "/tests/messages/captured/$name.json"));
	return grep { ($_->{path} // '') eq '/callLogger' } map { $_->{message} } @{ $file->{messages} };
}

# The same, about any call (messages.h), and with the contacts that a CRM knows for
# the number, so that a message has 2 kB.
sub _template {
	my ($message, $stage) = @_;
	my $call = $message->{body}{call};
	my $inbound = $call->{direction} eq 'Inbound';
	$message->{requestId} = '551a7bb1-9360-434e-b392-@request@';
	@{$call}{qw(sessionId telephonySessionId startTime)} = ('@call@@alone@', 's-a0d17b@call@@alone@z0000', '@start@');
	$call->{sipData}{rcSessionId} = '@call@@alone@' if $call->{sipData};
	$call->{ $inbound ? 'from' : 'to' }{phoneNumber} = '+1650@caller@';
	$call->{ $inbound ? 'fromMatches' : 'toMatches' } = [ map { {
		id => "crm-contact-\@caller\@-$_", name => "Amira Haddad-Lindqvist $_", type => 'DeskCRM', entityType => 'DeskCRM',
		profileImageUrl => "https://crm.example.com/contacts/images/5170142$_.png",
		phoneNumbers => [ { phoneNumber => '+1650@caller@', phoneType => 'direct' }, { phoneNumber => '+1650555017' . $_, phoneType => 'mobile' } ],
	} } 1 .. ($stage < 4 ? 4 : 3) ];
	my $text = JSON::PP->new->canonical->ascii->encode($message);
	return $text =~ s/"\@start\@"/\@start\@/r;
}

# An inbound call, and an outbound one, which was not held when it was captured: it
# is as if it had been.
sub _write_messages {
	my ($self) = @_;
	my @inbound = (_captured('02-autolog-inbound-answered-hold-end-recording'))[ 0, 1, 2, 4, 6 ];
	my @outbound = (_captured('04-autolog-outbound'))[ 0, 1, 1, 2, 3 ];
	my @lines;
	for my $call (\@inbound, \@outbound) {
		my @message = map { decode_json(JSON::PP->new->utf8->encode($_)) } @$call;
		@{ $message[2]{body}{call} }{qw(telephonyStatus result)} = ('OnHold') x 2;
		push @lines, map { _template($message[$_], $_) } 0 .. $#message;
	}
	my $path = "$self->{dir}/messages";
	spew($path, join '', map { "$_\n" } @lines);
	return $path;
}

# ---------------------------------------------------------------- programs
# there: it was made by other means.
sub database {
	my ($self, $name, $there) = @_;
	if (!$self->{databases}{$name}++ && !$there) {
		$self->{cluster}->create_db($name);
		$self->{cluster}->install_schema(dbname => $name);
		$self->{cluster}->psql('CREATE SCHEMA bench', dbname => $name);
	}
	return $self->{cluster}->database($name);
}

# A host with the plugin, connected. Options: the plugin's keys; plugin => a path.
sub load {
	my ($self, %option) = @_;
	my $plugin = delete $option{plugin} // $ENV{PLUGIN} // plugin('call_log.so');
	my $prefix = delete $option{prefix} // [];
	# a busy machine is not to make it give up
	$option{commit_deadline_ms} //= 14_000;
	my $load = Tool->new('load', $self->{messages}, $plugin, (map { "$_=$option{$_}" } sort keys %option), { prefix => $prefix });
	if (defined $option{conninfo}) {
		wait_for('the plugin to be connected', sub {
			my $database = $load->ask('health')->{database};
			!$database || $database->{state} eq 'ok' }, 60);
	}
	return $load;
}

sub reference {
	my ($self, $database) = @_;
	return Tool->new('reference', $database->conninfo);
}

# A conninfo by which that database is far away, and what makes it so.
sub far {
	my ($self, $database) = @_;
	my $dir = "$self->{dir}/far" . ++$self->{fars};
	mkdir $dir or croak "$dir: $!";
	my $name = '/.s.PGSQL.' . $database->port;
	return ($database->conninfo(host => $dir), Tool->new('far', "$dir$name", $database->dir . $name));
}

# ------------------------------------------------------------- logging calls
# What `log` of load.c is told, but for what is asked for. Of a call all messages say
# that it began at the same moment.
my $start_ms = 1000 * time;

sub logging {
	my (%option) = @_;
	return (part => 'all', alone => 0, first => 0, agents => AGENTS, start => $start_ms, process => 0, processes => 1,
		threads => THREADS, window => WINDOW, rate => 0, settle => 1, %option);
}

# Logs calls with that host; what it says. Every message must have been logged.
sub log_calls {
	my ($self, $load, %option) = @_;
	my $did = $load->ask('log', logging(%option));
	croak "of $did->{messages} messages $did->{ok} were logged: " . $load->errors
	  if $did->{ok} != $did->{messages};
	return $did;
}

# Table bench.source of that database: what each message of so many calls would
# make of a call of its own (rows.h). And bench.before: the calls that are there
# before. Neither depends on the plugin's speed.
sub make_source {
	my ($self, $database, $calls) = @_;
	my $load = $self->load(conninfo => $database->conninfo, body => 'all');
	$self->log_calls($load, alone => 1, calls => $calls);
	$self->expect_rows('each event alone', $database, 4 * $calls, $calls);
	$database->psql(<<~'SQL');
		CREATE TABLE bench.source AS
		SELECT split_part(session_id, '.', 2)::integer AS n, * FROM call_log.calls;
		CREATE UNIQUE INDEX ON bench.source (n)
		SQL
	$self->empty($database);
	$self->log_calls($load, part => 'before', calls => $calls);
	$self->expect_rows('what is there before', $database, $calls / 2, 0);
	$database->psql(<<~'SQL');
		CREATE TABLE bench.before AS SELECT * FROM call_log.calls;
		VACUUM ANALYZE bench.source; VACUUM ANALYZE bench.before
		SQL
	$load->quit;
}

# Figures of reports count as counted beforehand: to do that in the background is no
# part of what is measured.
my $no_reports = <<~'SQL';
	DO $$ BEGIN
		IF to_regclass('call_log.rollup') IS NOT NULL THEN
			UPDATE call_log.rollup SET rolled_day = 'infinity', settled_until = 'infinity';
		END IF;
	END $$;
	SQL

sub without_reports { $_[1]->psql($no_reports) }

# Takes all calls away. A host may be counting figures of them: it does not begin
# while somebody has this lock.
sub empty {
	my ($self, $database) = @_;
	$database->psql(<<~"SQL");
		BEGIN;
		SELECT pg_advisory_xact_lock(hashtextextended('call_log.rollup', 0));
		TRUNCATE call_log.calls CASCADE;
		$no_reports
		COMMIT
		SQL
}

# Every measurement of writing begins with the same table and nothing else to do.
sub begin {
	my ($self, $database) = @_;
	my $columns = $database->psql(<<~'SQL');
		SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
		WHERE attrelid = 'call_log.calls'::regclass AND attnum > 0 AND NOT attisdropped
		  AND attgenerated = '' AND attidentity = ''
		SQL
	$self->empty($database);
	$database->psql(<<~"SQL");
		INSERT INTO call_log.calls ($columns) SELECT $columns FROM bench.before;
		VACUUM ANALYZE call_log.calls;
		CHECKPOINT
		SQL
}

# How many calls are there, and how many of them are as their record says.
sub count_rows {
	my ($self, $database, $where) = @_;
	return split /\|/, $database->psql("SELECT count(*), count(*) FILTER (WHERE state = 'final') FROM call_log.calls WHERE "
		  . ($where // 'true'));
}

sub expect_rows {
	my ($self, $what, $database, $calls, $final, $where) = @_;
	my @rows = $self->count_rows($database, $where);
	croak "$what: $rows[0] calls, $rows[1] of them final, and not $calls and $final"
	  if $rows[0] != $calls || $rows[1] != $final;
}

1;
