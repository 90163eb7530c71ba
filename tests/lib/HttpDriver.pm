# HttpDriver - crm-host with the plugin, spoken to over HTTP in the words of Driver,
# so that whoever knows a Driver (Oracle does) can have the real host instead.
# Answers are those of a client: what was under way when the host died has none.
#
#   my $driver = HttpDriver->new(conninfo => '...', spool => '...');
#   my $oracle = Oracle->new(cluster => $cluster, driver => $driver);
package HttpDriver;
use v5.32;
use warnings;
use parent -norequire, 'Driver';
use Carp qw(croak);
use CrmHost;
use Driver;
use Http;
use IO::Poll qw(POLLIN POLLOUT);
use IO::Socket::INET;
use Process qw(built run_ok scratch slurp spew wait_for);
use Time::HiRes qw(clock_gettime CLOCK_MONOTONIC);

my %status_of = (
	bad_request => 'BAD_REQUEST', busy => 'BUSY', timeout => 'TIMEOUT', stopping => 'STOPPING',
	unsupported => 'UNSUPPORTED', failed => 'FAILED');

# The plugin's configuration; `host => {}`: more of the host's own; `beside`: a test
# plugin's name.
sub new {
	my ($class, %config) = @_;
	my $self = bless { lines => [], log => [], free => [], under_way => {}, next_id => 0,
		poll => IO::Poll->new }, $class;
	my $host = delete $config{host} // {};
	my $beside = delete $config{beside};
	my $dir = scratch();
	run_ok([ qw(install -m 644), built('call_log.so'),
			$beside ? built("tests/plugins/$beside.so") : (), $dir ]);
	spew("$dir/host.conf", CrmHost::config_text({
		host => { listen => '127.0.0.1:0', plugin_dir => $dir, trusted_proxies => ['127.0.0.1'], %$host },
		$beside ? ($beside => { required => \1 }) : (),
		call_log => { required => \1, %config } }));
	$self->{config} = "$dir/host.conf";
	return $self->start_again;
}

# A new host process on the same configuration, after kill9() or stop.
sub start_again {
	my ($self) = @_;
	$self->{host} = CrmHost->start(config => $self->{config});
	return $self;
}

# What the message told last is called.
sub last_id { $_[0]{next_id} }

sub host { $_[0]{host} }
sub pid { $_[0]{host}->process->pid }

sub health {
	my ($self) = @_;
	my $status = Http::json($self->{host}->get('/status'));
	my ($plugin) = grep { $_->{name} eq 'call_log' } @{ $status->{plugins} };
	return $plugin->{health};
}

sub log_lines { return split /\n/, $_[0]{host}->log_text }

# submit() happens in the host: there is nothing to say of how long it took.
sub times { return { count => 0, own_max_us => 0 } }

# ---------------------------------------------------------------- messages
sub _connection {
	my ($self) = @_;
	my $kept = pop @{ $self->{free} };
	return $kept if $kept;
	my $socket = IO::Socket::INET->new(
		PeerAddr => '127.0.0.1', PeerPort => $self->{host}->port, Blocking => 0)
	  or croak "cannot connect: $!";
	return { socket => $socket, in => '' };
}

sub tell {
	my ($self, $verb, @field) = @_;
	croak "not over HTTP: $verb" if $verb ne 'submit';
	# like Driver, also a line that is one piece
	my (undef, $agent, undef, $sent_at, $body) = split /\t/, join("\t", @field), 5;
	my $id = ++$self->{next_id};
	my $connection = $self->_connection;
	$connection->{out} = CrmHost::post_bytes(CrmHost::envelope($body, $sent_at), agent => $agent);
	$connection->{sent} = clock_gettime(CLOCK_MONOTONIC);
	$self->{under_way}{$id} = $connection;
	$self->{poll}->mask($connection->{socket} => POLLOUT | POLLIN);
	push @{ $self->{lines} }, "accepted $id";
}

# The message goes, or its answer comes; false: the connection has ended.
sub _move {
	my ($self, $id) = @_;
	my $connection = $self->{under_way}{$id};
	my $socket = $connection->{socket};
	local $SIG{PIPE} = 'IGNORE';
	if (length $connection->{out}) {
		my $sent = syswrite $socket, $connection->{out};
		return $!{EAGAIN} || $!{EINPROGRESS} if !defined $sent;
		substr $connection->{out}, 0, $sent, '';
		$self->{poll}->mask($socket => POLLIN) if !length $connection->{out};
		return 1;
	}
	my $got = sysread $socket, $connection->{in}, 65536, length $connection->{in};
	return $!{EAGAIN} if !defined $got;
	my $answer = Http::take_answer(\$connection->{in}, 'POST') or return $got;
	$self->_answered($id, $answer);
	return 1;
}

sub _forget {
	my ($self, $id) = @_;
	my $connection = delete $self->{under_way}{$id};
	$self->{poll}->remove($connection->{socket});
	return $connection;
}

sub _answered {
	my ($self, $id, $answer) = @_;
	my $connection = $self->_forget($id);
	my $ms = int 1000 * (clock_gettime(CLOCK_MONOTONIC) - $connection->{sent});
	my ($status, $body) = ('OK', $answer->{body});
	if ($answer->{status} >= 300) {
		my $error = Http::json($answer);
		$status = $status_of{ $error->{error} } // "HTTP$answer->{status}";
		$body = $error->{message} // '';
	}
	push @{ $self->{lines} }, "answer $id $status $ms $body";
	push @{ $self->{free} }, $connection if ($answer->{header}{connection} // '') ne 'close';
}

sub _read {
	my ($self, $seconds) = @_;
	return 0 if !%{ $self->{under_way} } || !$self->{poll}->poll($seconds);
	for my $id (sort { $a <=> $b } keys %{ $self->{under_way} }) {
		my $connection = $self->{under_way}{$id};
		next if !$self->{poll}->events($connection->{socket});
		next if $self->_move($id);
		# a kept connection that was closed meanwhile, or the host's end
		$self->_forget($id);
		push @{ $self->{lines} }, "answer $id GONE 0 the connection ended";
	}
	return 1;
}

# ---------------------------------------------------------------- its end
# As a crash would; answers that had come before can be read, and nothing else.
sub kill9 {
	my ($self) = @_;
	$self->{host}->process->stop('KILL');
	for my $id (sort { $a <=> $b } keys %{ $self->{under_way} }) {
		my $connection = $self->{under_way}{$id};
		$connection->{out} = '';
		1 while $self->{under_way}{$id} && $self->_move($id);
		$self->_forget($id) if $self->{under_way}{$id};
	}
	$self->{free} = [];
}

# Stops it in order; its exit status.
sub quit {
	my ($self) = @_;
	$self->{free} = [];
	return $self->{host}->stop;
}

1;
