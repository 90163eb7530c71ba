# Writing - how fast events become durable, beside other ways to write them: points
# log_throughput, log_throughput_5ms, log_latency and scale_out.
package Writing;
use v5.32;
use warnings;
use Figures qw(median);
use Ground qw(size rounds turned rate);

my $copy_256 = 'binary COPY, a transaction for 256 rows';
my $copy_all = 'binary COPY, one transaction';
my $upsert = 'a prepared upsert an event, one after the other';
my $insert = 'an INSERT an event, put together as a string';

sub new {
	my ($class, $ground, $figures) = @_;
	my $self = bless { ground => $ground, figures => $figures, calls => size(12_000, 500) }, $class;
	$self->{database} = $ground->database('writing');
	$ground->make_source($self->{database}, $self->{calls});
	$self->{rows} = 4 * $self->{calls};
	$self->{statements} = size(2_000, 100);
	return $self;
}

# Every way from the same beginning; how many rows must be there, and of those how
# many with a record, is known of each.
sub _measure {
	my ($self, $what, $calls, $final, $code, $where) = @_;
	my ($ground, $database) = @{$self}{qw(ground database)};
	$ground->begin($database);
	my $did = $code->();
	$ground->expect_rows($what, $database, $calls, $final, $where);
	return $did;
}

# Of rows that are each a call of its own, beside those that were there before.
sub _copied {
	my ($self, $reference, $per) = @_;
	return $self->_measure("COPY of $per", $self->{rows} + $self->{calls} / 2, $self->{calls},
		sub { $reference->ask('copy', per => $per) });
}

sub _logged {
	my ($self, $load, %option) = @_;
	return $self->_measure('the plugin', $self->{calls}, $self->{calls},
		sub { $self->{ground}->log_calls($load, calls => $self->{calls}, %option) });
}

# What the first of the events make of the calls, however they are written.
sub _of_statements {
	my ($self, $alone) = @_;
	my $key = $alone ? 'session_id' : q(split_part(session_id, '.', 1));
	return split /\|/, $self->{database}->psql(<<~"SQL");
		SELECT count(DISTINCT id), count(DISTINCT id) FILTER (WHERE state = 'final')
		FROM (SELECT session_id, state FROM bench.before UNION ALL SELECT $key, state FROM bench.source WHERE n < $self->{statements}) AS e (id, state)
		SQL
}

sub _upserted {
	my ($self, $reference) = @_;
	return $self->_measure('upserts', $self->_of_statements(0), sub { $reference->ask('upsert', rate => 0) });
}

sub _inserted {
	my ($self, $reference) = @_;
	return $self->_measure('INSERTs', $self->_of_statements(1), sub { $reference->ask('insert') });
}

sub throughput {
	my ($self) = @_;
	my ($ground, $database) = @{$self}{qw(ground database)};
	for my $body (qw(none final all)) {
		my $load = $ground->load(conninfo => $database->conninfo, body => $body);
		my $reference = $ground->reference($database);
		$reference->ask('read', rows => $self->{rows}, statements => $self->{statements}, body => $body);
		my %way = (
			plugin => sub { $self->_logged($load) },
			copy_256 => sub { $self->_copied($reference, 256) },
			copy_all => sub { $self->_copied($reference, $self->{rows}) },
			$body eq 'final' ? (upsert => sub { $self->_upserted($reference) },
				insert => sub { $self->_inserted($reference) }) : (),
		);
		my %rate;
		rounds(sub { push @{ $rate{$_} }, rate($way{$_}->()) for turned($_[0], sort keys %way) });
		my @of = (values => $rate{plugin}, unit => 'events/s');
		my $figures = $self->{figures};
		my ($copy, $one) = map { $body eq 'final' ? { at_least => $_ } : {} } 0.8, 0.55;
		$figures->add(name => "log_throughput.$body", @of, reference => $copy_256, references => $rate{copy_256}, %$copy);
		$figures->add(name => "log_throughput.$body.one_copy", @of, reference => $copy_all, references => $rate{copy_all}, %$one);
		next if $body ne 'final';
		$figures->add(name => 'log_throughput.upsert', @of, reference => $upsert, references => $rate{upsert}, at_least => 15);
		$figures->add(name => 'log_throughput.insert', @of, reference => $insert, references => $rate{insert}, at_least => 20);
	}
}

# The same, 5 ms from the database.
sub throughput_far {
	my ($self) = @_;
	my ($ground, $database) = @{$self}{qw(ground database)};
	my ($conninfo, $far) = $ground->far($database);
	$far->say_plain('delay 2500');
	my $load = $ground->load(conninfo => $conninfo);
	my $reference = Tool->new('reference', $conninfo);
	local $self->{statements} = size(200, 50);
	my $calls = size(5_000, 500);
	$reference->ask('read', rows => $self->{statements}, statements => $self->{statements}, body => 'final');
	my (@plugin, @upsert);
	rounds(sub {
		push @upsert, rate($self->_upserted($reference));
		push @plugin, rate($self->_measure('the plugin, far away', $calls, $calls,
			sub { $ground->log_calls($load, calls => $calls) }, q(state <> 'ringing')));
	});
	$self->{figures}->add(name => 'log_throughput_5ms', values => \@plugin, unit => 'events/s',
		reference => "$upsert, 5 ms away", references => \@upsert, at_least => 60);
}

# ---------------------------------------------------------------- latency
# At a rate, for some seconds; of each message the time from when it was due.
sub _paced {
	my ($self, $load, $rate, $seconds) = @_;
	my $calls = int($rate * $seconds / 4);
	$self->{ground}->begin($self->{database});
	my $did = $load->ask('log', Ground::logging(calls => $calls, rate => $rate, window => 0));
	# more than it can take is refused, and then not there
	if ($did->{ok} == $did->{messages}) {
		$self->{ground}->expect_rows("$rate a second", $self->{database}, $calls, $calls, q(state <> 'ringing'));
	} else {
		print STDERR "# at $rate a second $did->{refused} messages were refused, $did->{failed} failed\n";
	}
	return $did;
}

sub latency {
	my ($self) = @_;
	my ($ground, $database, $figures) = @{$self}{qw(ground database figures)};
	my $load = $ground->load(conninfo => $database->conninfo);
	my $reference = $ground->reference($database);
	my $alone = size(300, 40);
	$reference->ask('read', rows => $alone, statements => $alone, body => 'final');
	my %seconds = (100 => size(3, 0.4), map { $_ => size(2, 0.4) } 1000, 5000, 20000);
	my (%took, @upsert);
	rounds(sub {
		$ground->begin($database);
		push @upsert, $reference->ask('upsert', rate => 100);
		push @{ $took{$_} }, $self->_paced($load, $_, $seconds{$_}) for sort { $a <=> $b } keys %seconds;
	});
	my %aim = (p50 => 1.5, p99 => 3);
	for my $rate (sort { $a <=> $b } keys %seconds) {
		for my $part (qw(p50 p99 p999)) {
			$figures->add(name => "log_latency.$rate.$part", unit => 'us', values => [ map { $_->{"${part}_us"} } @{ $took{$rate} } ],
				reference => "$part of $upsert, 100 a second", references => [ map { $_->{"${part}_us"} } @upsert ],
				$aim{$part} ? (at_most => $aim{$part}) : ());
		}
	}
}

# -------------------------------------------------------------- scale_out
# Hosts that share the messages of the same calls of the same agents.
sub scale_out {
	my ($self) = @_;
	my ($ground, $database) = @{$self}{qw(ground database)};
	my @loads = map { $ground->load(conninfo => $database->conninfo) } 1 .. 4;
	my $deadlocks = sub { $database->psql('SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()') };
	my $before = $deadlocks->();
	my %rate;
	rounds(sub {
		for my $hosts (turned($_[0], 1, 2, 4)) {
			$self->_measure("$hosts hosts", $self->{calls}, $self->{calls}, sub {
				my %part = (calls => $self->{calls}, processes => $hosts, window => int(2000 / $hosts), threads => 1);
				$loads[$_]->tell('log', Ground::logging(%part, process => $_)) for 0 .. $hosts - 1;
				my @did = map { $loads[$_]->answer } 0 .. $hosts - 1;
				my ($slowest) = sort { $b <=> $a } map { $_->{seconds} } @did;
				push @{ $rate{$hosts} }, $self->{rows} / $slowest;
			});
		}
	});
	$self->{figures}->add(name => "scale_out.$_", unit => 'events/s', values => $rate{$_}, reference => 'one host',
		references => $rate{1}) for 2, 4;
	$self->{figures}->add(name => 'scale_out.deadlocks', unit => '', values => [ $deadlocks->() - $before ], value_at_most => 0);
}

1;
