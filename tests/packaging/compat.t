# What was compiled against a released header works today, and the other way round.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use CrmHost;
use Driver;
use File::Basename qw(basename);
use Process qw(root built run run_ok scratch slurp spew);
use Test::More;

my $dir = scratch();
my %make = map { $_ => undef } qw(MAKEFLAGS MFLAGS MAKELEVEL DESTDIR PREFIX BUILD);
my @releases = sort map { basename($_) } glob root() . '/host-api/compat/[0-9]*';
ok @releases > 0, 'there are released headers';

sub compile {
	my (@arguments) = @_;
	run_ok([ 'cc', '-std=c11', '-g', '-Wall', '-Wextra', '-Werror', @arguments ], dir => root());
}

# ------------------------------------------------------------ what is declared
sub code { slurp("$_[0]/$_[1]") =~ s{/\*.*?\*/}{}gsr }

# A library with one variable of each type and each function's type in the headers.
sub probe {
	my ($folder, $name) = @_;
	my $code = code($folder, 'crm_plugin.h') . code($folder, 'crm_host.h');
	my %type = map { $_ => 1 } $code =~ /^((?:struct|enum) crm_\w+) \{/mg;
	my %function = map { $_ => 1 } $code =~ /\b(crm_(?:host|status)_\w+)\(/g;
	delete $type{'struct crm_runtime'};
	my $text = qq(#include "crm_host.h"\n);
	$text .= "extern $_ of_" . s/ /_/r . "; $_ of_" . s/ /_/r . ";\n" for sort keys %type;
	$text .= "extern __typeof__($_) *of_$_; __typeof__($_) *of_$_;\n" for sort keys %function;
	spew("$dir/$name.c", $text);
	compile('-shared', '-fPIC', "-I$folder", "$dir/$name.c", '-o', "$dir/$name.so");
	return "$dir/$name.so";
}

sub abidiff { run([ 'abidiff', '--no-added-syms', @_ ]) }

# The values of constants, as the preprocessor and the compiler of that header have
# them.
sub constants {
	my ($names, $folder) = @_;
	spew("$dir/constants.c", qq(#include "crm_host.h"\n#include <stdio.h>\n)
		. "static void text(const char *name, const char *value) { printf(\"%s %s\\n\", name, value); }\n"
		. "static void number(const char *name, unsigned long value) { printf(\"%s %lu\\n\", name, value); }\n"
		. "int main(void)\n{\n"
		. join('', map { "\t_Generic(($_), char *: text, default: number)(\"$_\", $_);\n" } @$names) . "}\n");
	compile('-Wno-int-conversion', "-I$folder", "$dir/constants.c", '-o', "$dir/constants");
	return run_ok([ "$dir/constants" ]);
}

my $now = root() . '/host-api';
my $probe = probe($now, 'now');
mkdir "$dir/other" or die;
for my $header (qw(crm_plugin.h crm_host.h)) {
	spew("$dir/other/$header", slurp("$now/$header") =~ s/(size_t body_len;\n)/$1\tint more;\n/r);
}
isnt +(abidiff($probe, probe("$dir/other", 'other')))[0], 0, 'a member more would be noticed';

for my $release (@releases) {
	my $folder = root() . "/host-api/compat/$release";
	my ($status, $out) = abidiff(probe($folder, 'then'), $probe);
	is $status, 0, "$release: its types and functions are what they were" or diag $out;
	# The version itself may grow.
	my @names = grep { !/^(?:CRM_ABI_MINOR|CRM_HOST_VERSION|CRM_ENTRY_INIT|CRM_EXPORT|CRM_\w+_H)$/ }
	  map { code($folder, $_) =~ /^#define (CRM_\w+)\b/mg } qw(crm_plugin.h crm_host.h);
	push @names, map { /\b(CRM_[A-Z_]+)\b/g } code($folder, 'crm_plugin.h') =~ /^enum \w+ (\{.*?\})/msg;
	is constants(\@names, $now), constants(\@names, $folder), '  and its constants';
	my %exported = map { /^\S* [TD] (\w+)/ ? ($1 => 1) : () }
	  split /\n/, run_ok([ 'nm', '-D', '--defined-only', built('libcrm-host.so') ]);
	my %promised = map { $_ => 1 } code($folder, 'crm_host.h') =~ /^(?!typedef)[\w ]+?\*?(crm_(?:host|status)_\w+)\(/mg;
	cmp_ok scalar(keys %promised), '>', 15, '  it has functions';
	is join(' ', grep { !$exported{$_} } sort keys %promised), '', '  and the library still has each of them';
}

# ------------------------------------------------------------ what was compiled
my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
$cluster->create_role('crm_host', 'IN ROLE call_log_writer');
my $conninfo = $cluster->conninfo(user => 'crm_host');

sub logs {
	my ($name, %option) = @_;
	my $driver = Driver->new(%option);
	$driver->create(conninfo => $conninfo);
	$driver->start;
	my ($status, $answer) = $driver->log_call(session_id => $name);
	is $status, 'OK', '  a call is logged' or diag $answer;
	$driver->quit;
	is $cluster->psql("SELECT count(*) FROM call_log.calls WHERE session_id = '$name'"), 1,
	  '  and is in the database';
}

mkdir "$dir/plugins" or die;
chmod 0755, "$dir/plugins";
run_ok([ 'install', '-m', '644', built('call_log.so'), "$dir/plugins/" ]);
run_ok([ 'cp', built('libcrm-host.so'), "$dir/libcrm-host.so.1" ]);

for my $release (@releases) {
	my $headers = "host-api/compat/$release";
	my $build = "build/compat-$release";
	run_ok([ 'make', '-C', root(), '-j2', "VARIANT=compat-$release", "HEADERS=$headers",
			'CFLAGS=-O1 -g0', "$build/call_log.so", "$build/tests/hosts/driver" ],
		env => \%make, seconds => 900);
	like slurp(root() . "/$build/obj/plugin/entry.d"), qr{\Q$headers\E/crm_plugin\.h},
	  "$release: the plugin compiles against its header";
	run_ok([ 'install', '-m', '644', root() . "/$build/call_log.so", "$dir/then.so" ]);
	logs("then-$release", plugin => "$dir/then.so");
	note "$release: the present plugin in a host that knows that header alone";
	logs("now-$release", program => root() . "/$build/tests/hosts/driver",
		plugin => "$dir/plugins/call_log.so");

	compile('-shared', '-fPIC', '-fvisibility=hidden', "-I$headers", 'host-api/examples/hello.c',
		'-o', "$dir/hello.so", '-lcjson');
	run_ok([ 'install', '-m', '644', "$dir/hello.so", "$dir/plugins/" ]);
	my ($status, $out, $err) = run([ built('crm-check'), '--messages=300', "$dir/plugins/hello.so" ],
		seconds => 300);
	is $status, 0, "$release: the example compiled against its header passes all checks" or diag $out, $err;

	compile("-I$headers", 'tests/packaging/host.c', '-o', "$dir/host", "$dir/libcrm-host.so.1");
	spew("$dir/crm.conf", <<~"CONF");
		host: { plugin_dir = "$dir/plugins"; };
		call_log: { conninfo = "$conninfo"; };
		hello: { };
		CONF
	($status, $out, $err) = run([ "$dir/host", "$dir/crm.conf" ], env => { LD_LIBRARY_PATH => $dir });
	is $status, 0, "$release: a host compiled against its headers works with the present library" or diag $err;
	like $out, qr/^bad request\n.*"call_log".*"hello"|^bad request\n.*"hello".*"call_log"/s,
	  '  with the plugins in it';
}
done_testing;
