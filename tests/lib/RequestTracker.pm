# RequestTracker - a private Request Tracker with the call log: configuration,
# plugin, templates and files in a temporary folder, its database and the calls'
# in a private cluster, served on a port of loopback. Nothing of the system's own
# RT is touched. Core Perl only; what needs RT's code runs in a process of its own.
#
#   my $rt = RequestTracker->new;                # set up, not serving
#   $rt->serve;                                  # two workers of its own server
#   my $anna = $rt->login('anna');
#   my $answer = $anna->post('/CallLog/...', ...);
#   $rt->calls->psql('SELECT ...');              # the calls' database
#
# Its users (the password of all is the one below): root; anna and ben, agents who
# may log calls; carl, an agent who may not; sue, who is not privileged.
package RequestTracker;
use v5.32;
use warnings;
use Carp qw(croak);
use Cluster;
use CrmHost;
use Digest::SHA qw(sha256_hex);
use Http::Session;
use Process qw(root built plugin run run_ok scratch spew slurp unprivileged wait_for free_port);

my $libexec = '/usr/share/request-tracker5/libexec';
my $setup = '/usr/sbin/rt-setup-database-5';
my $password = 'password';

# call_log: further keys of the plugin's configuration; settings: further lines
# for RT's; conninfo: of the calls' database, where it is not to be the right one.
sub new {
	my ($class, %option) = @_;
	my $dir = scratch();
	my $self = bless {
		dir => $dir,
		user => scalar unprivileged(),
		port => free_port(),
		cluster => $option{cluster} // Cluster->new(settings => { fsync => 'off' }),
		option => \%option,
	}, $class;
	mkdir "$dir/$_" or croak "$dir/$_: $!" for qw(plugins conf.d var var/session_data mason lib);
	$self->_copy_in;
	$self->_create_databases;
	$self->_write_config;
	if ($self->{user}) {
		my ($uid, $gid) = (getpwnam $self->{user})[2, 3];
		system('chown', '-R', "$uid:$gid", $dir) == 0 or croak 'chown';
	}
	$self->_fill_database;
	return $self;
}

# What makes RT's database is the same every time and takes seconds, so the first test
# keeps a dump of it below build/, until what makes it changes.
sub _fill_database {
	my ($self) = @_;
	my $rt = $self->{cluster}->database('rt');
	my @makers = (__FILE__, $setup, '/usr/share/request-tracker5/lib/RT/Generated.pm', root() . '/tests/helpdesk/users.pl',
		glob "$self->{dir}/plugins/RT-Extension-CallLog/etc/*");
	my $dump = built('helpdesk/' . sha256_hex(map { slurp($_) } @makers) . '.sql');
	if (-e $dump) {
		$rt->psql_file($dump);
		return;
	}
	$self->_run($setup, '--action', 'init', '--skip-create');
	$self->_run($setup, '--action', 'schema,acl', '--skip-create', '--package', 'RT::Extension::CallLog',
		'--ext-version', '1.0.0', '--datadir', "$self->{dir}/plugins/RT-Extension-CallLog/etc");
	$self->perl(slurp(root() . '/tests/helpdesk/users.pl'));
	mkdir built('helpdesk');
	return if !-w built('helpdesk');
	run_ok([ $rt->bin('pg_dump'), '-d', $rt->conninfo, '-f', "$dump.$$" ]);
	rename "$dump.$$", $dump or croak "$dump: $!";
}

# As an administrator installs it. (The server's user may not be able to read the
# checkout.)
sub _copy_in {
	my ($self) = @_;
	run_ok([ 'make', '-s', '-C', root(), 'install-rt', "RT_PLUGINS=$self->{dir}/plugins" ],
		env => { map { $_ => undef } qw(MAKEFLAGS MFLAGS MAKELEVEL DESTDIR PREFIX) });
	system('cp', built('libcrm-host.so'), "$self->{dir}/lib/libcrm-host.so.1") == 0 or croak 'cp';
}

sub _create_databases {
	my ($self) = @_;
	my $cluster = $self->{cluster};
	$cluster->psql(<<~'SQL');
		CREATE ROLE rt_user LOGIN;
		CREATE DATABASE rt OWNER rt_user;
		SQL
	$cluster->create_db('calls');
	$self->{calls} = $cluster->database('calls');
	$self->{calls}->install_schema;
	$cluster->create_role('crm_host', 'IN ROLE call_log_writer');
	$cluster->create_role('rt_reports', 'IN ROLE call_log_report');
}

sub _write_config {
	my ($self) = @_;
	my ($dir, $cluster) = @$self{qw(dir cluster)};
	my $plugin = plugin('call_log.so') =~ s{/[^/]*\z}{}r;
	spew("$dir/call_log.conf", CrmHost::config_text({
		host => { plugin_dir => $plugin, %{ $self->{option}{host} // {} } },
		call_log => {
			enabled => \1,
			conninfo => $self->{option}{conninfo} // $self->{calls}->conninfo(user => 'crm_host'),
			spool => "$dir/spool/spool.db",
			%{ $self->{option}{call_log} // {} },
		},
	}));
	spew("$dir/RT_SiteConfig.pm", <<~"CONF" . ($self->{option}{settings} // '') . "\n1;\n");
		\$RT::LocalPluginPath = '$dir/plugins';
		\$RT::VarPath = '$dir/var';
		\$RT::MasonDataDir = '$dir/mason';
		\$RT::MasonSessionDir = '$dir/var/session_data';
		Set(\$DatabaseType, 'Pg');
		Set(\$DatabaseHost, '@{[ $cluster->dir ]}');
		Set(\$DatabasePort, @{[ $cluster->port ]});
		Set(\$DatabaseName, 'rt');
		Set(\$DatabaseUser, 'rt_user');
		Set(\$DatabasePassword, '');
		Set(\$DatabaseAdmin, 'rt_user');
		Set(\$WebDomain, '127.0.0.1');
		Set(\$WebPort, $self->{port});
		Set(\$MailCommand, 'testfile');
		Set(\$LogToSTDERR, 'warning');
		Set(\$LogToSyslog, undef);
		Set(\$CallLogConfig, '$dir/call_log.conf');
		Set(\$CallLogLibrary, '$dir/lib/libcrm-host.so.1');
		Set(\$CallLogReports, '@{[ $self->{calls}->conninfo(user => 'rt_reports') ]}');
		Plugin('RT::Extension::CallLog');
		CONF
}

# A further line of RT's configuration, from the next serve() on.
sub set {
	my ($self, $line) = @_;
	my $file = "$self->{dir}/RT_SiteConfig.pm";
	spew($file, slurp($file) =~ s/1;\n\z/$line\n1;\n/r);
}

sub dir { $_[0]{dir} }
sub port { $_[0]{port} }
sub calls { $_[0]{calls} }
sub cluster { $_[0]{cluster} }
sub url { "http://127.0.0.1:$_[0]{port}" }

sub _environment {
	my ($self) = @_;
	return (
		RT_SITE_CONFIG => "$self->{dir}/RT_SiteConfig.pm",
		RT_SITE_CONFIG_DIR => "$self->{dir}/conf.d",
		HOME => $self->{dir},
		# only what a test says about libraries of Perl is for RT, too
		PERL5LIB => undef);
}

sub _run {
	my ($self, @command) = @_;
	return run_ok(\@command, user => $self->{user}, dir => $self->{dir}, env => { $self->_environment });
}

# Runs code in a process of its own that knows RT and its database, and returns
# what it prints.
sub perl {
	my ($self, $code) = @_;
	my $file = scratch() . '/code.pl';
	spew($file, "use lib '/usr/local/share/request-tracker5/lib', '/usr/share/request-tracker5/lib';\n"
		. "use RT; RT::LoadConfig(); RT::Init();\n$code");
	return $self->_run('perl', $file);
}

# Serves, and waits until it does: serve(by => 'starlet'), RT's own prefork server, or
# 'apache' with mod_fcgid; workers => 2; requests => 100, after how many a worker is
# replaced.
sub serve {
	my ($self, %option) = @_;
	my %given = (by => 'starlet', workers => 2, requests => 100, %option);
	my $way = $self->can("_command_of_$given{by}") or croak "no such server: $given{by}";
	$self->{server} = Process->spawn([ $way->($self, %given) ],
		user => $self->{user}, dir => $self->{dir}, env => { $self->_environment });
	wait_for('Request Tracker to serve', sub {
		!$self->{server}->running || Http::Session->new($self->url)->get('/NoAuth/Login.html')->{success};
	}, 90);
	$self->{server}->running or croak "Request Tracker did not start:\n" . $self->log_text;
	return $self;
}

sub _command_of_starlet {
	my ($self, %given) = @_;
	return ("$libexec/rt-server", '--host', '127.0.0.1', '--port', $self->{port},
		'--workers', $given{workers}, '--max-reqs-per-child', $given{requests});
}

# An Apache of our own, with what it needs and nothing of the system's configuration.
sub _command_of_apache {
	my ($self, %given) = @_;
	my ($dir, $modules) = ("$self->{dir}/apache", '/usr/lib/apache2/modules');
	my %environment = $self->_environment;
	my $initial = join '', map { qq(FcgidInitialEnv $_ "$environment{$_}"\n) }
	  grep { defined $environment{$_} } sort keys %environment;
	if (!-d $dir) {
		mkdir $dir or croak "$dir: $!";
		chown((getpwnam $self->{user})[2, 3], $dir) if $self->{user};
	}
	spew("$dir/apache.conf", <<~"CONF");
		ServerRoot $dir
		ServerName 127.0.0.1
		Listen 127.0.0.1:$self->{port}
		PidFile $dir/pid
		Mutex pthread
		DefaultRuntimeDir $dir
		ErrorLog $dir/log
		LogLevel warn
		LoadModule mpm_event_module $modules/mod_mpm_event.so
		LoadModule authz_core_module $modules/mod_authz_core.so
		LoadModule alias_module $modules/mod_alias.so
		LoadModule fcgid_module $modules/mod_fcgid.so
		FcgidIPCDir $dir/sockets
		FcgidProcessTableFile $dir/processes
		FcgidMaxRequestLen 1073741824
		FcgidMaxProcesses $given{workers}
		FcgidMinProcessesPerClass $given{workers}
		FcgidMaxRequestsPerProcess $given{requests}
		FcgidConnectTimeout 60
		FcgidIOTimeout 60
		$initial
		ScriptAlias / $libexec/rt-server.fcgi/
		<Location />
			SetHandler fcgid-script
			Options +ExecCGI
			Require all granted
		</Location>
		CONF
	return ('/usr/sbin/apache2', '-f', "$dir/apache.conf", '-DFOREGROUND');
}

sub server { $_[0]{server} }

sub log_text {
	my ($self) = @_;
	my $apache = "$self->{dir}/apache/log";
	return $self->{server}->log_text . (-e $apache ? slurp($apache) : '');
}

# Ends it, as an administrator would.
sub stop { $_[0]{server}->stop('TERM', 60) }

# The processes that have RT in them and serve: children of its own server, or of the
# one process of Apache that has them.
sub workers {
	my ($self) = @_;
	my @found;
	for my $pid (_children($self->{server}->pid)) {
		my $name = eval { slurp("/proc/$pid/comm") } // next;
		push @found, $name eq "apache2\n" ? _children($pid) : $pid;
	}
	return @found;
}

sub _children { return split ' ', eval { slurp("/proc/$_[0]/task/$_[0]/children") } // '' }

# The session of a user who has signed in.
sub login {
	my ($self, $name) = @_;
	my $session = Http::Session->new($self->url);
	$session->post_form('/NoAuth/Login.html', { user => $name, pass => $password });
	my $home = $session->get('/');
	# who is not privileged is sent elsewhere
	$home->{content} =~ /Logged in as/ || ($home->{headers}{location} // '') =~ m{/SelfService/}
	  or croak "cannot sign in as $name";
	return $session;
}

1;
