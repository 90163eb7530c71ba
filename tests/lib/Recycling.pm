# Recycling - what must hold in a helpdesk of several worker processes, however it is
# served, while they are replaced, killed and told to end: nothing that was answered
# "logged" is missing, nothing is there twice.
#
#   Recycling::check(by => 'starlet');
package Recycling;
use v5.32;
use warnings;
use Cluster;
use JSON::PP;
use POSIX ();
use Process qw(wait_for);
use RequestTracker;
use Test::More;
use Widget;

my $messages = '/CallLog/widget/messages';
my $rt;

# Runs work($number) in so many processes side by side; what each returns, a list of
# texts, all together. $meanwhile runs here.
sub parallel {
	my ($count, $work, $meanwhile) = @_;
	my @readers;
	for my $number (1 .. $count) {
		pipe my $reader, my $writer or die "pipe: $!";
		my $pid = fork // die "fork: $!";
		if (!$pid) {
			my @got = eval { $work->($number) };
			print $writer encode_json([ $@ ? "died: $@" : (), @got ]);
			close $writer;
			POSIX::_exit(0);
		}
		push @readers, [ $pid, $reader ];
	}
	$meanwhile->() if $meanwhile;
	my @all;
	for my $child (@readers) {
		my ($pid, $reader) = @$child;
		push @all, @{ decode_json(do { local $/; readline $reader }) };
		waitpid $pid, 0;
	}
	return @all;
}

# Posts until it is answered "logged", as the page bridge does; how often that was
# tried.
sub post_until_logged {
	my ($session, $body) = @_;
	my ($tries, $answer) = (0, undef);
	wait_for('a message to be logged', sub {
		$tries++;
		$answer = $session->post_json($messages, $body);
		return $answer->{status} == 200;
	}, 90);
	return $tries;
}

# A call with a note: a second taking of it would be a second note.
sub noted { return Widget::call($_[0], note => "note $_[0]", request => "request $_[0]") }

# Of these sessions: which are not there, and which are there more than once.
sub judge {
	my ($name, @sessions) = @_;
	my $list = join ',', map { "('$_')" } @sessions;
	my $wrong;
	# a spool that has calls of a killed process may still be on its way
	eval {
		wait_for('all calls to be there', sub {
			$wrong = $rt->calls->psql(<<~"SQL");
				SELECT string_agg(id || ': ' || calls || ' calls, ' || notes || ' notes', '; ' ORDER BY id)
				FROM (VALUES $list) AS asked (id),
				LATERAL (SELECT count(*) FROM call_log.calls WHERE session_id = asked.id) AS c (calls),
				LATERAL (SELECT count(*) FROM call_log.notes WHERE session_id = asked.id) AS n (notes)
				WHERE (calls, notes) <> (1, 1)
				SQL
			return $wrong eq '';
		}, 60);
	};
	is substr($wrong, 0, 1000), '', "$name: each of " . @sessions . ' calls that were logged is there once, with one note';
}

# ------------------------------------------------------- workers that are replaced
sub check_mixed {
	my %session = map { $_ => $rt->login($_) } qw(anna ben);
	my %seen = map { $_ => 1 } $rt->workers;
	my @logged = parallel(4, sub {
		my ($number) = @_;
		my $session = $session{ $number % 2 ? 'anna' : 'ben' };
		my @got;
		for my $i (1 .. 10) {
			my $id = "m$number-$i";
			for my $ask ([ $messages, noted($id) ], [ $messages, Widget::match([$id]) ],
				['/CallLog/widget/service.json'], ['/CallLog/widget/events'], ['/Search/Simple.html']) {
				my ($path, $body) = @$ask;
				my $answer = $body ? $session->post_json($path, $body) : $session->get($path);
				push @got, "bad $path $answer->{status} $answer->{content}" if $answer->{status} != 200;
				push @got, "bad match $answer->{content}"
				  if $body && $body =~ /sessionIds/ && !Widget::logged($answer->{content})->{$id};
			}
			push @got, $id;
		}
		return @got;
	}, sub {
		wait_for('workers to be replaced', sub { $seen{$_} = 1 for $rt->workers; keys %seen > 2 }, 90);
	});
	is substr(join(' | ', grep { /^bad|^died/ } @logged), 0, 1000), '', 'all of 200 mixed requests are answered, each match finds its call';
	cmp_ok scalar(keys %seen), '>', 2, 'while workers were replaced';
	judge('workers replaced', grep { !/^bad|^died/ } @logged);
}

# ------------------------------------------------------ killed in the middle of one
# The call waits in the database for a lock that we hold; then its worker dies.
sub check_killed_in_call {
	my $lock = Process->spawn([ Cluster->bin('psql'), '-XqAt', '-d', $rt->calls->conninfo, '-c',
			'BEGIN; LOCK TABLE call_log.calls IN SHARE MODE; SELECT pg_sleep(3600)' ], stop => 'KILL');
	wait_for('our lock', sub { $rt->calls->psql(
			"SELECT count(*) FROM pg_locks WHERE mode = 'ShareLock' AND relation = 'call_log.calls'::regclass AND granted") });
	my $session = $rt->login('anna');
	my @tries = parallel(1, sub { post_until_logged($session, noted('killed')) }, sub {
		wait_for('the call to wait', sub { $rt->calls->psql(
				"SELECT count(*) FROM pg_stat_activity WHERE usename = 'crm_host' AND wait_event_type = 'Lock'") });
		kill KILL => $rt->workers;
		$lock->stop;
		$rt->calls->psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_sleep(3600)%' AND pid <> pg_backend_pid()");
	});
	cmp_ok $tries[0], '>', 1, 'a page whose worker is killed while the call is logged hears nothing, and repeats it';
	judge('worker killed in a call', 'killed');
}

# ----------------------------------------------------------- killed at any time
sub check_killed {
	my $killed = 0;
	my $session = $rt->login('anna');
	my @logged = parallel(3, sub {
		my ($number) = @_;
		return map { post_until_logged($session, noted("k$number-$_")); "k$number-$_" } 1 .. 12;
	}, sub {
		for my $round (1 .. 2) {
			my $before = $rt->calls->psql('SELECT count(*) FROM call_log.calls');
			wait_for('more calls', sub { $rt->calls->psql('SELECT count(*) FROM call_log.calls') > $before }, 60);
			my ($worker) = $rt->workers;
			$killed += kill KILL => $worker if $worker;
		}
	});
	is $killed, 2, 'workers are killed while calls are logged';
	judge('workers killed', @logged);
}

# --------------------------------------------------------------- told to end
sub check_ended {
	my (%option) = @_;
	my $session = $rt->login('ben');
	my @logged = parallel(3, sub {
		my ($number) = @_;
		my @got;
		for my $i (1 .. 1000) {
			last if $session->post_json($messages, noted("e$number-$i"))->{status} != 200;
			push @got, "e$number-$i";
		}
		return @got;
	}, sub {
		wait_for('calls to be logged', sub { $rt->calls->psql(
				"SELECT count(DISTINCT left(session_id, 2)) FROM call_log.calls WHERE session_id LIKE 'e%'") == 3 });
		$rt->stop;
	});
	cmp_ok scalar(@logged), '>=', 3, 'the server is told to end while calls are logged';
	$rt->serve(%option);
	$rt->login('ben')->get('/CallLog/widget/events'); # whoever serves next has what the others left
	judge('server ended', @logged);
}

# Runs all of it.
sub check {
	my (%option) = @_;
	%option = (workers => 2, requests => 25, %option);
	# the lock is to be waited for, and not the spool used instead
	$rt = RequestTracker->new(call_log => { commit_deadline_ms => 14000 });
	$rt->serve(%option);
	check_mixed();
	check_killed_in_call();
	check_killed();
	check_ended(%option);
	unlike $rt->log_text, qr/\[(?:critical)\]|call log:|segfault|Segmentation/i, 'nothing was complained of';
	$rt->stop;
	is_deeply [ $rt->workers ], [], 'nothing is left running';
}

1;
