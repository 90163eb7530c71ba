# The packages keep Debian's rules, are built hardened, and shut the service into its
# sandbox.
use v5.32;
use warnings;
use lib 'tests/lib';
use Process qw(root built run run_ok scratch slurp);
use Test::More;

my $built = root() . '/build/deb';
my ($changes) = glob "$built/*.changes" or die "make deb first\n";
my ($status, $out, $err) = run([ 'lintian', '-EI', '--pedantic', '--allow-root',
		'--fail-on', 'error,warning,info,pedantic,experimental', $changes ], seconds => 600);
ok $status == 0, 'lintian finds nothing' or diag $out, $err;
($status, $out) = run([ 'blhc', '--all', "$built/build.log" ]);
ok $status == 0, 'each file was compiled and linked with all hardening flags' or diag $out;
unlike slurp("$built/build.log"), qr/warning:/, 'and without a warning';

# What lies in a package, by name without the version.
my $unpacked = scratch();
my %package = map { m{/([^/_]+)_} ? ($1 => "$unpacked/$1") : () } grep { !/-dbgsym_/ } glob "$built/*.deb";
for my $name (sort keys %package) {
	run_ok([ 'dpkg-deb', '-R', glob("$built/${name}_*.deb"), $package{$name} ]);
}
is join(' ', sort keys %package),
  'call-log-plugin crm-host libcrm-host-dev libcrm-host1 rt5-extension-call-log',
  'all packages are built';

my $plugin = (glob "$package{'call-log-plugin'}/usr/lib/*/crm/plugins/call_log.so")[0];
my $library = (glob "$package{'libcrm-host1'}/usr/lib/*/libcrm-host.so.1")[0];
for my $program ($plugin, $library, map { "$package{'crm-host'}/usr/sbin/$_" } qw(crm-host crm-check)) {
	# What the compiler finds nothing to do for is no fault, nor what Debian's own
	# start files lack.
	($status, $out) = run([ 'hardening-check', '--nopie', '--nocfprotection', $program ]);
	ok $status == 0, $program =~ s{.*/}{}r . ' is hardened' or diag $out;
	like run_ok([ 'readelf', '-hW', $program ]), qr/Type:\s+DYN/, 'and can lie anywhere';
}
is run_ok([ 'nm', '-D', '--defined-only', $plugin ]) =~ s/.* //r, "crm_entry\n",
  'the plugin exports crm_entry and nothing else';

# A function that is not in the list could go away unnoticed.
my @exported = sort map { / [TD] (\w+)@@/ ? $1 : () }
  split /\n/, run_ok([ 'nm', '-D', '--defined-only', $library ]);
my @listed = sort map { /^ (crm_\w+)@/ ? $1 : () }
  split /\n/, slurp(root() . '/packaging/debian/libcrm-host1.symbols');
is "@listed", "@exported", 'the symbols file lists what the library exports';

my $service = "$package{'crm-host'}/lib/systemd/system/crm-host.service";
my ($exposure) = run_ok([ 'systemd-analyze', 'security', '--offline=true', $service ])
  =~ /Overall exposure level for \S+: ([\d.]+)/;
cmp_ok $exposure, '<=', 1.5, 'the service is exposed as little as it can be';
($status, $out, $err) = run([ 'systemd-analyze', 'verify', '--man=false', $service ]);
is join('', grep { /crm-host/ && !/is not executable/ } map { "$_\n" } split /\n/, $err), '',
  'and systemd understands all of it';
is slurp("$package{'crm-host'}/DEBIAN/conffiles"), "/etc/crm-host/crm-host.conf\n",
  'its configuration is what an administrator may change';

for my $page (sort map { glob "$package{$_}/usr/share/man/man*/*" } keys %package) {
	($status, $out, $err) = run([ 'man', '--warnings', '-l', $page ],
		env => { LC_ALL => 'C.UTF-8', MANPAGER => 'cat' });
	ok $status == 0 && $err eq '' && length $out > 500, $page =~ s{.*/}{}r . ' reads without a warning'
	  or diag $err;
	unlike $out, qr{/usr/local|\@[A-Z]+\@}, 'and names the places of the packages';
}
# The tests of the extension run what make install-rt puts there.
my $extension = 'usr/share/request-tracker5/plugins';
run_ok([ 'make', '-C', root(), '--no-print-directory', 'install-rt', "DESTDIR=$unpacked/made/", "RT_PLUGINS=$extension" ]);
($status, $out) = run([ 'diff', '-r', "$unpacked/made/$extension", "$package{'rt5-extension-call-log'}/$extension" ]);
is $out, '', "the package of Request Tracker's extension has all of it";
done_testing;
