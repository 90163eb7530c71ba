# The packages in a clean Debian: installed, upgraded while calls wait, removed and
# purged, as an administrator does it. Nothing that was acknowledged is lost, nothing
# that the administrator wrote is changed, nothing stays behind, and databases are
# left alone.
#
# The version before is made of the packages at hand: a lower number, the newest
# migration missing, another default configuration.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Debian;
use JSON::PP ();
use Http;
use CrmHost;
use Process qw(root run run_ok free_port scratch slurp spew wait_for);
use Test::More;

my $built = root() . '/build/deb';
my @new = map { glob "$built/${_}_*.deb" } qw(call-log-plugin crm-host libcrm-host1 libcrm-host-dev);
is scalar @new, 4, 'the packages are there' or die "make deb first\n";
my ($version) = $new[0] =~ /_(.*)_/;

# ------------------------------------------------------------- the one before
sub change {
	my ($path, $edit) = @_;
	local $_ = slurp($path);
	$edit->();
	spew($path, $_);
}

sub older {
	my ($deb) = @_;
	my $dir = scratch() . '/old';
	run_ok([ 'dpkg-deb', '-R', $deb, $dir ]);
	change("$dir/DEBIAN/control", sub { s/\Q$version\E/0.9.0/g });
	unlink "$dir/DEBIAN/md5sums";
	my $sql = "$dir/usr/share/call-log/sql";
	if (-d $sql) {
		my ($last) = sort { $b cmp $a } glob "$sql/migrations/*.sql";
		unlink $last;
		change("$sql/install.sql", sub {
			s/.*\K\\set migration \d+\n\\set name \w+\n\\ir one\.sql\n//s;
		});
	}
	my $conffile = "$dir/etc/crm-host/crm-host.conf";
	change($conffile, sub { s/^/# The default of 0.9.0.\n/ }) if -e $conffile;
	run_ok([ 'dpkg-deb', '--root-owner-group', '-b', $dir, "$dir.deb" ]);
	my $name = $deb =~ s{.*/|_.*}{}gr;
	rename "$dir.deb", "$dir/../$name.deb" or die;
	return "$dir/../$name.deb";
}

# ------------------------------------------------------------- the service
my $debian = Debian->new;
my $config = '/etc/crm-host/crm-host.conf';
my $port = free_port();

# As the unit says; its folder is made by systemd.
sub serve {
	my ($command) = slurp($debian->path('/lib/systemd/system/crm-host.service')) =~ /^ExecStart=(.*)/m;
	$debian->ok('install', '-d', '-o', 'crm-host', '-g', 'crm-host', '-m', '0700', '/var/lib/crm-host');
	my $host = $debian->spawn([ split ' ', $command ], user => 'crm-host');
	wait_for('the service to listen', sub { $host->log_text =~ /listening/ || !$host->running });
	return $host;
}

sub log_call {
	my ($id) = @_;
	my $message = { type => 'rc-post-message-request', requestId => "r$id", path => '/callLogger',
		body => { triggerType => 'callLogSync', call => { sessionId => "$id", direction => 'Inbound',
				from => { phoneNumber => '+12025550143' }, to => { phoneNumber => '+14155550101' },
				startTime => 1767225600000, duration => 95, action => 'Phone Call', result => 'Accepted' } } };
	my $http = Http->new($port);
	$http->write(CrmHost::post_bytes(CrmHost::envelope($message)));
	return $http->read_answer('POST')->{body};
}

sub logged { return join ' ', map { $_->[0] } $_[0]->rows('SELECT session_id FROM call_log.calls ORDER BY 1') }

# ------------------------------------------------------------- install
my @before = $debian->files;
$debian->install(map { older($_) } @new);
is $debian->ok('dpkg-query', '-W', '-f', '${Version} ', 'crm-host', 'call-log-plugin'), '0.9.0 0.9.0 ',
  'the version before is installed, with nothing missing';
is $debian->ok('stat', '-c', '%a %U:%G', $config), "640 root:crm-host\n",
  'the configuration, which may hold a password, is for the service alone';
is $debian->ok('crm-host', '--config', $config, '--check'), "$config: the configuration is good\n",
  'and good as it comes';
like $debian->ok('getent', 'passwd', 'crm-host'), qr{^crm-host:.*:/var/lib/crm-host:/usr/sbin/nologin$},
  'the service has a user of its own, who cannot sign in';

my $cluster = Cluster->new(tcp => 1, settings => { fsync => 'off' });
my $migrations = sub { $cluster->psql('SELECT call_log.schema_version()') };
$cluster->psql_file($debian->path('/usr/share/call-log/sql/install.sql'));
my $old_schema = $migrations->();
$cluster->psql(<<~'SQL');
	INSERT INTO call_log.calls (account, agent, session_id, state, logged_by, connected,
		last_event_at, rank, ranks)
	VALUES ('', 'dana', '0', 'ended', 'auto', true, now(), '',
		json_populate_record(NULL::call_log.fact_ranks, '{}'))
	SQL
$cluster->create_role('crm_host', 'IN ROLE call_log_writer');
change($debian->path($config), sub {
	s/:8085"/:$port"/;
	s/#trusted/trusted/;
	$_ .= <<~"CONF";
		# Written by the administrator.
		call_log: {
			conninfo = "@{[ $cluster->conninfo(user => 'crm_host', host => '127.0.0.1') ]}";
			spool = "@{[ $debian->plugin_path('/var/lib/crm-host/call_log.db') ]}";
		};
		CONF
});
my $edited = slurp($debian->path($config));
my $host = serve();
ok $host->running, 'the service starts' or diag $host->log_text;
like log_call(1), qr/"data":"ok"/, 'a call is logged' or diag $host->log_text;
$cluster->stop;
like log_call(2), qr/"data":"ok"/, 'with the database away a call is logged, too' or diag $host->log_text;
is $debian->stop($host), 0, 'the service ends in order';
ok -s $debian->path('/var/lib/crm-host/call_log.db'), 'and leaves what waits in its folder';

# ------------------------------------------------------------- upgrade
$debian->install(@new);
is $debian->ok('dpkg-query', '-W', '-f', '${Version} ', 'crm-host', 'call-log-plugin'),
  "$version $version ", 'the packages are upgraded';
is slurp($debian->path($config)), $edited, 'what the administrator wrote is as it was';
is $debian->ok('stat', '-c', '%a %U:%G', $config), "640 root:crm-host\n", 'for whom it was';
ok -e $debian->path("$config.dpkg-dist"), 'the new default lies beside it';
$cluster->start;
$cluster->psql_file($debian->path('/usr/share/call-log/sql/install.sql'));
cmp_ok $migrations->(), '>', $old_schema, 'the new SQL brings the database up to date';
$host = serve();
wait_for('the calls that waited', sub { logged($cluster) eq '0 1 2' });
pass 'the calls that waited are in the database now, beside what was there';
like log_call(3), qr/"data":"ok"/, 'and the next one is logged';
is $debian->stop($host), 0, 'the service ends in order';
is logged($cluster), '0 1 2 3', 'nothing was lost, nothing doubled';

# ------------------------------------------------------------- remove, purge
my @names = qw(call-log-plugin crm-host libcrm-host1 libcrm-host-dev);
$debian->ok('apt-get', '-qq', '-y', 'remove', @names);
my %there = map { $_ => 1 } @before;
my @left = grep { !$there{$_} && !-d $debian->path($_) } $debian->files;
is join(' ', grep { !m{^/(?:var/lib/crm-host|etc/systemd|var/lib/systemd)/} } @left), "$config $config.dpkg-dist",
  'removed, they leave the configuration';
ok scalar(grep { m{^/var/lib/crm-host/call_log} } @left), 'and what the service kept';

$debian->ok('dpkg', '--purge', @names);
is join(' ', grep { !$there{$_} } $debian->files), '', 'purged, they leave nothing';
my %now = map { $_ => 1 } $debian->files;
is join(' ', grep { !$now{$_} } @before), '', 'and take nothing else with them';
is logged($cluster), '0 1 2 3', 'the calls are still in the database';

# ------------------------------------------------------------- the packages' own test
$debian->install(@new);
$cluster->create_db('other');
$cluster->psql('DROP ROLE crm_host');
spew($debian->path('/root/log-a-call'), slurp(root() . '/packaging/debian/tests/log-a-call')
	=~ s{/var/lib/crm-host/call_log.db}{$debian->plugin_path($&)}er);
my ($status, $out, $err) = $debian->try('env', 'PGHOST=127.0.0.1', 'PGPORT=' . $cluster->port,
	'PGUSER=postgres', 'PGDATABASE=other', 'PORT=' . free_port(), 'sh', '/root/log-a-call');
is $status, 0, 'from the packages to a call by the steps of an administrator' or diag $out, $err;
done_testing;
