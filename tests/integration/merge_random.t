# The merge rule against a reference: random histories of a few calls of one agent,
# delivered in random order, in random batches, some events several times, must end
# as what a short fold over the *set* of events says. SEED= repeats a run,
# HISTORIES= sets their number.
use v5.32;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Test::More;
use List::Util qw(first shuffle);
use Cluster;
use Feed qw(record @FACTS);

my $seed = $ENV{SEED} // time;
my $histories = $ENV{HISTORIES} // 10_000;
note "SEED=$seed HISTORIES=$histories";
srand $seed;

my @recording = qw(recording_id recording_link recording_uri recording_type);
my @contact = qw(contact_id contact_name contact_type);

# What is written into a note by hand.
my $text = q{CASE WHEN right(agent, 2)::integer % 2 = 0 THEN 'by hand' ELSE '' END};

sub one_of { $_[ rand @_ ] }
sub maybe { rand() < $_[0] ? one_of(@_[ 1 .. $#_ ]) : undef }

# Whole seconds: a newer repeat within one second is the one stated exception.
sub moment { sprintf '2026-03-02 09:00:%02d+00', $_[0] }

# ------------------------------------------------------- one random history
sub random_event {
	my ($call, $serial) = @_;
	my $manual = rand() < 0.25;
	my %e = (
		session_id => $call->{session_id}, second => int rand 6,
		hash => int(rand 2**31) * (rand() < 0.5 ? 1 : -1) * 2**31 + $serial,
		request_id => 'r' . one_of(1 .. 9) . "/$serial",
		state => one_of(qw(ringing connected held parked ended final)),
		to_self => rand() < 0.2 ? 't' : 'f',
		logged_by => $manual ? 'manual' : one_of(qw(auto auto backfill)),
		connected => rand() < 0.3 ? 't' : 'f',
		# nearly always one of each a call
		telephony_session_id => rand() < 0.1 ? maybe(1, 's-1', 's-2', 's-3') : rand() < 0.7 ? $call->{telephony} : undef,
		other_leg => rand() < 0.05 ? maybe(1, grep { $_ ne $call->{session_id} } 100, 200, 's-1')
			: rand() < 0.5 ? $call->{other_leg} : undef,
		direction => maybe(0.6, 'Inbound', 'Outbound'),
		queue_call => maybe(0.3, 't', 'f'),
		started_at => maybe(0.5, map { moment($_) } 10 .. 12),
		duration_s => maybe(0.7, 0, 1, 2, 300_000),
		result => maybe(0.7, 'Accepted', 'Missed', 'No Answer', 'Hang Up', 'Voicemail', 'Busy',
			'Blocked', 'International Disabled', 'Disconnected', 'CallConnected', 'Novel'),
		body => maybe(0.3, map { qq({"n":$_}) } 1 .. 3));
	$e{$_} = maybe(0.4, "$_ 1", "$_ 2", "$_ 3")
	  for qw(party_id from_number from_name to_number to_name ai_note transcript);
	if (rand() < 0.3) { $e{$_} = maybe(0.8, "$_ 1", "$_ 2") for @recording }
	if (rand() < 0.4) {
		$e{$_} = maybe(0.8, "$_ 1", "$_ 2") for @contact;
		$e{contact_picked} = rand() < 0.6 ? 't' : 'f';
	}
	# an automatic event may carry neither, which must not matter
	if ($manual || rand() < 0.1) {
		$e{note} = maybe(0.7, '', '', 'note 1', 'note 2', 'note 3');
		$e{form} = maybe(0.3, '{"a": 1}', '{"a": 2}');
	}
	return \%e;
}

sub random_history {
	my @id = shuffle(qw(100 200 300 s-1 0/x));
	my @call = map { {
			session_id => $_,
			telephony => maybe(0.6, 's-1', 's-2'),
			other_leg => maybe(0.2, grep { $_ ne $id[0] } @id[ 0 .. 3 ]) } } @id[ 0 .. rand 4 ];
	for (@call) { delete $_->{other_leg} if ($_->{other_leg} // '') eq $_->{session_id} }
	my $serial = 0;
	return map { random_event(one_of(@call), ++$serial) } 1 .. 1 + rand 9;
}

# ------------------------------------------------------------ the reference
# Everything below the dashes is the rule of sql/migrations/0002_merge.sql, said
# again as a fold over a set.
sub event_rank {
	my ($e) = @_;
	my $stage = { ringing => 1, final => 3 }->{ $e->{state} } // 2;
	my $self = $e->{to_self} eq 't' && ($e->{direction} // '') eq 'Outbound' ? 1 : 0;
	my $duration = $e->{duration_s} // 0;
	return pack 'C C N N q>', $stage, $self, $e->{second}, $duration > 262143 ? 262143 : $duration, $e->{hash};
}
sub save_rank { pack 'N a*', $_[0]{second}, $_[0]{request_id} }
sub picked { ($_[0]{contact_picked} // '') eq 't' && $_[0]{logged_by} eq 'manual' && defined $_[0]{contact_id} }
sub contact_rank { picked($_[0]) ? "\1" . save_rank($_[0]) : "\0" . event_rank($_[0]) }
# The highest of the events that carry something, by a rank.
sub highest {
	my ($rank, $carries, @event) = @_;
	return (sort { $rank->($b) cmp $rank->($a) } grep { $carries->($_) } @event)[0] // {};
}

sub outcome {
	my ($c) = @_;
	return undef if $c->{state} !~ /^(ended|final)$/;
	my $r = $c->{result} // '';
	my $unanswered = { Inbound => 'missed', Outbound => 'no_answer' }->{ $c->{direction} // '' } // 'other';
	return $c->{connected} eq 't' ? 'answered' : $unanswered
	  if $c->{state} eq 'ended' || $r eq '' || $r eq 'Disconnected' || $r eq 'CallConnected';
	return $unanswered if $r =~ /^(No Answer|Hang Up)$/;
	return { Accepted => 'answered', Missed => 'missed', Voicemail => 'voicemail', Busy => 'busy',
		Blocked => 'rejected', 'International Disabled' => 'failed' }->{$r} // 'other';
}

sub fold_call {
	my @event = @_;
	my %c = (session_id => $event[0]{session_id}, state => highest(\&event_rank, sub { 1 }, @event)->{state});
	for my $fact (@FACTS) { $c{$fact} = highest(\&event_rank, sub { defined $_[0]{$fact} }, @event)->{$fact} }
	$c{connected} = (grep { $_->{connected} eq 't' } @event) ? 't' : 'f';
	my %by = map { $_->{logged_by} => 1 } @event;
	$c{logged_by} = first { $by{$_} } qw(manual auto backfill);
	$c{outcome} = outcome(\%c);
	return \%c;
}

# Two session ids are one call when any events of theirs name the same telephony
# session, or one names the other as its RingOut leg.
sub one_call {
	my ($p, $q) = @_;
	my %name = map { $_->{telephony_session_id} // '' => 1 } @$p;
	delete $name{''};
	return grep({ $name{ $_->{telephony_session_id} // '' } } @$q)
	  || grep({ ($_->{other_leg} // '') eq $q->[0]{session_id} } @$p)
	  || grep({ ($_->{other_leg} // '') eq $p->[0]{session_id} } @$q);
}

# $hand: what was written into notes from elsewhere, by session id.
sub fold {
	my ($erases, $hand, @event) = @_;
	my (%of, %call, %group);
	push @{ $of{ $_->{session_id} } }, $_ for @event;
	$call{$_} = fold_call(@{ $of{$_} }) for keys %of;
	$group{$_} = $_ for keys %call;
	for (keys %call) { for my $x (keys %call) { for my $y (keys %call) { # to the fixed point
		next if $group{$x} eq $group{$y};
		next if !one_call(@of{ $x, $y });
		my ($from, $to) = @group{ $x, $y };
		$_ eq $from and $_ = $to for values %group;
	} } }
	for my $name (values %{ { reverse %group } }) {
		my @member = grep { $group{$_} eq $group{$name} } keys %call;
		my %leg = map { ($_->{other_leg} // '') => 1 } map { @{ $of{$_} } } @member;
		my ($survivor) = sort { ($leg{$a} // 0) <=> ($leg{$b} // 0)
			|| ($call{$a}{state} ne 'final') <=> ($call{$b}{state} ne 'final') || $a cmp $b } @member;
		my @all = map { @{ $of{$_} } } @member;
		my @saved = grep { $_->{logged_by} eq 'manual' } @all;
		my $note = highest(\&save_rank, sub { defined $_[0]{note} && ($erases || $_[0]{note} ne '') }, @saved)->{note};
		my @hand = grep { defined $hand->{$_} } @member;
		$note = $hand->{ $hand[0] } if @hand;
		my $form = highest(\&save_rank, sub { defined $_[0]{form} }, @saved)->{form};
		my $contact = highest(\&contact_rank, sub { defined $_[0]{contact_id} }, @all);
		my $recording = highest(\&event_rank, sub { my $e = $_[0]; grep { defined $e->{$_} } @recording }, @all);
		for my $c (@call{@member}) {
			$c->{merged_into} = $c->{session_id} eq $survivor ? undef : $survivor;
			$c->{note} = defined $note && $note ne '' ? $note : undef;
			$c->{form} = $form;
			$c->{$_} = $contact->{$_} for @contact;
			$c->{$_} = $recording->{$_} for @recording;
			$c->{saves} = $c->{merged_into} ? undef : join ' ', sort((map { $_->{request_id} }
			  grep { defined $_->{note} || defined $_->{form} || picked($_) } @saved), map { 'by hand' } @hand);
		}
	}
	return \%call;
}

# ------------------------------------------------------------------- the test
my @shown = (qw(session_id state logged_by connected outcome merged_into note form), @FACTS, @recording, @contact);
my $cluster = Cluster->new(settings => { fsync => 'off', autovacuum => 'off' });
$cluster->install_schema;

my ($done, $wrong, $events) = (0, 0, 0);
while ($done < $histories && $wrong < 3) {
	my $erases = int rand 2;
	my $lanes = $histories - $done < 500 ? $histories - $done : 500;
	my (%set, @batch);
	for my $lane (1 .. $lanes) {
		my $agent = sprintf 'agent %06d', $done + $lane;
		my @event = map { { %$_, agent => $agent, emitted_at => moment($_->{second}) } } random_history();
		$set{$agent} = \@event;
		$events += @event;
		# each event once to three times, in any order, one event a call in a batch
		my $step = 0;
		my %last;
		for my $e (shuffle(map { ($_) x one_of(1, 1, 1, 2, 3) } @event)) {
			$step += int rand 2;
			$step = $last{ $e->{session_id} } + 1
			  if defined $last{ $e->{session_id} } && $last{ $e->{session_id} } >= $step;
			push @{ $batch[$step] }, $e;
			$last{ $e->{session_id} } = $step;
		}
	}
	# In between, notes of every fourth agent are changed from elsewhere.
	my @early = splice @batch, 0, 1 + rand @batch;
	record($cluster, [ map { $_ // [] } @early ], empty_note_erases => $erases);
	my %hand;
	for my $change (by_set_note(), by_update()) {
		for my $row ($cluster->rows($change)) { $hand{ $row->[0] }{ $row->[1] } = $row->[2] }
	}
	record($cluster, [ map { $_ // [] } @batch ], empty_note_erases => $erases);
	my %got;
	for my $row ($cluster->rows('SELECT c.agent, ' . join(', ', map { "c.$_" } @shown) . <<~'SQL')) {
		, (SELECT string_agg(request_id, ' ' ORDER BY request_id COLLATE "C") FROM (
		      SELECT regexp_replace(request_id, '^(set_note|sql)/.*', 'by hand') AS request_id, account, agent, session_id
		      FROM call_log.notes) AS n
		   WHERE n.account = c.account AND n.agent = c.agent AND n.session_id = c.session_id)
		FROM call_log.calls c
		SQL
		my ($agent, @value) = @$row;
		my %c;
		@c{ @shown, 'saves' } = @value;
		$got{$agent}{ $c{session_id} } = \%c;
	}
	for my $agent (sort keys %set) {
		# a plain UPDATE reaches merged rows, which nobody reads, when they are next united
		if ($agent =~ /2.$/) {
			for my $c (values %{ $got{$agent} }) {
				$c->{note} = $got{$agent}{ $c->{merged_into} }{note} if defined $c->{merged_into};
			}
		}
		my $want = fold($erases, $hand{$agent} // {}, @{ $set{$agent} });
		for my $c (values %$want) { $c->{saves} = undef if ($c->{saves} // '') eq '' }
		if (!eq_deeply_text($got{$agent}, $want)) {
			$wrong++;
			is_deeply($got{$agent}, $want, "history of $agent") or diag explain $set{$agent};
			last if $wrong >= 3;
		}
	}
	$done += $lanes;
	$cluster->psql('TRUNCATE call_log.calls, call_log.notes');
}

# Change notes in calls merged and not, and say (agent, session id, note) of each
# change. What is written now outranks all histories, which lie in the past.
sub by_set_note {
	return <<~"SQL";
		SELECT agent, session_id, left($text, length(call_log.set_note(account, agent, session_id, $text))), 1
		FROM (SELECT DISTINCT ON (agent) * FROM call_log.calls WHERE agent LIKE '%1_' ORDER BY agent, hashtext(session_id || $seed)) AS c
		SQL
}
sub by_update {
	return <<~"SQL";
		UPDATE call_log.calls SET note = $text WHERE merged_into IS NULL AND agent LIKE '%2_'
		RETURNING agent, session_id, coalesce(note, ''), 1
		SQL
}

sub text_of {
	my ($calls) = @_;
	return join "\n", map { my $c = $calls->{$_};
		join "\x1f", map { "$_=" . ($c->{$_} // "\0") } @shown, 'saves' } sort keys %$calls;
}
sub eq_deeply_text { text_of($_[0] // {}) eq text_of($_[1]) }

is($wrong, 0, "$done random histories of $events events equal the fold over their set");
note "figure: random_histories $done";
done_testing;
