# Large - what many calls cost: match queries at a million and at ten million, and
# writing beside an empty table: points match_throughput, match_latency, growth.
package Large;
use v5.32;
use warnings;
use Carp qw(croak);
use Ground qw(size rounds turned rate AGENTS);
use Process qw(root run_ok spew);

use constant TIMES => 10; # the larger is so often the smaller

my @patience = (seconds => 4 * 3600);
my $raw = 'the same statement by plain libpq, as many queries a statement';

sub new {
	my ($class, $ground, $figures) = @_;
	my $self = bless { ground => $ground, figures => $figures, rows => $ENV{ROWS} || size(10_000_000, 20_000) }, $class;
	$self->_fill;
	return $self;
}

# ------------------------------------------------------------------ filling
# make_calls.sql takes its time, so the larger table is made of the smaller one and
# copies of it, about other agents and other calls. Nothing is measured meanwhile,
# so nothing need be durable.
sub _fill {
	my ($self) = @_;
	my $ground = $self->{ground};
	my $cluster = $ground->cluster;
	my %hurry = (fsync => 'off', full_page_writes => 'off', wal_level => 'minimal', max_wal_senders => 0);
	@{ $cluster->{settings} }{ keys %hurry } = values %hurry;
	$cluster->restart;
	my $small = $ground->database('small');
	my $rows = int($self->{rows} / TIMES);
	$self->{agents} = $rows / 12_500 > 8 ? int($rows / 12_500) : 8;
	$small->psql_file(root() . '/tests/bench/make_calls.sql', @patience,
		arguments => [ '-v', "rows=$rows", '-v', "agents=$self->{agents}" ]);
	$ground->without_reports($small);
	$cluster->psql('CREATE DATABASE large TEMPLATE small', @patience);
	my $large = $ground->database('large', 1);
	$large->psql(<<~"SQL", @patience);
		SET maintenance_work_mem = '1GB';
		CREATE TEMP TABLE dropped AS
		SELECT i.indexrelid::regclass::text AS name, pg_get_indexdef(i.indexrelid) AS definition
		FROM pg_index i WHERE i.indrelid = 'call_log.calls'::regclass AND NOT i.indisprimary;
		DO \$\$
		DECLARE
			columns text := (SELECT string_agg(quote_ident(attname), ', ') FROM pg_attribute
				WHERE attrelid = 'call_log.calls'::regclass AND attnum > 0 AND NOT attisdropped
				  AND attgenerated = '' AND attidentity = '' AND attname NOT IN ('agent', 'session_id', 'telephony_session_id'));
			last bigint := (SELECT max(id) FROM call_log.calls);
			d record;
		BEGIN
			FOR d IN SELECT * FROM dropped LOOP EXECUTE 'DROP INDEX ' || d.name; END LOOP;
			FOR i IN 1 .. @{[ TIMES - 1 ]} LOOP
				EXECUTE format('INSERT INTO call_log.calls (agent, session_id, telephony_session_id, %s)
					SELECT ''agent '' || lpad((substr(agent, 7)::integer + %s)::text, 4, ''0''), (session_id::bigint + %s)::text,
					       ''s-'' || (session_id::bigint + %s), %s
					FROM call_log.calls WHERE id <= %s',
					columns, i * $self->{agents}, i * 20000000, i * 20000000, columns, last);
			END LOOP;
			FOR d IN SELECT * FROM dropped LOOP EXECUTE d.definition; END LOOP;
		END \$\$;
		VACUUM (FREEZE, ANALYZE) call_log.calls
		SQL
	delete @{ $cluster->{settings} }{ keys %hurry };
	$cluster->restart;
	run_ok([ 'sync', '-f', $cluster->data ], @patience);
	$cluster->psql('CHECKPOINT');
	@{$self}{qw(small large)} = ($small, $large);
	$self->{counted}{$_} = $self->{$_}->psql('SELECT count(*) FROM call_log.calls', @patience) for qw(small large);
	print STDERR "# $self->{counted}{small} and $self->{counted}{large} calls\n";
	croak 'the larger is not ten times the smaller' if $self->{counted}{large} != TIMES * $self->{counted}{small};
}

# ----------------------------------------------------------------- matching
# Queries about the last calls of an agent, as the widget asks them: four of five
# ids are of calls that are there.
sub _queries {
	my ($self, $size, $ids) = @_;
	my $agents = $self->{agents} * ($size eq 'large' ? TIMES : 1);
	my $known = $ids == 1 ? 1 : $ids * 4 / 5;
	my $unknown = $ids - $known;
	# of queries for one id, every fifth
	my $text = $self->{$size}->psql(<<~"SQL", @patience);
		SELECT setseed(0.3) \\g /dev/null
		SELECT q.agent || E'\\t' || (
			SELECT string_agg(id, ',' ORDER BY hashtext(id)) FROM (
				(SELECT CASE WHEN $ids = 1 AND q.n % 5 = 0 THEN '9' || c.session_id ELSE c.session_id END FROM call_log.calls c
				 WHERE c.account = '' AND c.agent = q.agent AND c.started_at IS NOT NULL
				 ORDER BY c.started_at DESC OFFSET q.n % 30 LIMIT $known)
				UNION ALL SELECT (9000000000 + q.n * 1000 + u)::text FROM generate_series(1, $unknown) AS u
			) AS asked (id))
		FROM (SELECT n, 'agent ' || lpad(floor(random() * $agents)::text, 4, '0') AS agent FROM generate_series(1, 500) AS n) AS q
		SQL
	my $path = $self->{ground}{dir} . "/queries.$size.$ids";
	spew($path, "$text\n");
	return $path;
}

# Both sides ask the same, and find the same.
sub _ask {
	my ($self, $size, $side, $ids, $count, $together) = @_;
	my $file = $self->{files}{$size}{$ids} //= $self->_queries($size, $ids);
	if ($side eq 'raw') {
		my $did = $self->{raw}{$size}->ask('match', file => $file, count => $count, per => $together);
		return ($did, $did->{found});
	}
	my $load = $self->{load}{$size};
	my $found = $load->ask('health')->{found};
	my $did = $load->ask('match', file => $file, count => $count, threads => 1, window => $together, rate => 0, settle => 1);
	croak "$did->{ok} of $did->{messages} queries were answered" if $did->{ok} != $count;
	return ($did, $load->ask('health')->{found} - $found);
}

sub _both {
	my ($self, $round, @what) = @_;
	my ($size, @rest) = @what;
	my (%did, %found);
	($did{$_}, $found{$_}) = $self->_ask($size, $_, @rest) for turned($round, qw(plugin raw));
	croak "the plugin found $found{plugin} calls, plain libpq $found{raw}" if $found{plugin} != $found{raw} || !$found{raw};
	return \%did;
}

sub match {
	my ($self) = @_;
	my ($ground, $figures) = @{$self}{qw(ground figures)};
	for my $size (qw(small large)) {
		$self->{load}{$size} = $ground->load(conninfo => $self->{$size}->conninfo);
		$self->{raw}{$size} = $ground->reference($self->{$size});
	}
	my %together = (1 => 64, 30 => 16, 300 => 4);
	my %count = (1 => size(12_800, 640), 30 => size(1_600, 80), 300 => size(160, 16));
	my (%many, %one);
	# once, so that what is asked for is in memory for both
	for my $size (qw(small large)) { $self->_ask($size, 'raw', $_, 500, $together{$_}) for keys %together }
	rounds(sub {
		my ($round) = @_;
		for my $size (turned($round, qw(small large))) {
			for my $ids (sort { $a <=> $b } keys %together) {
				push @{ $many{$size}{$ids} }, $self->_both($round, $size, $ids, $count{$ids}, $together{$ids});
				push @{ $one{$size}{$ids} }, $self->_both($round, $size, $ids, size(500, 50), 1);
			}
		}
	});
	for my $size (qw(small large)) {
		my $name = $self->{counted}{$size} >= 900_000 ? sprintf '%.0fM', $self->{counted}{$size} / 1e6 : $size;
		for my $ids (sort { $a <=> $b } keys %together) {
			$figures->add(name => "match_throughput.$name.$ids", unit => 'queries/s', values => [ map { rate($_->{plugin}) } @{ $many{$size}{$ids} } ],
				reference => $raw, references => [ map { rate($_->{raw}) } @{ $many{$size}{$ids} } ], at_least => 0.8);
			for my $part (qw(p50 p99)) {
				$figures->add(name => "match_latency.$name.$ids.$part", unit => 'us', values => [ map { $_->{plugin}{"${part}_us"} } @{ $one{$size}{$ids} } ],
					reference => "$part of the same by plain libpq", references => [ map { $_->{raw}{"${part}_us"} } @{ $one{$size}{$ids} } ]);
			}
		}
	}
	$figures->add(name => "match_latency.growth.$_.p99", unit => 'us', values => [ map { $_->{plugin}{p99_us} } @{ $one{large}{$_} } ],
		reference => 'with a tenth of the calls', references => [ map { $_->{plugin}{p99_us} } @{ $one{small}{$_} } ], at_most => 1.5) for 1, 30, 300;
	$self->{load}{$_}->quit for qw(small large);
}

# ------------------------------------------------------------------- growth
sub growth {
	my ($self) = @_;
	my ($ground, $figures) = @{$self}{qw(ground figures)};
	my $calls = size(10_000, 500);
	my %database = (large => $self->{large}, empty => $ground->database('empty'));
	my %load = map { $_ => $ground->load(conninfo => $database{$_}->conninfo) } keys %database;
	my %cost;
	rounds(sub {
		my ($round) = @_;
		for my $name (turned($round, sort keys %database)) {
			my $database = $database{$name};
			my @calls = (first => $round * $calls, calls => $calls);
			$ground->empty($database) if $name eq 'empty';
			my $last = $database->psql('SELECT coalesce(max(id), 0) FROM call_log.calls');
			$ground->log_calls($load{$name}, @calls, part => 'before');
			$database->psql('CHECKPOINT');
			push @{ $cost{$name} }, 1e6 / rate($ground->log_calls($load{$name}, @calls));
			$ground->expect_rows("growth, $name", $database, $calls, $calls, "id > $last");
		}
	});
	$figures->add(name => 'growth', unit => 'us/event', values => $cost{large}, reference => 'into an empty table',
		references => $cost{empty}, at_most => 1.3);
	$_->quit for values %load;
}

1;
