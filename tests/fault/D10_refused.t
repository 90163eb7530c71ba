# The server is there and refuses, for one reason or another: a host for each, all at
# once. The log has one line when it starts and at most one a minute while it lasts,
# not one a call; calls are acknowledged and found meanwhile; all are stored once it
# is mended.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Oracle qw(full size start_driver figure now spooled);
use Process qw(scratch wait_for spew slurp);
use Test::More;

my $cluster = Cluster->new;
$cluster->install_schema;
$cluster->psql('CREATE DATABASE spare');
$cluster->install_schema(dbname => 'spare');

sub end_connections {
	my ($role) = @_;
	$cluster->psql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = '$role'");
}
sub sql {
	my ($role, $sql) = @_;
	$cluster->psql($sql);
	end_connections($role);
}
my $hba = $cluster->data . '/pg_hba.conf';
my ($trusting, %hba) = (slurp($hba));
sub hba {
	my ($role, $how) = @_;
	$hba{$role} = $how;
	spew($hba, join '', map({ "local all $_ $hba{$_}\n" } grep { $hba{$_} } keys %hba), $trusting);
	sql($role, 'SELECT pg_reload_conf()');
}

# What the server does to those of that role who write, until it is removed.
my %condition = (
	disk_full => q(RAISE SQLSTATE '53100' USING MESSAGE = 'no space left on device'),
	memory => q(RAISE SQLSTATE '53200' USING MESSAGE = 'out of memory'),
	disk_error => q(RAISE SQLSTATE '58030' USING MESSAGE = 'could not read block 7'),
	slow => 'PERFORM pg_sleep(60)',
	serialization => q(RAISE SQLSTATE '40001' USING MESSAGE = 'could not serialize access'),
	deadlock => q(RAISE SQLSTATE '40P01' USING MESSAGE = 'deadlock detected'),
	shutdown => 'PERFORM pg_terminate_backend(pg_backend_pid())',
);
$cluster->psql(<<~"SQL");
	CREATE TABLE public.conditions (role name PRIMARY KEY);
	GRANT SELECT ON public.conditions TO public;
	CREATE FUNCTION public.refuse() RETURNS trigger LANGUAGE plpgsql AS \$\$ BEGIN
		IF NOT EXISTS (SELECT FROM public.conditions WHERE role = session_user) THEN RETURN new; END IF;
		CASE session_user @{[ map { "WHEN '$_' THEN $condition{$_};\n" } keys %condition ]} END CASE;
		RETURN new;
	END \$\$;
	CREATE TRIGGER refuse BEFORE INSERT OR UPDATE ON call_log.calls
		FOR EACH ROW EXECUTE FUNCTION public.refuse();
	SQL
sub condition {
	my ($role, $what) = @_;
	return [ $role, $what, sub { $cluster->psql("INSERT INTO public.conditions VALUES ('$role')") },
		sub { $cluster->psql("DELETE FROM public.conditions WHERE role = '$role'") } ];
}
sub altered {
	my ($role, $what, $break, $mend) = @_;
	return [ $role, $what, sub { sql($role, $break) }, sub { sql($role, $mend) } ];
}

# role, what the log says, what breaks it, what mends it
my @cases = (
	altered(connections => qr/too many connections for role/,
		'ALTER ROLE connections CONNECTION LIMIT 0', 'ALTER ROLE connections CONNECTION LIMIT -1'),
	[ password => qr/password authentication failed/, sub { hba(password => 'scram-sha-256') }, sub { hba('password') } ],
	[ rejected => qr/pg_hba.conf rejects/, sub { hba(rejected => 'reject') }, sub { hba('rejected') } ],
	altered(no_login => qr/not permitted to log in/, 'ALTER ROLE no_login NOLOGIN', 'ALTER ROLE no_login LOGIN'),
	[ no_database => qr/database "spare" (?:does not exist|is not currently accepting)/, sub {
			$cluster->psql('ALTER DATABASE spare ALLOW_CONNECTIONS false');
			sql(no_database => 'SELECT 1');
			$cluster->psql('ALTER DATABASE spare RENAME TO away');
		}, sub {
			$cluster->psql('ALTER DATABASE away RENAME TO spare');
			$cluster->psql('ALTER DATABASE spare ALLOW_CONNECTIONS true');
		} ],
	altered(rights => qr/permission denied .*42501/, 'REVOKE call_log_writer FROM rights', 'GRANT call_log_writer TO rights'),
	altered(read_only => qr/read-only transaction .*25006/, 'ALTER ROLE read_only SET default_transaction_read_only = on',
		'ALTER ROLE read_only RESET default_transaction_read_only'),
	condition(disk_full => qr/no space left .*53100/),
	condition(memory => qr/out of memory .*53200/),
	condition(disk_error => qr/could not read block 7 .*58030/),
	condition(slow => qr/57014|no answer in time/),
	condition(serialization => qr/40001/),
	condition(deadlock => qr/40P01/),
	condition(shutdown => qr/57P01/),
);

my %oracle;
for my $case (@cases) {
	my ($role, undef, $break) = @$case;
	my $database = $role eq 'no_database' ? $cluster->database('spare') : $cluster;
	$cluster->psql("CREATE ROLE $role LOGIN PASSWORD 'right' IN ROLE call_log_writer");
	$oracle{$role} = Oracle->new(cluster => $database, prefix => "$role-", agent => $role,
		driver => start_driver(conninfo => $database->conninfo(user => $role, password => 'wrong'),
			spool => scratch() . '/spool.db', commit_deadline_ms => 1000));
	$oracle{$role}->flow(calls => 20);
	$oracle{$role}->settle;
	$break->();
}
my $broken = now();

sub told { my ($role) = @_; return grep { / the database / } $oracle{$role}{driver}->log_lines }
sub refusals { scalar(() = $cluster->log_text =~ /(?:ERROR|FATAL): /g) }
my $before = refusals();
# In full for more than a minute, so that the log has to say it again.
do {
	for my $case (@cases) {
		my $oracle = $oracle{ $case->[0] };
		$oracle->flow(calls => size(100, 60));
		$oracle->settle;
		my $id = "$oracle->{prefix}$oracle->{calls}";
		$oracle->{found} += @{ $oracle->{driver}->match([$id], agent => $oracle->{made}{"$id-1"}{agent})->{$id} };
		$oracle->{rounds}++;
	}
} while full() && now() - $broken < 70;
my $lasted = now() - $broken;
my $most = 0;
for my $case (@cases) {
	my ($role, $what) = @$case;
	my $oracle = $oracle{$role};
	$oracle->{driver}->await_log(qr/ the database /);
	my @lines = told($role);
	$most = @lines if @lines > $most;
	like $lines[0], $what, "$role: $lines[0]";
	cmp_ok scalar @lines, '<=', 1 + int $lasted / 60, "$role: which is said at most once a minute";
	is $oracle->{found}, $oracle->{rounds}, "$role: calls are found meanwhile";
	cmp_ok spooled($oracle->{driver}), '>', 0, "$role: and wait in the spool";
}
my $refusals = refusals() - $before;
cmp_ok $refusals, '>', 3 * @cases, "although the server refused $refusals times";

$_->[3]->() for @cases;
for my $role (sort keys %oracle) {
	wait_for("$role: the spool to be empty", sub { spooled($oracle{$role}{driver}) == 0 }, 60);
}
Oracle::conclude_all('D10', 'the server refuses, for ' . @cases . ' reasons', %oracle);
is $cluster->psql('SELECT count(*) FROM call_log.rejected'), 0, 'no call is to blame';
figure('D10.reasons', scalar @cases);
figure('D10.outage_s', sprintf '%.0f', $lasted);
figure('D10.refusals', $refusals);
figure('D10.most_lines', $most);
figure('D10.lines_per_hour', sprintf '%.0f', 1 + ($most - 1) * 3600 / $lasted) if full();
done_testing;
