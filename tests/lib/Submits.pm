# Submits - whether submit() takes as long as ever in a host whose database is in
# trouble. It is compared, in short bursts by turns, with the same plugin on a
# database of its own and with a plugin that does nothing (tests/plugins/prompt.c).
#
# A busy machine puts every thread aside now and then, for milliseconds. So what
# is judged is how often submit() gave the processor up by itself, and what 999 of
# 1,000 took in the median burst: less than a millisecond, or else about as long as
# in the bursts of the host that is well. What the clock says is printed.
#
#   my $submits = Submits->new($cluster);
#   $submits->compare('D7', $oracle);     # of the host in trouble
package Submits;
use v5.32;
use warnings;
use Driver;
use Oracle qw(size start_driver figure);
use Process qw(built scratch);
use Test::More ();

use constant {
	THREADS => 4, PAUSE_US => 200, CALLS => 1000, # of a burst
	LIMIT_US => 1000, SLOWER => 3,
};

sub new {
	my ($class, $cluster) = @_;
	my $no_op = Driver->new(plugin => built('tests/plugins/prompt.so'));
	$no_op->create;
	$no_op->start;
	$cluster->create_db('well');
	$cluster->install_schema(dbname => 'well');
	return bless {
		no_op => $no_op,
		healthy => start_driver(conninfo => $cluster->conninfo(dbname => 'well'),
			spool => scratch() . '/spool.db'),
	}, $class;
}

sub _burst {
	my ($driver, $prefix) = @_;
	my @lines = map { Driver::line(Driver::log_message(session_id => "$prefix-$_")) } 1 .. CALLS;
	my $first = $driver->times->{next};
	my $tally = $driver->burst(\@lines, threads => THREADS, pause_us => PAUSE_US);
	return ($tally, $driver->times($first));
}

sub _median { (sort { $a <=> $b } @_)[ @_ / 2 ] }

# Bursts until submit() is found to be prompt, which only a plugin that waits
# prevents: the least of them, then up to 10 times as many.
sub _alternate {
	my ($self, $name, $driver) = @_;
	my %host = (no_op => $self->{no_op}, healthy => $self->{healthy}, $name => $driver);
	my $least = size(60, 5);
	my (%bursts, %first, $unanswered);
	for my $round (1 .. 10 * $least) {
		for my $who ('no_op', 'healthy', $name) {
			$first{$who} //= $host{$who}->times->{next};
			my ($tally, $times) = _burst($host{$who}, lc "$name-$who-$round");
			$unanswered += !$tally->{all};
			push @{ $bursts{$who} }, $times;
		}
		last if $round >= $least && $self->_is_prompt(@bursts{ 'healthy', $name });
	}
	Test::More::is($unanswered, 0, "$name: every call of the bursts is answered");
	return (\%bursts, { map { $_ => $host{$_}->times($first{$_}) } keys %host });
}

sub _is_prompt {
	my ($self, $healthy, $trouble) = @_;
	my ($well, $ill) = map { _median(map { $_->{p999_us} } @$_) } $healthy, $trouble;
	return $ill < LIMIT_US || $ill <= SLOWER * $well;
}

sub compare {
	my ($self, $name, $oracle) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$oracle->note_times;
	my ($bursts, $all) = $self->_alternate($name, $oracle->{driver});
	$oracle->note_times($all->{$name});
	for my $who ('no_op', 'healthy', $name) {
		my $times = $all->{$who};
		my $of = $who eq $name ? $name : "${name}_$who";
		figure("$of.submit_$_", $times->{$_})
		  for qw(count p50_us p999_us max_us waits own_p999_us);
		figure("$of.submit_bursts", scalar @{ $bursts->{$who} });
		figure("$of.submit_p999_us_median", _median(map { $_->{p999_us} } @{ $bursts->{$who} }));
	}
	my $times = $all->{$name};
	Test::More::cmp_ok($times->{waits} * 200, '<', $times->{count},
		"$name: of $times->{count} submits $times->{waits} gave the processor up, fewer than one in 200");
	Test::More::ok($self->_is_prompt(@{$bursts}{ 'healthy', $name }),
		"$name: and 999 of 1,000 took less than a millisecond, or what they take with a database that is well");
}

1;
