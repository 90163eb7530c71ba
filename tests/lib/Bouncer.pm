# Bouncer - a pgbouncer in transaction mode in front of a Cluster, gone when the
# test ends.
#
#   my $bouncer = Bouncer->new($cluster, users => ['call_log_writer']);
#   $bouncer->conninfo(user => 'call_log_writer');
package Bouncer;
use v5.32;
use warnings;
use Carp qw(croak);
use IO::Socket::UNIX;
use IO::Socket::INET;
use Process qw(run_ok wait_for free_port scratch unprivileged slurp spew);

# users: the roles that may connect (postgres always may); settings: lines of the
# [pgbouncer] section; tcp: listen on 127.0.0.1 instead of a unix socket.
sub new {
	my ($class, $cluster, %option) = @_;
	my $dir = scratch();
	my $self = bless {
		dir => $dir, tcp => $option{tcp},
		port => $option{tcp} ? free_port() : 6433,
	}, $class;
	my %setting = (
		pool_mode => 'transaction',
		listen_addr => $option{tcp} ? '127.0.0.1' : '',
		listen_port => $self->{port},
		unix_socket_dir => $option{tcp} ? '' : $dir,
		auth_type => 'trust',
		auth_file => "$dir/users",
		admin_users => 'postgres',
		default_pool_size => 5,
		%{ $option{settings} // {} });
	spew("$dir/users",
		join '', map { qq("$_" ""\n) } 'postgres', @{ $option{users} // [] });
	spew("$dir/pgbouncer.ini", join '',
		"[databases]\n",
		sprintf("* = host=%s port=%s\n", $cluster->dir, $cluster->port),
		"[pgbouncer]\n",
		map { "$_ = $setting{$_}\n" } sort keys %setting);
	my $user = unprivileged();
	chown((getpwnam $user)[2, 3], $dir) if $user;
	return $self->start;
}

sub start {
	my ($self) = @_;
	my $dir = $self->{dir};
	$self->{process} = Process->spawn(
		[ '/usr/sbin/pgbouncer', "$dir/pgbouncer.ini" ],
		log => "$dir/log", user => scalar unprivileged(), dir => '/', stop => 'QUIT');
	wait_for('pgbouncer to accept connections',
		sub { !$self->running || $self->_connects });
	$self->running or croak "pgbouncer did not start\n" . $self->log_text;
	return $self;
}

sub _connects {
	my ($self) = @_;
	return $self->{tcp}
	  ? IO::Socket::INET->new(PeerAddr => "127.0.0.1:$self->{port}")
	  : IO::Socket::UNIX->new(Peer => "$self->{dir}/.s.PGSQL.$self->{port}");
}

sub conninfo {
	my ($self, %option) = @_;
	my %part = (
		host => $self->{tcp} ? '127.0.0.1' : $self->{dir},
		port => $self->{port}, user => 'postgres', dbname => 'postgres', %option);
	return join ' ', map { "$_=$part{$_}" } sort keys %part;
}

# Changes a setting while it runs.
sub set {
	my ($self, $cluster, $name, $value) = @_;
	run_ok([ $cluster->bin('psql'), '-Xq', '-d', $self->conninfo(dbname => 'pgbouncer'),
			'-c', "SET $name = '$value'" ]);
}

# The folder of its socket.
sub dir { $_[0]{dir} }
sub port { $_[0]{port} }

sub running { $_[0]{process}->running }
sub pid { $_[0]{process}->pid }
sub log_text { $_[0]{process}->log_text }
sub stop { $_[0]{process}->stop('QUIT') }

# Kills it as a crash would, so that start() can follow.
sub kill9 {
	my ($self) = @_;
	$self->{process}->stop('KILL');
	unlink glob "$self->{dir}/.s.PGSQL.*";
}

1;
