# Spooling - how fast events are kept while the database is away, and written once
# it is back: point spool.
package Spooling;
use v5.32;
use warnings;
use Carp qw(croak);
use Ground qw(size rounds rate);
use Process qw(built run_ok scratch wait_for);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

sub new {
	my ($class, $ground, $figures) = @_;
	return bless { ground => $ground, figures => $figures, database => $ground->database('spooling') }, $class;
}

# Nobody may connect, and nobody is.
sub _away {
	my ($self, $away) = @_;
	my $allow = $away ? 'false' : 'true';
	$self->{ground}->cluster->psql(<<~"SQL");
		ALTER DATABASE spooling ALLOW_CONNECTIONS $allow;
		SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE '$away' = '1' AND datname = 'spooling';
		SQL
}

# Seconds from the first event that leaves the spool to the last; and how many left
# in them.
sub _drained {
	my ($load, $all) = @_;
	my ($start, $from) = (0, $all);
	while (1) {
		my $left = $load->ask('health')->{spool}{rows};
		my $now = clock_gettime(CLOCK_MONOTONIC);
		($start, $from) = ($now, $left) if !$start && $left < $all;
		return ($now - $start, $from) if $start && !$left;
		select undef, undef, undef, 0.001;
	}
}

sub spool {
	my ($self) = @_;
	my ($ground, $figures, $database) = @{$self}{qw(ground figures database)};
	my $dir = scratch();
	my $load = $ground->load(conninfo => $database->conninfo, spool => "$dir/spool.db");
	my $calls = size(10_000, 1_000);
	my ($first, $round) = (0, 0);
	my (@live, @spooled, @kept, @replayed);
	rounds(sub {
		push @live, rate($ground->log_calls($load, first => $first, calls => $calls));
		$first += $calls;
		$self->_away(1);
		wait_for('the plugin to know that the database is away',
			sub { $load->ask('log', Ground::logging(first => $first, calls => 4)); $load->ask('health')->{database}{state} eq 'away' });
		$first += 4;
		my $had = $load->ask('health')->{spool}{rows};
		push @spooled, rate($ground->log_calls($load, first => $first, calls => $calls));
		$first += $calls;
		my $spool = $load->ask('health')->{spool};
		croak "$spool->{rows} events are in the spool" if $spool->{rows} != $had + 4 * $calls;
		my $row = int($spool->{bytes} / $spool->{rows});
		my ($kept) = run_ok([ built('tests/bench/keep'), "$dir/kept" . $round++, 4 * $calls, $row, 256 ]) =~ /seconds=(\S+)/;
		push @kept, 4 * $calls / $kept;
		$self->_away(0);
		my ($seconds, $drained) = _drained($load, $spool->{rows});
		push @replayed, $drained / $seconds;
	});
	$ground->expect_rows('spool', $database, $first, $first);
	$figures->add(name => 'spool.kept', unit => 'events/s', values => \@spooled, references => \@kept,
		reference => 'SQLite alone, 256 rows a transaction');
	$figures->add(name => 'spool.replayed', unit => 'events/s', values => \@replayed, references => \@live,
		reference => 'the same, logged with the database there');
	$load->quit;
}

1;
