# TLS with certificates of our own: a server whose certificate is expired, of another
# host or of an unknown authority, or that has no TLS at all, is refused and the log
# says why; calls wait in the spool, and it works again once mended.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(size start_driver figure spooled);
use Process qw(run_ok scratch wait_for spew slurp);
use Test::More;

my $calls = size(2000, 100);
my $dir = scratch();

# A key and its certificate, signed by that authority, or by itself.
sub certificate {
	my ($name, $subject, $by, @option) = @_;
	my $path = "$dir/$name";
	run_ok([ qw(openssl req -newkey rsa:2048 -nodes -subj), "/CN=$subject",
			'-keyout', "$path.key", '-out', "$path.csr" ]);
	spew("$path.extensions", $by ? "subjectAltName=DNS:$subject\n" : "basicConstraints=critical,CA:true\n");
	run_ok([ qw(openssl x509 -req -in), "$path.csr", '-out', "$path.crt", '-extfile', "$path.extensions",
			$by ? ('-CA', "$dir/$by.crt", '-CAkey', "$dir/$by.key", '-CAcreateserial')
			: ('-signkey', "$path.key"), @option ? @option : qw(-days 30) ]);
}
certificate(authority => 'our authority');
certificate(stranger => 'another authority');
certificate(good => 'localhost', 'authority');
certificate(expired => 'localhost', 'authority', qw(-days -1));
certificate(other_host => 'db.example', 'authority');
certificate(unknown => 'localhost', 'stranger');

my $cluster = Cluster->new(tcp => 1, start => 0);
my $data = $cluster->data;
sub present {
	my ($name) = @_;
	spew("$data/server.$_", slurp("$dir/$name.$_")) for qw(crt key);
	chmod 0600, "$data/server.key";
	chown +(stat $data)[4, 5], "$data/server.crt", "$data/server.key";
}
sub tls { $cluster->psql("ALTER SYSTEM SET ssl = $_[0]") }
# What was changed counts, and for everybody.
sub reload {
	$cluster->psql('SELECT pg_reload_conf()');
	$cluster->psql(q(SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity WHERE application_name = 'call_log'));
}
present('good');
$cluster->start;
tls('on');
$cluster->psql('SELECT pg_reload_conf()');
$cluster->install_schema;
my $oracle = Oracle->new(cluster => $cluster, driver => start_driver(
	conninfo => $cluster->conninfo(host => 'localhost',
		sslmode => 'verify-full', sslrootcert => "$dir/authority.crt"),
	spool => scratch() . '/spool.db'));
my $driver = $oracle->{driver};

$oracle->flow(calls => $calls);
$oracle->settle;
is spooled($driver), 0, 'a good certificate of the right host is accepted';
is $cluster->psql('SELECT count(*) FROM pg_stat_ssl JOIN pg_stat_activity USING (pid) WHERE application_name = $$call_log$$ AND NOT ssl'),
  0, 'and every connection is encrypted';

for my $case (
	[ expired => qr/certificate verify failed.*expired/, sub { present('expired') }, sub { present('good') } ],
	[ other_host => qr/"db\.example".* does not match host name "localhost"/, sub { present('other_host') }, sub { present('good') } ],
	[ unknown => qr/certificate verify failed.*unknown/, sub { present('unknown') }, sub { present('good') } ],
	[ no_tls => qr/does not support SSL/, sub { tls('off') }, sub { tls('on') } ],
) {
	my ($name, $why, $break, $mend) = @$case;
	@{ $driver->{log} } = ();
	$break->();
	reload();
	$oracle->flow(calls => $calls);
	$oracle->settle;
	wait_for('health to know', sub { $driver->health->{database}{last_error} =~ $why });
	like $driver->await_log($why), qr/^WARN the database is away/, "$name: the log names the reason: $why";
	is scalar(grep { /$why/ } $driver->log_lines), 1, "$name: once";
	cmp_ok spooled($driver), '>', 0, "$name: calls wait in the spool";
	is $cluster->connections, 0, "$name: nobody is connected";
	$mend->();
	reload();
	wait_for('the spool to be empty', sub { $oracle->pump(0.02); spooled($driver) == 0 }, 60);
	$driver->await_log(qr/the database is back/);
	pass "$name: it works again once mended";
}
figure('D14.cases', 4);
$oracle->conclude('D14', 'TLS certificate expired, of another host, of an unknown authority; no TLS');
is $driver->quit, 0, 'the host ends well';
done_testing;
