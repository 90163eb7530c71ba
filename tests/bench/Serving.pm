# Serving - what the reference host makes of it: point http, by wrk, beside messages
# of the same size that its plugin does nothing with.
package Serving;
use v5.32;
use warnings;
use Carp qw(croak);
use CrmHost;
use File::Basename qw(dirname);
use Figures qw(median);
use Ground qw(quick rounds turned rate spent spent_since_us);
use Process qw(plugin root run_ok scratch slurp spew wait_for);

sub new {
	my ($class, $ground, $figures) = @_;
	my $self = bless { ground => $ground, figures => $figures, first => 0, logged => 0 }, $class;
	$self->{database} = $ground->database('serving');
	return $self;
}

sub _start {
	my ($self) = @_;
	my $path = scratch() . '/host.conf';
	spew($path, CrmHost::config_text({
		host => { listen => '127.0.0.1:0', plugin_dir => dirname(plugin('call_log.so')), trusted_proxies => ['127.0.0.1'] },
		call_log => { enabled => \1, conninfo => $self->{database}->conninfo, commit_deadline_ms => 14_000 },
	}));
	$self->{host}{log} = $self->{host}{match} = CrmHost->start(config => $path);
	$self->{host}{nothing} = CrmHost->start(plugins => { http_echo => {} });
	wait_for('the host to be connected', sub {
		my ($plugin) = @{ Http::json($self->{host}{log}->get('/status'))->{plugins} };
		$plugin->{health}{database}{state} eq 'ok' });
}

# The last calls of each agent, of those that are there.
sub _write_queries {
	my ($self) = @_;
	my $text = $self->{database}->psql(<<~'SQL');
		SELECT agent || E'\t' || string_agg(session_id, ',') FROM (
			SELECT agent, session_id, row_number() OVER (PARTITION BY agent ORDER BY session_id DESC) AS n FROM call_log.calls
		) AS c WHERE n <= 30 GROUP BY agent
		SQL
	spew($self->{ground}{dir} . '/queries.http', "$text\n");
}

# What had the processor so far: the host's own threads, its plugin's, the server's
# processes for that database.
sub _spent {
	my ($self, $kind) = @_;
	my %folders = (host => [], plugin => [], database => [
		map { "/proc/$_" } split /\n/, $self->{database}->psql(q(SELECT pid FROM pg_stat_activity WHERE application_name = 'call_log')) ]);
	for my $task (glob "/proc/$self->{host}{$kind}{process}{pid}/task/*") {
		open my $file, '<', "$task/comm" or next;
		push @{ $folders{ (<$file> // '') =~ m{^call_log/} ? 'plugin' : 'host' } }, $task;
	}
	return { map { $_ => spent(@{ $folders{$_} }) } keys %folders };
}

sub _wrk {
	my ($self, $kind, $connections, $seconds) = @_;
	my $file = $kind eq 'match' ? $self->{ground}{dir} . '/queries.http' : $self->{ground}{messages};
	my $before = $self->_spent($kind);
	my $out = run_ok([ 'wrk', '-t1', "-c$connections", "-d${seconds}s", '--timeout', '15s', '-s', root() . '/tests/bench/wrk.lua',
		'http://127.0.0.1:' . $self->{host}{$kind}->port, '--', $kind, $file, $self->{first} ]);
	my %did = $out =~ /^wrk (.*)/m ? $1 =~ /(\w+)=(\S+)/g : croak "wrk: $out";
	croak "$kind, $connections connections: $did{bad} bad answers, $did{broken} broken" if $did{bad} || $did{broken} || !$did{requests};
	$did{messages} = $did{requests};
	my $after = $self->_spent($kind);
	$did{"${_}_us"} = spent_since_us($before->{$_}, $after->{$_}) / $did{requests} for keys %$after;
	return \%did;
}

# Every request that was answered is a message that is there, four a call; those
# that wrk did not wait for may be.
sub _logged {
	my ($self, $connections, $seconds) = @_;
	my $first = $self->{database}->psql('SELECT count(*) FROM call_log.calls');
	my $did = $self->_wrk('log', $connections, $seconds);
	my $calls;
	wait_for('what was under way to be logged', sub {
		my ($health) = map { $_->{health} } @{ Http::json($self->{host}{log}->get('/status'))->{plugins} };
		!$health->{queued} });
	$calls = $self->{database}->psql('SELECT count(*) FROM call_log.calls') - $first;
	my ($least, $most) = ($did->{requests} / 4, ($did->{requests} + $connections) / 4 + 1);
	croak "$calls calls of $did->{requests} messages" if $calls < $least || $calls > $most;
	$self->{first} += $calls + 1;
	return $did;
}

sub http {
	my ($self) = @_;
	my $figures = $self->{figures};
	$self->_start;
	my $seconds = 1;
	$self->_logged(8, 1);
	$self->_write_queries;
	my @connections = quick() ? (8) : (1, 8, 32, 128);
	my %did;
	rounds(sub {
		my ($round) = @_;
		for my $connections (@connections) {
			for my $kind (turned($round, qw(log match nothing))) {
				push @{ $did{$connections}{$kind} }, $kind eq 'log' ? $self->_logged($connections, $seconds)
				  : $self->_wrk($kind, $connections, $seconds);
			}
		}
	});
	for my $connections (@connections) {
		my $of = $did{$connections};
		for my $kind (qw(log match)) {
			my @name = (name => "http.$kind.$connections", reference => 'messages that nothing is done with');
			$figures->add(@name, unit => 'requests/s', values => [ map { rate($_) } @{ $of->{$kind} } ],
				references => [ map { rate($_) } @{ $of->{nothing} } ], at_least => 0.6);
			$figures->add(@name, name => "http.$kind.$connections.p99", unit => 'us', values => [ map { $_->{p99_us} } @{ $of->{$kind} } ],
				references => [ map { $_->{p99_us} } @{ $of->{nothing} } ]);
			for my $part (qw(host plugin database)) {
				$figures->add(@name, name => "http.$kind.$connections.processor.$part", unit => 'us/request', values => [ map { $_->{"${part}_us"} } @{ $of->{$kind} } ],
					$part eq 'host' ? (references => [ map { $_->{host_us} } @{ $of->{nothing} } ]) : (reference => undef));
			}
		}
	}
	my ($best) = sort { $b <=> $a } map { median(map { rate($_) } @{ $did{$_}{log} }) } @connections;
	$figures->add(name => 'http.log', unit => 'requests/s', values => [$best], value_at_least => 10_000);
	my ($peak) = slurp("/proc/$self->{host}{log}{process}{pid}/status") =~ /^VmHWM:\s*(\d+)/m;
	$figures->add(name => 'http.memory', unit => 'kB', values => [$peak], value_at_most => 32 * 1024);
	for my $kind (qw(log nothing)) {
		$self->{host}{$kind}->stop == 0 or croak 'crm-host did not end well: ' . $self->{host}{$kind}->log_text;
	}
}

1;
