# Cluster - a private PostgreSQL: its own data folder and unix socket in a short
# temporary folder, gone when the test ends. It never touches the system's
# cluster. Run by root, the server runs as another user.
#
#   my $cluster = Cluster->new;                       # running
#   $cluster->install_schema;
#   $cluster->psql("select ...");                     # text; dies with the error
#   Cluster->new(settings => { fsync => 'off' }, tcp => 1, start => 0);
#   my $standby = Cluster->new(start => 0);  $standby->follow($cluster);
#   $standby->promote;
package Cluster;
use v5.32;
use warnings;
use Carp qw(croak);
use Process qw(root run run_ok wait_for free_port scratch unprivileged slurp spew);

chomp(my $bindir = `pg_config --bindir`);
die "pg_config --bindir says nothing: is libpq-dev installed?\n" if !$bindir;

# What a server program is called: bin('pg_dump').
sub bin { "$bindir/$_[-1]" }

# settings: lines of postgresql.conf (undef: as initdb found it right); tcp: also
# listen on 127.0.0.1; start: 0 to leave it stopped; data: the data folder, where
# it is not to lie in the temporary one (it must be new, and its parent reachable
# by the server's user).
sub new {
	my ($class, %option) = @_;
	my $dir = scratch();
	my $self = bless {
		dir => $dir,
		data => $option{data} // "$dir/data",
		user => scalar unprivileged(),
		port => $option{tcp} ? free_port() : 6432,
		tcp => $option{tcp},
		settings => {
			timezone => 'UTC', log_timezone => 'UTC',
			%{ $option{settings} // {} },
		},
	}, $class;
	if ($self->{user}) {
		chown((getpwnam $self->{user})[2, 3], $dir) or croak "chown $dir: $!";
	}
	run_ok([ $self->bin('initdb'), '-D', $self->{data}, '-U', 'postgres',
			'-A', 'trust', '-E', 'UTF8', '--locale=C.UTF-8', '--no-sync' ],
		user => $self->{user}, dir => '/');
	$self->start if $option{start} // 1;
	return $self;
}

# The folder of its socket; other sockets may lie there too.
sub dir { $_[0]{dir} }
sub port { $_[0]{port} }
sub data { $_[0]{data} }
sub host { $_[0]{tcp} ? '127.0.0.1' : $_[0]{dir} }

# A libpq connection string; conninfo(user => 'call_log_writer', dbname => ...,
# host => '127.0.0.1'). Over the unix socket unless told otherwise.
sub conninfo {
	my ($self, %option) = @_;
	my %part = (
		host => $self->{dir}, port => $self->{port},
		user => 'postgres', dbname => $self->{dbname} // 'postgres', %option);
	return join ' ', map { "$_=$part{$_}" } sort keys %part;
}

# The same server, where another database is meant unless one is named.
sub database {
	my ($self, $name) = @_;
	return bless { %$self, dbname => $name }, ref $self;
}

# -------------------------------------------------------------- life cycle
sub start {
	my ($self) = @_;
	croak 'already running' if $self->running;
	my %setting = (
		listen_addresses => $self->{tcp} ? '127.0.0.1' : '',
		unix_socket_directories => $self->{dir},
		port => $self->{port},
		%{ $self->{settings} });
	# undef leaves a setting as initdb found it right for this machine
	delete @setting{ grep { !defined $setting{$_} } keys %setting };
	$self->{process} = Process->spawn(
		[ $self->bin('postgres'), '-D', $self->{data},
			map { ('-c', "$_=$setting{$_}") } sort keys %setting ],
		log => "$self->{dir}/log", user => $self->{user}, dir => '/',
		stop => 'INT', env => { LC_ALL => 'C.UTF-8' });
	eval {
		wait_for('PostgreSQL to accept connections',
			sub { !$self->running || $self->_ready }, 60);
		$self->running or die "PostgreSQL did not start\n";
	} or croak "$@" . $self->log_text;
	return $self;
}

# The server writes its state into line 8 of its pid file.
sub _ready {
	my ($self) = @_;
	open my $file, '<', "$self->{data}/postmaster.pid" or return 0;
	chomp(my @line = <$file>);
	return @line >= 8 && $line[0] == $self->pid && $line[7] =~ /^ready/;
}

sub running { $_[0]{process} && $_[0]{process}->running }
sub pid { $_[0]{process}->pid }

# mode: smart, fast (default) or immediate.
sub stop {
	my ($self, $mode) = @_;
	my $signal = { smart => 'TERM', fast => 'INT', immediate => 'QUIT' }
	  ->{ $mode // 'fast' } or croak "no such mode: $mode";
	$self->{process}->stop($signal, 60) if $self->running;
}

sub restart {
	my ($self, $mode) = @_;
	$self->stop($mode);
	$self->start;
}

# Kills the postmaster as a crash would, and waits until its children are gone
# too, so that start() can follow.
sub kill9 {
	my ($self) = @_;
	my @children = _children($self->pid);
	$self->{process}->stop('KILL');
	wait_for('the children of the killed postmaster to end',
		sub { !grep { -d "/proc/$_" } @children });
}

# Forgets its own data and becomes a streaming standby of that cluster, running,
# there known by the name of its folder.
sub follow {
	my ($self, $primary) = @_;
	system 'rm', '-rf', $self->{data};
	run_ok([ $self->bin('pg_basebackup'), '-D', $self->{data}, '-R', '-X', 'stream',
			'--checkpoint=fast', '--no-sync',
			'-d', $primary->conninfo(application_name => $self->name) ],
		user => $self->{user}, dir => '/');
	return $self->start;
}

sub name { $_[0]{dir} =~ s{.*/}{}r }

# From now on commits wait until the standby has them on its disk.
sub replicate_to {
	my ($self, $standby) = @_;
	my $name = $standby->name;
	$self->psql(qq(ALTER SYSTEM SET synchronous_standby_names = '"$name"'));
	$self->psql('SELECT pg_reload_conf()');
	wait_for('the standby to be synchronous', sub {
		$self->psql("SELECT count(*) FROM pg_stat_replication WHERE application_name = '$name' AND sync_state = 'sync'");
	});
}

# A standby becomes a primary of its own.
sub promote {
	my ($self) = @_;
	$self->psql('SELECT pg_promote(true, 60)') eq 't' or croak 'not promoted';
}

sub _children {
	my ($parent) = @_;
	my @found;
	for my $stat (glob '/proc/[0-9]*/stat') {
		open my $file, '<', $stat or next;
		my $line = <$file> // next;
		push @found, $1 if $line =~ /^(\d+) \(.*\) \S (\d+) / && $2 == $parent;
	}
	return @found;
}

sub log_text { slurp("$_[0]{dir}/log") }

# --------------------------------------------------------------------- SQL
# Runs SQL and returns (exit status, stdout, stderr). Options: dbname, user,
# host; arguments => [psql's]; file => path instead of the SQL; seconds => 120.
sub try_psql {
	my ($self, $sql, %option) = @_;
	my @arguments = @{ delete $option{arguments} // [] };
	my $file = delete $option{file};
	my $seconds = delete $option{seconds};
	return run(
		[ $self->bin('psql'), '-XqAt', '-v', 'ON_ERROR_STOP=1', @arguments,
			'-d', $self->conninfo(%option), '-f', $file // '-' ],
		stdin => $sql // '', seconds => $seconds,
		env => { PGOPTIONS => '-c client_min_messages=warning' });
}

# The same, returning stdout without its last newline; dies with psql's error.
sub psql {
	my ($self, $sql, %option) = @_;
	my ($status, $out, $err) = $self->try_psql($sql, %option);
	croak $err || "psql ended with $status" if $status != 0;
	chomp $out;
	return $out;
}

# A query's rows, each a reference to an array of columns; NULL is undef.
sub rows {
	my ($self, $sql, %option) = @_;
	my $out = $self->psql($sql, %option,
		arguments => [ '-F', "\x1f", '-R', "\x1e", '-P', "null=\x01" ]);
	return map {
		[ map { $_ eq "\x01" ? undef : $_ } split /\x1f/, $_, -1 ]
	} split /\x1e/, $out, -1;
}

sub psql_file {
	my ($self, $path, %option) = @_;
	return $self->psql(undef, %option, file => $path);
}

# Runs SQL in a session of its own, meanwhile: a Process, whose log is what psql says.
# Options as those of try_psql(), but seconds.
sub session {
	my ($self, $sql, %option) = @_;
	my $dir = scratch();
	my $file = delete $option{file};
	my @arguments = @{ delete $option{arguments} // [ '-v', 'ON_ERROR_STOP=1' ] };
	spew($file = "$dir/sql", $sql) if !defined $file;
	return Process->spawn([ $self->bin('psql'), '-XqAt', @arguments, '-d', $self->conninfo(%option), '-f', $file ], log => "$dir/log");
}

# Brings the database's schema up to date, as an administrator would.
sub install_schema {
	my ($self, %option) = @_;
	return $self->psql_file(root() . '/sql/install.sql', %option);
}

sub create_role {
	my ($self, $name, $attributes) = @_;
	$self->psql("CREATE ROLE $name LOGIN " . ($attributes // ''));
}

sub create_db {
	my ($self, $name) = @_;
	$self->psql("CREATE DATABASE $name");
}

# Client connections now; of one user, when given. The asking one is not counted.
sub connections {
	my ($self, $user) = @_;
	my $of = defined $user ? "AND usename = '$user'" : '';
	return $self->psql(<<~"SQL");
		SELECT count(*) FROM pg_stat_activity
		WHERE backend_type = 'client backend' AND pid <> pg_backend_pid() $of
		SQL
}

1;
