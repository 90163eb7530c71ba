# Costs - what the plugin takes of the host: points submit_time, cpu_per_event and
# memory.
package Costs;
use v5.32;
use warnings;
use Carp qw(croak);
use Figures qw(median);
use Ground qw(size rounds turned spent spent_since_us);
use Process qw(built plugin root run run_ok scratch slurp wait_for);

use constant REMEMBERED => 110_000; # calls: more than the plugin remembers

sub new {
	my ($class, $ground, $figures) = @_;
	my $self = bless { ground => $ground, figures => $figures, first => 0 }, $class;
	$self->{database} = $ground->database('costs');
	$self->{no_op} = $ground->load(plugin => built('tests/plugins/prompt.so'));
	return $self;
}

# Calls that were not logged before.
sub _new_calls {
	my ($self, $calls) = @_;
	my @calls = (first => $self->{first}, calls => $calls);
	$self->{first} += $calls;
	$self->{expected} += $calls;
	return @calls;
}

sub _expect {
	my ($self, $what) = @_;
	$self->{ground}->expect_rows($what, $self->{database}, $self->{expected}, $self->{expected});
}

# ------------------------------------------------------------- submit_time
sub submit_time {
	my ($self) = @_;
	my ($ground, $figures) = @{$self}{qw(ground figures)};
	my ($conninfo, $far) = $ground->far($self->{database});
	my $load = $ground->load(conninfo => $conninfo, spool => scratch() . '/spool.db', commit_deadline_ms => 1000);
	my %case = (
		healthy => [ 'delay 0', 'delay 0' ],
		slow => [ 'delay 100000', 'delay 0' ],
		black_hole => [ 'hole 1', 'hole 0' ],
	);
	my $calls = size(2_500, 250);
	my @pace = (rate => 5000, window => 0, threads => 4);
	my (%took, @no_op);
	rounds(sub {
		push @no_op, $ground->log_calls($self->{no_op}, calls => $calls, @pace);
		for my $name (turned($_[0], sort keys %case)) {
			$far->say_plain($case{$name}[0]);
			push @{ $took{$name} }, $ground->log_calls($load, $self->_new_calls($calls), @pace);
			$far->say_plain($case{$name}[1]);
			wait_for('the spool to be empty', sub {
				my $health = $load->ask('health');
				$health->{database}{state} eq 'ok' && !$health->{spool}{rows} }, 120);
		}
	});
	$self->_expect('submit_time');
	for my $name (qw(healthy slow black_hole)) {
		for my $part (qw(p50 p999 max)) {
			$figures->add(name => "submit_time.$name.$part", unit => 'us', values => [ map { $_->{"submit_${part}_us"} } @{ $took{$name} } ],
				reference => "$part of a plugin that does nothing", references => [ map { $_->{"submit_${part}_us"} } @no_op ],
				$part eq 'p999' ? (value_at_most => 1000) : ());
		}
	}
	$load->quit;
}

# ----------------------------------------------------------- cpu_per_event
# What the server's processes for the plugin had of the processor.
sub _backends {
	my ($self) = @_;
	return spent(map { "/proc/$_" } split /\n/, $self->{database}->psql(q(SELECT pid FROM pg_stat_activity
			WHERE datname = current_database() AND backend_type = 'client backend' AND pid <> pg_backend_pid())));
}

sub cpu_per_event {
	my ($self) = @_;
	my ($ground, $figures) = @{$self}{qw(ground figures)};
	my $load = $ground->load(conninfo => $self->{database}->conninfo);
	my $calls = size(10_000, 500);
	my %cpu;
	rounds(sub {
		# what it takes to measure is taken off
		my $nothing = $ground->log_calls($self->{no_op}, calls => $calls);
		my $before = $self->_backends;
		my $did = $ground->log_calls($load, $self->_new_calls($calls));
		push @{ $cpu{database} }, spent_since_us($before, $self->_backends) / $did->{messages};
		push @{ $cpu{caller} }, $did->{caller_us} - $nothing->{caller_us} - $nothing->{own_us};
		push @{ $cpu{threads} }, $did->{own_us};
		push @{ $cpu{all} }, $cpu{caller}[-1] + $cpu{threads}[-1];
	});
	$self->_expect('cpu_per_event');
	my @beside = (unit => 'us', reference => 'what the server takes for it', references => $cpu{database});
	$figures->add(name => 'cpu_per_event', values => $cpu{all}, value_at_most => 12, @beside);
	$figures->add(name => 'cpu_per_event.in_submit', values => $cpu{caller}, @beside);
	$figures->add(name => 'cpu_per_event.own_threads', values => $cpu{threads}, @beside);
	$load->quit;
	$self->_instructions;
}

# Of functions, inclusive of what they call, by callgrind: { name => instructions }.
sub _counted {
	my ($file) = @_;
	my $text = run_ok([ 'callgrind_annotate', '--inclusive=yes', '--threshold=100', $file ], seconds => 300);
	my %counted;
	while ($text =~ /^\s*([\d,]+)(?: \([^)]*\))?\s+\S*?:(\w+)(?:'2)? /mg) {
		my ($number, $name) = ($1, $2);
		$number =~ tr/,//d;
		$counted{$name} = $number if $number > ($counted{$name} // 0);
	}
	return \%counted;
}

# The parts of the work, in the order of an event's way; none calls another.
my @parts = (
	json => [qw(message_decode_log message_answer_ok)],
	arrays => [qw(columns_encode)],
	libpq => [qw(PQsendQueryParams PQsendQueryPrepared PQsendPrepare PQflush PQconsumeInput PQgetResult PQclear)],
	batch => [qw(batch_form)],
);

sub _instructions {
	my ($self) = @_;
	my ($ground, $figures) = @{$self}{qw(ground figures)};
	my $calls = size(1_000, 250);
	my $out = scratch() . '/callgrind.out';
	my $load = $ground->load(conninfo => $self->{database}->conninfo,
		prefix => [ qw(valgrind --quiet --tool=callgrind), "--callgrind-out-file=$out" ]);
	my $did = $ground->log_calls($load, $self->_new_calls($calls));
	$load->quit;
	$self->_expect('callgrind');
	my $counted = _counted($out);
	my $all = 0;
	for my $root (qw(plugin_submit writer_run)) {
		$all += ($counted->{$root} // croak "callgrind did not see $root()") / $did->{messages};
	}
	$figures->add(name => 'instructions_per_event', unit => 'instructions', values => [$all]);
	while (my ($part, $functions) = splice @parts, 0, 2) {
		my $sum = 0;
		$sum += ($counted->{$_} // 0) / $did->{messages} for @$functions;
		croak "callgrind did not see any of @$functions" if !$sum;
		$figures->add(name => "instructions_per_event.$part", unit => 'instructions', values => [$sum], reference => 'all',
			references => [$all], $part eq 'json' ? (at_least => 0.5) : ());
	}
}

# ------------------------------------------------------------------ memory
sub memory {
	my ($self) = @_;
	my ($ground, $figures) = @{$self}{qw(ground figures)};
	$self->_in_flight;
	my $database = $ground->database('memory');
	my $load = $ground->load(conninfo => $database->conninfo);
	my $chunk = size(12_500, 500);
	my $chunks = int(($ENV{EVENTS} || size(400_000, 8_000)) / (4 * $chunk));
	# It remembers calls, so many and no more: those come first, half of these.
	$ground->log_calls($load, part => 'before', first => 100_000_000, calls => size(2 * REMEMBERED, 2_000));
	my @resident;
	for my $n (0 .. $chunks) {
		$ground->log_calls($load, first => $n * $chunk, calls => $chunk);
		push @resident, $load->ask('memory')->{resident_kb};
	}
	# what is remembered of the first of these is longer than of those that rang
	my $first = int($chunks / 2);
	my $calls = ($chunks + 1) * $chunk;
	$ground->expect_rows('memory', $database, $calls, $calls, q(state <> 'ringing'));
	$figures->add(name => 'memory.flat', unit => 'kB', values => [ $resident[-1] ],
		reference => sprintf('resident %d events earlier', 4 * $chunk * ($chunks - $first)), references => [ $resident[$first] ], at_most => 1.05);
	$load->quit;
}

# 10,000 events that wait for the database.
sub _in_flight {
	my ($self) = @_;
	my ($ground, $figures) = @{$self}{qw(ground figures)};
	my ($conninfo, $far) = $ground->far($self->{database});
	my $load = $ground->load(conninfo => $conninfo);
	my $calls = 2_500;
	my @messages = map { length } grep { /"callLogSync"|presence/ } split /\n/, slurp($ground->{messages});
	my $bytes = median(map { $_ } @messages) * 4 * $calls;
	my @growth;
	$ground->log_calls($load, $self->_new_calls($calls));
	rounds(sub {
		my $before = $load->ask('memory')->{resident_kb};
		$far->say_plain('hole 1');
		$load->ask('log', Ground::logging($self->_new_calls($calls), window => 0, settle => 0));
		push @growth, $load->ask('memory')->{resident_kb} - $before;
		$far->say_plain('hole 0');
		my $did = $load->ask('settle');
		croak "$did->{ok} of $did->{messages} that were in flight were logged" if $did->{ok} != $did->{messages};
	});
	$self->_expect('in flight');
	# what was grown for the first is there for the next
	$figures->add(name => 'memory.in_flight', unit => 'kB', values => [ $growth[0] ],
		reference => 'the messages of 10,000 events', references => [ $bytes / 1024 ]);
	$load->quit;
}

1;
