# Several servers in one connection string: each is tried with a deadline of its
# own, one that is silent does not hold the others up, and a read-only one is not
# taken for the primary.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use IO::Socket::INET;
use Process qw(wait_for free_port);
use Test::More;

my $cluster = Cluster->new(tcp => 1);
$cluster->install_schema;
my $silent = IO::Socket::INET->new(Listen => 64, LocalAddr => '127.0.0.1') or die $!;

sub logs_with {
	my ($name, @ports) = @_;
	my $driver = Driver->new;
	my $hosts = join ',', ('127.0.0.1') x @ports;
	$driver->create(conninfo => "host=$hosts port=" . join(',', @ports)
		. ' user=postgres dbname=postgres target_session_attrs=read-write');
	$driver->start;
	wait_for("a call to be logged $name", sub { ($driver->log_call(session_id => $name))[0] eq 'OK' }, 30);
	is $cluster->psql("SELECT count(*) FROM call_log.calls WHERE session_id = '$name'"), 1, "a call is logged $name";
	return $driver;
}

logs_with('past a server that accepts and says nothing', $silent->sockport, $cluster->port);
my $driver = logs_with('past a port that nobody listens on', free_port(), $cluster->port);
is scalar(grep { /^(WARN|ERROR)(?! no 'spool')/ } $driver->log_lines), 0, 'one of several servers is no news to the log';

my $standby = Cluster->new(tcp => 1);
$standby->install_schema;
$standby->psql('ALTER SYSTEM SET default_transaction_read_only = on; SELECT pg_reload_conf()');
wait_for('the server to be read-only', sub { $standby->psql('SHOW default_transaction_read_only') eq 'on' });
logs_with('past a server that takes no writes', $standby->port, $cluster->port);
is $standby->psql('SELECT count(*) FROM call_log.calls'), 0, 'which got none';

done_testing;
