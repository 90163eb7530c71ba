# Oracle - a client that logs calls through a Driver, writes each save down at its
# "ok", and afterwards compares what it wrote with the database: what is missing,
# doubled or wrong. As the widget's page does, it sends again, unchanged, what was
# answered as busy and what was under way when the host died.
#
#   my $oracle = Oracle->new(cluster => $cluster, driver => $driver);
#   $oracle->flow(calls => 3000, at => sub { ...faults... });
#   $oracle->conclude('D3', 'backends killed');
#
# With match => 1 it asks for each call when it was acknowledged, as the widget does,
# and to conclude is also that each was found.
package Oracle;
use v5.32;
use warnings;
use Carp qw(croak);
use Driver;
use Exporter qw(import);
use JSON::PP qw(decode_json);
use Process qw(scratch slurp wait_for);
use Test::More ();
use Time::HiRes qw(time clock_gettime CLOCK_MONOTONIC);

our @EXPORT_OK = qw(full size figure now spooled start_driver);

# FULL=1 runs the full size; otherwise the short form is meant.
sub full { !!$ENV{FULL} }
sub size { my ($full, $short) = @_; return $ENV{FULL} ? $full : $short }
sub now { clock_gettime(CLOCK_MONOTONIC) }
sub figure { Test::More::note("figure: $_[0] $_[1]") }

# A new host process with the plugin running on that configuration.
sub start_driver {
	my (%config) = @_;
	my $driver = Driver->new;
	my $why = $driver->create(%config);
	croak $why if defined $why;
	$driver->start eq 'OK' or croak 'the plugin did not start';
	return $driver;
}

# prefix: of the session ids, so that several oracles may share a database; agent: of
# the agents' names, so that none waits for another's.
sub new {
	my ($class, %option) = @_;
	my $self = bless {
		prefix => 'c', agent => 'agent', window => 64, %option,
		waiting => [], # what is to be sent (again): [not before, save]
		acked => {}, made => {}, calls => 0,
		statuses => {}, longest => 0, busy => 0, killed => 0,
		matched => 0, unfound => [],
	}, $class;
	$self->{file} = scratch() . '/acknowledged';
	open $self->{written}, '>', $self->{file} or croak "$self->{file}: $!";
	$self->{written}->autoflush(1);
	$self->attach($option{driver}) if $option{driver};
	return $self;
}

# From now on this driver is the host. What was under way is sent again.
sub attach {
	my ($self, $driver) = @_;
	push @{ $self->{waiting} }, map { [ 0, $_ ] } @{ $self->{sent} // [] },
	  values %{ $self->{under_way} // {} };
	@{$self}{qw(driver sent under_way early)} = ($driver, [], {}, {});
}

# What the next call sends: one save, or two for every fourth call.
sub _make {
	my ($self) = @_;
	my $n = ++$self->{calls};
	my $at = int(time * 1000);
	for my $save (1 .. ($n % 4 ? 1 : 2)) {
		my $item = {
			session => "$self->{prefix}$n", request => "$self->{prefix}$n-$save",
			agent => $self->{agent} . $n % 7, note => "note $save of $self->{prefix}$n",
			number => sprintf('+1650%07d', $n), save => $save,
		};
		$item->{line} = Driver::line(
			Driver::log_message(
				session_id => $item->{session}, request_id => $item->{request},
				call => { from => { phoneNumber => $item->{number} }, duration => $n % 3600 },
				body => { triggerType => 'logForm', note => $item->{note},
					formData => { note => $item->{note} } }),
			agent => $item->{agent}, sent_at => $at + $save);
		$self->{made}{ $item->{request} } = $item;
		push @{ $self->{waiting} }, [ 0, $item ];
	}
}

# How much is sent and not answered.
sub open_count { @{ $_[0]{sent} } + keys %{ $_[0]{under_way} } }

sub _send {
	my ($self) = @_;
	my $now = now();
	my @later;
	while ($self->open_count < $self->{window} && @{ $self->{waiting} }) {
		my $next = shift @{ $self->{waiting} };
		if ($next->[0] > $now) { push @later, $next; next }
		$self->{driver}->tell('submit', $next->[1]{line});
		push @{ $self->{sent} }, $next->[1];
	}
	unshift @{ $self->{waiting} }, @later;
}

# Only what a host that stops gives back is asked again.
sub _matched {
	my ($self, $item, $status, $ms, $body) = @_;
	return push @{ $self->{waiting} }, [ 0, $item ] if $status eq 'STOPPING';
	$self->{matched}++;
	$self->{slowest_match} = $ms if $ms > ($self->{slowest_match} // 0);
	my $found = $status eq 'OK' && decode_json($body)->{response}{data}{ $item->{match} };
	push @{ $self->{unfound} }, "$item->{match} ($status)" if !$found || !@$found;
}

sub _ask {
	my ($self, $item) = @_;
	unshift @{ $self->{waiting} }, [ 0, { match => $item->{session},
		line => Driver::line(Driver::match_message($item->{session}), agent => $item->{agent}) } ];
}

sub _answered {
	my ($self, $item, $status, $ms, $body) = @_;
	return $self->_matched($item, $status, $ms, $body) if $item->{match};
	$self->{statuses}{$status}++;
	$self->{slowest_answer} = $ms if $ms > ($self->{slowest_answer} // 0);
	if ($status eq 'OK') {
		$self->{written}->print("$item->{request}\n");
		$self->_ask($item) if $self->{match};
	} else {
		push @{ $self->{waiting} }, [ now() + 0.05, $item ];
	}
}

sub _take {
	my ($self, $line) = @_;
	if (my ($id) = $line =~ /^accepted (\d+)/) {
		my $item = shift @{ $self->{sent} };
		my $early = delete $self->{early}{$id};
		return $self->_answered($item, @$early) if $early;
		$self->{under_way}{$id} = $item;
	} elsif (my ($why) = $line =~ /^refused (\S+)/) {
		$self->_answered(shift @{ $self->{sent} }, $why, 0);
	} elsif (my ($answered, @answer) = $line =~ /^answer (\d+) (\S+) (\d+) (.*)/) {
		my $item = delete $self->{under_way}{$answered};
		return $self->_answered($item, @answer) if $item;
		$self->{early}{$answered} = \@answer;
	} elsif ($line =~ /^error/) {
		croak "driver: $line";
	} else {
		push @{ $self->{heard} }, $line;
	}
}

# The driver is told something while calls flow on: tell(fork => 'exit') and then
# hear(qr/^forked (.*)/), the first other line like that; its captures.
sub tell { my ($self, @command) = @_; $self->{driver}->tell(@command) }

sub hear {
	my ($self, $pattern, $seconds) = @_;
	return @{
		wait_for("a line like $pattern", sub {
			$self->pump(0.002);
			my ($got) = grep { @$_ } map { [ $_ =~ $pattern ] } splice @{ $self->{heard} //= [] };
			$got;
		}, $seconds // 30)
	};
}

# Sends what may be sent and takes what was answered, for up to that time.
sub pump {
	my ($self, $seconds) = @_;
	my $end = now() + $seconds;
	do {
		$self->_send;
		my $line = $self->{driver}->next_line($self->{waiting}->@* ? 0.01 : $seconds < 0.1 ? $seconds : 0.1);
		while (defined $line) {
			$self->_take($line);
			$line = shift @{ $self->{driver}{lines} };
		}
	} while now() < $end;
}

# Makes new calls as fast as the window allows, for so many `seconds` or until
# there are `calls` more. `at` is called between, with the number of calls made.
sub flow {
	my ($self, %option) = @_;
	my $first = $self->{calls};
	my $end = now() + ($option{seconds} // 600);
	my $pace = $option{per_second};
	my $start = now();
	while (now() < $end && (!$option{calls} || $self->{calls} - $first < $option{calls})) {
		while (@{ $self->{waiting} } < 16
			&& (!$option{calls} || $self->{calls} - $first < $option{calls})
			&& (!$pace || $self->{calls} - $first < (now() - $start) * $pace)) {
			$self->_make;
		}
		$self->pump(0.002);
		$option{at}->($self->{calls} - $first) if $option{at};
	}
}

# Sends again until everything is acknowledged.
sub settle {
	my ($self, $seconds) = @_;
	my $end = now() + ($seconds // 60);
	while (@{ $self->{waiting} } || $self->open_count) {
		$self->pump(0.01);
		croak "unanswered: " . $self->open_count . ', unsent: ' . @{ $self->{waiting} }
		  . "; log:\n" . join("\n", $self->{driver}->log_lines) if now() > $end;
	}
}

# How long submit() took in the process there is now, unless given; kept for the
# table, without the time that the machine gave to others.
sub note_times {
	my ($self, $times) = @_;
	$times //= $self->{driver}->times;
	$self->{longest} = $times->{own_max_us} if $times->{own_max_us} > $self->{longest};
	return $times;
}

sub kill_host {
	my ($self) = @_;
	$self->{driver}->kill9;
	$self->_take($_) for splice @{ $self->{driver}{lines} };
	$self->{killed}++;
}

sub acked { return split /\n/, slurp($_[0]{file}) }
sub acked_count { scalar(() = $_[0]->acked) }

# ({missing}, {doubled}, {wrong}): lists of names.
sub compare {
	my ($self) = @_;
	my (%note, %row, @missing, @doubled, @wrong);
	my %found = (missing => \@missing, doubled => \@doubled, wrong => \@wrong);
	my $mine = "session_id LIKE '$self->{prefix}%'";
	my $db = $self->{cluster};
	for ($db->rows("SELECT agent, session_id, from_number, note, merged_into FROM call_log.calls WHERE $mine")) {
		my ($agent, $session, $number, $note, $into) = @$_;
		push @doubled, "call $session" if $row{$session};
		$row{$session} = { agent => $agent, number => $number, note => $note };
		push @wrong, "$session is merged into $into" if defined $into;
	}
	for ($db->rows("SELECT request_id, note, session_id FROM call_log.notes WHERE $mine")) {
		my ($request, $note, $session) = @$_;
		push @doubled, "note $request" if exists $note{$request};
		$note{$request} = $note;
		my $item = $self->{made}{$request};
		push @wrong, "note $request" if !$item || $item->{note} ne $note || $item->{session} ne $session;
	}
	my %newest;
	for my $request (keys %note) {
		my $item = $self->{made}{$request} or next;
		my $row = $row{ $item->{session} };
		push @wrong, "call $item->{session}"
		  if !$row || $row->{agent} ne $item->{agent} || $row->{number} ne $item->{number};
		$newest{ $item->{session} } = $item
		  if !$newest{ $item->{session} } || $newest{ $item->{session} }{save} < $item->{save};
	}
	for my $session (keys %newest) {
		push @wrong, "newest note of $session"
		  if ($row{$session}{note} // '') ne $newest{$session}{note};
	}
	push @missing, grep { !exists $note{$_} } $self->acked;
	return \%found;
}

# Waits until the database has everything acknowledged; how long that took.
sub await_all {
	my ($self, $seconds) = @_;
	my $start = now();
	my $missing = 0;
	eval {
		wait_for('what was acknowledged to be in the database', sub {
			$self->pump(0.05);
			!($missing = @{ $self->compare->{missing} });
		}, $seconds // 30);
	};
	return now() - $start;
}

# The three assertions and the figures of the table.
sub conclude {
	my ($self, $name, $fault, %option) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	$self->settle($option{seconds});
	my $took = $self->await_all($option{seconds});
	my $found = $self->compare;
	my $times = $self->note_times;
	my $acked = $self->acked_count;
	Test::More::cmp_ok($acked, '>', 0, "$name: $acked saves were acknowledged");
	Test::More::is("@{ $found->{missing} }[0 .. 0]" || '', '', "$name: none of them is missing")
	  if @{ $found->{missing} };
	Test::More::is(scalar @{ $found->{missing} }, 0, "$name: none of them is missing");
	Test::More::is("@{ $found->{doubled} }", '', "$name: none is doubled");
	Test::More::is("@{ $found->{wrong} }", '', "$name: none is wrong");
	if ($self->{match}) {
		Test::More::is("@{ $self->{unfound} }", '', "$name: each of $self->{matched} matches finds the call");
		figure("$name.matches", $self->{matched});
		figure("$name.not_found", scalar @{ $self->{unfound} });
		figure("$name.slowest_match_ms", $self->{slowest_match} // 0);
	}
	$self->works($name);
	figure("$name.fault", $fault);
	figure("$name.acknowledged", $acked);
	figure("$name.lost", scalar @{ $found->{missing} });
	figure("$name.doubled", scalar @{ $found->{doubled} });
	# over HTTP nobody knows how long submit() took
	figure("$name.longest_wait_us", sprintf '%.0f', $self->{longest}) if $self->{longest};
	figure("$name.answered_late_or_busy",
		join ',', map { "$_=$self->{statuses}{$_}" } sort keys %{ $self->{statuses} });
	figure("$name.slowest_answer_ms", $self->{slowest_answer} // 0);
	figure("$name.caught_up_s", sprintf '%.2f', $took);
	return $found;
}

# The same for several that ran side by side, told apart by name, and told as one row
# of the table.
sub conclude_all { # name => oracle, ...
	my ($row, $fault, %oracle) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	my %sum;
	my $longest = 0;
	for my $name (sort keys %oracle) {
		my $oracle = $oracle{$name};
		$oracle->settle;
		$oracle->await_all(60);
		my $found = $oracle->compare;
		Test::More::is_deeply($found, { missing => [], doubled => [], wrong => [] },
			"$name: all that was acknowledged is stored, each once");
		$oracle->works($name);
		$oracle->note_times;
		$sum{acknowledged} += $oracle->acked_count;
		$sum{lost} += @{ $found->{missing} };
		$sum{doubled} += @{ $found->{doubled} };
		$longest = $oracle->{longest} if $oracle->{longest} > $longest;
		Test::More::is($oracle->{driver}->quit, 0, "$name: the host ends well");
	}
	figure("$row.fault", $fault);
	figure("$row.$_", $sum{$_}) for qw(acknowledged lost doubled);
	figure("$row.longest_wait_us", sprintf '%.0f', $longest);
}

# A call is logged, found, and in the database at once.
sub works {
	my ($self, $name) = @_;
	local $Test::Builder::Level = $Test::Builder::Level + 1;
	state $serial = 0;
	my $id = 'works' . ++$serial . "-$$-$self->{prefix}";
	my $driver = $self->{driver};
	my $good = eval {
		wait_for('a call to be in the database', sub {
			$driver->logged(session_id => $id) eq 'OK'
			  && $self->{cluster}->psql("SELECT count(*) FROM call_log.calls WHERE session_id = '$id'") == 1;
		}, 30);
		wait_for('it to be found', sub {
			my ($status, $answer) = $driver->call(Driver::match_message($id));
			$status eq 'OK' && @{ $answer->{response}{data}{$id} // [] };
		}, 30);
	};
	Test::More::ok($good, "$name: afterwards a call is logged and found") or Test::More::diag($@);
}

# How many rows the spool holds, by its own health.
sub spooled { return $_[0]->health->{spool}{rows} // 0 }

1;
