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
use Http::Session;
use Process qw(root built plugin run run_ok scratch spew slurp unprivileged wait_for free_port);

my $libexec = '/usr/share/request-tracker5/libexec';
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
	$self->_run("/usr/sbin/rt-setup-database-5", '--action', 'init', '--skip-create');
	$self->perl(slurp(root() . '/tests/helpdesk/users.pl'));
	return $self;
}

# The server's user may not be able to read the checkout.
sub _copy_in {
	my ($self) = @_;
	system('cp', '-r', root() . '/host-api/request-tracker',
		"$self->{dir}/plugins/RT-Extension-CallLog") == 0 or croak 'cp';
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
		Plugin('RT::Extension::CallLog');
		CONF
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

# Serves by RT's own prefork server, and waits until it does.
sub serve {
	my ($self, %option) = @_;
	$self->{server} = Process->spawn(
		[ "$libexec/rt-server", '--host', '127.0.0.1', '--port', $self->{port},
			'--workers', $option{workers} // 2, @{ $option{arguments} // [] } ],
		user => $self->{user}, dir => $self->{dir}, env => { $self->_environment });
	wait_for('Request Tracker to serve', sub {
		!$self->{server}->running || eval { Http::Session->new($self->url)->get('/NoAuth/Login.html')->{success} };
	}, 90);
	$self->{server}->running or croak "Request Tracker did not start:\n" . $self->log_text;
	return $self;
}

sub server { $_[0]{server} }
sub log_text { $_[0]{server}->log_text }

# The session of a user who has signed in.
sub login {
	my ($self, $name) = @_;
	my $session = Http::Session->new($self->url);
	$session->post_form('/NoAuth/Login.html', { user => $name, pass => $password });
	$session->get('/')->{content} =~ /Logged in as/ or croak "cannot sign in as $name";
	return $session;
}

1;
