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

# How many events a second leave the spool, from the first that do to the last.
sub _drain_rate {
	my ($load, $had, $all) = @_;
	my ($start, $first);
	while (1) {
		my $gone = $load->ask('health')->{replayed} - $had;
		my $now = clock_gettime(CLOCK_MONOTONIC);
		($start, $first) = ($now, $gone) if !$start && $gone;
		return ($gone - $first) / ($now - $start) if $gone == $all;
		croak "$gone events of $all left the spool" if $gone > $all;
		select undef, undef, undef, 0.0005;
	}
}

sub spool {
	my ($self) = @_;
	my ($ground, $figures, $database) = @{$self}{qw(ground figures database)};
	my $dir = scratch();
	my $load = $ground->load(conninfo => $database->conninfo, spool => "$dir/spool.db");
	my $calls = size(10_000, 1_000);
	my ($first, $round, $gone) = (0, 0, 0);
	my (@live, @spooled, @kept, @replayed);
	rounds(sub {
		push @live, rate($ground->log_calls($load, first => $first, calls => $calls));
		$first += $calls;
		$self->_away(1);
		wait_for('the plugin to know that the database is away',
			sub { $load->ask('log', Ground::logging(first => $first, calls => 4)); $load->ask('health')->{database}{state} eq 'away' });
		$first += 4;
		push @spooled, rate($ground->log_calls($load, first => $first, calls => $calls));
		$first += $calls;
		my $health = $load->ask('health');
		my $all = $health->{spooled} - $gone;
		croak "$all events were spooled" if $all < 4 * $calls;
		# it looks once a second
		wait_for('health to know what is in the spool', sub { $load->ask('health')->{spool}{rows} == $all });
		my $row = int($load->ask('health')->{spool}{bytes} / $all);
		my ($kept) = run_ok([ built('tests/bench/keep'), "$dir/kept" . $round++, 4 * $calls, $row, 256 ]) =~ /seconds=(\S+)/;
		push @kept, 4 * $calls / $kept;
		$self->_away(0);
		push @replayed, _drain_rate($load, $gone, $all);
		$gone += $all;
	});
	$ground->expect_rows('spool', $database, $first, $first);
	$figures->add(name => 'spool.kept', unit => 'events/s', values => \@spooled, references => \@kept,
		reference => 'SQLite alone, 256 rows a transaction');
	$figures->add(name => 'spool.replayed', unit => 'events/s', values => \@replayed, references => \@live,
		reference => 'the same, logged with the database there');
	$load->quit;
}

1;
