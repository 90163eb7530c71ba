# Debian - a clean Debian 12 in a folder, to install packages in: unpacked from the
# tree that make put together (tests/packaging/debian-tree). As root it is a chroot
# with mounts of its own, otherwise one that fakechroot and fakeroot pretend. Core
# Perl only; it knows nothing of what the packages are.
#
#   my $debian = Debian->new;
#   $debian->ok('apt-get', 'install', ...);           # dies when it fails
#   my ($status, $out, $err) = $debian->try('ls', '/etc');
#   my $process = $debian->spawn([ 'crm-host', ... ], user => 'crm-host');
package Debian;
use v5.32;
use warnings;
use Carp qw(croak);
use File::Find qw(find);
use Process qw(root run run_ok scratch slurp spew wait_for);

my @environment = qw(PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8
	DEBIAN_FRONTEND=noninteractive TMPDIR=/tmp);

sub new {
	my ($class) = @_;
	my $tree = root() . '/build/debian.tar';
	my $scratch = scratch();
	my $self = bless { dir => "$scratch/debian", owners => "$scratch/owners" }, $class;
	mkdir $self->{dir}, 0755 or croak "$self->{dir}: $!";
	spew($self->{owners}, '');
	run_ok([ $self->_faked, 'tar', '-xf', $tree, '--numeric-owner', '--exclude=./dev/*',
			'-C', $self->{dir} ], seconds => 300);
	# The real one would look at the machine's libraries; nothing can pretend to it.
	spew($self->path('/usr/sbin/ldconfig'), "#!/bin/sh\n") if $> != 0;
	return $self;
}

# What its root's folder is called outside; and a file in it.
sub path { $_[0]{dir} . ($_[1] // '') }

# What a file is called by a plugin in there: it may be bound so that nothing comes
# between it and the system, pretenders included.
sub plugin_path { $> == 0 ? $_[1] : $_[0]->path($_[1]) }

# Who owns what is remembered from one program to the next.
sub _faked {
	my ($self) = @_;
	return if $> == 0;
	return (qw(fakechroot --environment debootstrap fakeroot -s), $self->{owners},
		'-i', $self->{owners});
}

sub _inside {
	my ($self, $user, @command) = @_;
	my @as = $user ? ('setpriv', "--reuid=$user", "--regid=$user", '--clear-groups', '--') : ();
	return ($self->_faked, 'chroot', $self->{dir}, 'env', @environment, @command) if $> != 0;
	return ('unshare', '--mount', 'sh', '-ec',
		'mount -t proc proc "$0/proc"; mount --rbind /dev "$0/dev"; exec chroot "$0" "$@"',
		$self->{dir}, 'env', '-i', @environment, @as, @command);
}

# As its root, to the end: (exit status, stdout, stderr); ok() returns stdout, and
# dies when the status is not 0.
sub try {
	my ($self, @command) = @_;
	return run([ $self->_inside(undef, @command) ], seconds => 300);
}

sub ok {
	my ($self, @command) = @_;
	return run_ok([ $self->_inside(undef, @command) ], seconds => 300);
}

# In the background, as that user of its own (who is only a name when we are not
# root). What we start may have others around it that do not hand on a signal.
my %started;

sub spawn {
	my ($self, $command, %option) = @_;
	my $note = $self->path('/tmp/started.pid');
	unlink $note;
	my $process = Process->spawn([ $self->_inside($option{user}, 'sh', '-c',
			'echo $$ >/tmp/started.pid; exec "$@"', 'sh', @$command) ]);
	wait_for('the program to be started', sub { !$process->running || -s $note });
	$started{$process} = [ $$, slurp($note) + 0 ];
	unlink $note;
	return $process;
}

# Asks it to end, and returns its exit status.
sub stop {
	my ($self, $process) = @_;
	kill TERM => $started{$process}[1];
	my $status = $process->wait_end;
	delete $started{$process};
	return $status;
}

END {
	for (grep { $_->[0] == $$ } values %started) {
		kill KILL => $_->[1];
	}
}

# Installs package files as an administrator would, without a network. Who changed
# a conffile keeps it, as with unattended upgrades.
sub install {
	my ($self, @debs) = @_;
	my @names;
	for my $deb (@debs) {
		my $name = $deb =~ s{.*/}{}r;
		run_ok([ 'cp', $deb, $self->path("/root/$name") ]);
		push @names, "/root/$name";
	}
	my $said = $self->ok('apt-get', '-qq', '-y', '--no-install-recommends',
		'-o', 'Dpkg::Options::=--force-confdef', '-o', 'APT::Sandbox::User=root',
		'-o', 'Dpkg::Use-Pty=0', 'install', @names);
	unlink map { $self->path($_) } @names;
	return $said;
}

# Every file that there is, but what Debian itself notes down.
sub files {
	my ($self) = @_;
	my @found;
	find({ no_chdir => 1, wanted => sub {
		my $path = substr $_, length $self->{dir};
		if ($path =~ m{^/(?:dev|proc|sys|tmp|var/(?:log|cache|lib/(?:dpkg|apt)))$}) {
			$File::Find::prune = 1;
			return;
		}
		push @found, $path if $path !~ m{^/etc/(?:\.pwd\.lock|ld\.so\.cache|(?:passwd|shadow|group|gshadow)-?)$};
	} }, $self->{dir});
	return sort @found;
}

1;
