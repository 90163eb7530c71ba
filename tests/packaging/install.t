# What `make install` leaves is enough to run the host, to write another host and
# to write another plugin.
use v5.32;
use warnings;
use lib 'tests/lib';
use Process qw(root run run_ok scratch spew);
use Test::More;

my $dest = scratch();
my %make = map { $_ => undef } qw(MAKEFLAGS MFLAGS MAKELEVEL DESTDIR PREFIX);
run_ok([ 'make', '-C', root(), 'install', "DESTDIR=$dest", 'PREFIX=/opt/crm' ],
	env => \%make, seconds => 600);
my $prefix = "$dest/opt/crm";
my @files = qw(
	sbin/crm-host sbin/crm-check lib/libcrm-host.so lib/libcrm-host.so.1 lib/libcrm-host.a
	lib/crm/plugins/call_log.so lib/pkgconfig/crm-host.pc
	include/crm_host.h include/crm_plugin.h
	share/call-log/sql/install.sql share/call-log/sql/one.sql
	share/call-log/sql/migrations/0001_calls.sql
	share/call-log/examples/hello.c share/call-log/examples/call_log.conf.sample
	share/call-log/examples/crm-host.conf lib/systemd/system/crm-host.service
	lib/sysusers.d/crm-host.conf share/man/man3/crm_plugin.3
	share/man/man5/call_log.conf.5 share/man/man8/crm-host.8 share/man/man8/crm-check.8);
is join(' ', grep { !-s "$prefix/$_" } @files), '', 'every file is installed';
is((run([ 'grep', '-rIlE', '/usr/local|@[A-Z]+@', $prefix ]))[1], '',
	'what names places names these');
is((run([ 'find', $dest, '-perm', '/022', '!', '-type', 'l' ]))[1], '',
	'nothing is writable by others');

my %environment = (
	PKG_CONFIG_PATH => "$prefix/lib/pkgconfig", PKG_CONFIG_SYSROOT_DIR => $dest,
	LD_LIBRARY_PATH => "$prefix/lib");
sub shell { run([ 'sh', '-c', $_[0] ], env => \%environment, dir => $dest) }
sub shell_ok {
	my ($command, $name) = @_;
	my ($status, $out, $err) = shell($command);
	ok $status == 0, $name or diag "$command\n$out$err";
	return $out;
}

spew("$dest/crm.conf", <<~"CONF");
	host: { plugin_dir = "$prefix/lib/crm/plugins"; };
	call_log: { enabled = true; conninfo = "host=$dest dbname=nowhere"; };
	hello: { enabled = true; };
	CONF
chmod 0644, "$dest/crm.conf";
shell_ok("umask 022; cc -std=c11 -Wall -Wextra -Werror -shared -fPIC \$(pkg-config --cflags crm-host) "
	. "-o \$(pkg-config --variable=plugindir crm-host)/hello.so "
	. 'opt/crm/share/call-log/examples/hello.c -lcjson',
	'the example plugin compiles against the installed header, into the plugin folder');
like shell_ok('opt/crm/sbin/crm-host --config crm.conf --check',
	'the installed crm-host accepts a configuration'), qr/good/, 'and says so';
my $list = shell_ok('opt/crm/sbin/crm-host --config crm.conf --list', 'it lists its plugins');
like $list, qr/^$_\tready\t/m, "$_ is ready" for qw(call_log hello);

run_ok([ 'cp', root() . '/tests/packaging/host.c', $dest ]);
for my $language ([ 'cc -std=c11', 'C' ], [ 'c++ -std=c++11 -x c++', 'C++' ]) {
	my ($compiler, $name) = @$language;
	shell_ok("$compiler -Wall -Wextra -Werror \$(pkg-config --cflags crm-host) host.c "
		. '-o host -x none $(pkg-config --libs crm-host)',
		"a host in $name compiles and links by pkg-config alone");
	my $out = shell_ok('./host crm.conf', 'it runs');
	like $out, qr/^bad request$/m, 'its messages reach the library';
	like $out, qr/"name":\s*"call_log"/, 'which has the plugin running';
}
unlike shell_ok('ldd host', 'ldd works'), qr/not found/, 'nothing that it needs is missing';

for my $page (qw(man3/crm_plugin.3 man5/call_log.conf.5 man8/crm-host.8 man8/crm-check.8)) {
	my ($status, $out, $err) = run([ 'man', '--warnings', '-l', "$prefix/share/man/$page" ],
		env => { LC_ALL => 'C.UTF-8', MANPAGER => 'cat' });
	ok $status == 0 && $err eq '' && length $out > 500, "$page reads without a warning"
	  or diag "$err";
}

# The page of crm-check names the options that it has.
sub options { my %name = map { $_ => 1 } $_[0] =~ /^\s*(?:\S+ )?(--[a-z-]+)/mg; return join ' ', sort keys %name }
is options((run([ 'man', '-l', "$prefix/share/man/man8/crm-check.8" ],
			env => { LC_ALL => 'C', MANPAGER => 'cat' }))[1] =~ s/.*^OPTIONS(.*?)^EXIT.*/$1/msr),
	options(shell_ok('opt/crm/sbin/crm-check --help', 'crm-check tells its options') . "--help\n"),
	'crm-check(8) has them all';

# What others put there stays.
run_ok([ 'make', '-C', root(), 'uninstall', "DESTDIR=$dest", 'PREFIX=/opt/crm' ], env => \%make);
is join(' ', sort map { s{^\Q$dest/\E}{}r } split /\n/, run_ok([ 'find', "$dest/opt", '-type', 'f', '-o', '-type', 'l' ])),
	'opt/crm/lib/crm/plugins/hello.so', 'make uninstall takes away what make install put there';
ok !-d "$prefix/share" && !-d "$prefix/include", 'and the folders that are empty then';

# People keep checkouts in folders with blanks in their names.
my $spaced = scratch() . "/my checkout";
run_ok([ 'sh', '-c', 'mkdir "$0" && cp -r Makefile host-api packaging plugin sql "$0"', $spaced ], dir => root());
my ($status, $out, $err) = run([ 'make', '-C', $spaced, 'build/libcrm-host.so' ], env => \%make, seconds => 600);
ok $status == 0, 'it builds in a folder with a blank in its name' or diag $err;
done_testing;
