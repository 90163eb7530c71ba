# Rules of the house that a script can check in the source and in what it became.
use v5.32;
use warnings;
use lib 'tests/lib';
use File::Glob qw(bsd_glob);
use Process qw(built plugin root run run_ok slurp);
use Test::More;

my @source = sort glob 'plugin/*.[ch] host-api/*.[ch] host-api/*/*.[ch]';

# The code without comments and the text of strings.
sub code {
	my $text = slurp($_[0]);
	$text =~ s{(/\*.*?\*/|//[^\n]*)}{$1 =~ s/[^\n]//gr}ges;
	$text =~ s{"(?:\\.|[^"\\\n])*"}{""}g;
	return $text;
}

# They overflow, keep hidden state, trust the locale, or have no deadline.
my $banned = qr/\b(?:sprintf|vsprintf|strcpy|stpcpy|strcat|strtok|gets|sscanf|
	atoi|atol|atoll|atof|gmtime|localtime|ctime|asctime|alloca|select|FD_SET|
	rand|srand|setlocale|signal|system|popen|tmpnam|mktemp|
	PQexec\w*|PQprepare|PQdescribe\w+|PQescape\w+|PQconnectdb\w*|PQsetdb\w*|
	PQreset)\s*\(/x;
for my $path (@source) {
	my $code = code($path);
	my @found;
	while ($code =~ /($banned)/g) {
		push @found, "$1 in line " . (1 + (substr($code, 0, $-[0]) =~ tr/\n//));
	}
	is "@found", '', "$path calls no banned function";
}
for my $path (@source) {
	like slurp($path), qr{\A/\* \S+ - }, "$path begins by saying what it is";
}

# What a library exports is what it promises.
sub exported {
	return join ' ', sort map { /^\S+ [B-TV-Z] ([^@\s]+)/ ? $1 : () }
	  split /\n/, run_ok([ 'nm', '-D', '--defined-only', $_[0] ]);
}
is exported(built('call_log.so')), 'crm_entry',
  'call_log.so exports crm_entry and nothing else';
is join(' ', grep { !/^crm_(host_\w+|status_name)$/ }
	  split / /, exported(built('libcrm-host.so'))), '',
  'libcrm-host.so exports the functions of crm_host.h and nothing else';
like run_ok([ 'readelf', '-dW', built('call_log.so') ]), qr/NODELETE/,
  'call_log.so is never unmapped';
like run_ok([ 'readelf', '-dW', built('call_log.so') ]), qr/BIND_NOW|FLAGS.*NOW/,
  'call_log.so is bound when it is loaded';
like run_ok([ 'readelf', '-lW', built('call_log.so') ]), qr/GNU_RELRO/,
  'call_log.so has read-only relocations';

# Two instances live in one process, so nothing that changes is global, but for where
# a thread's memory comes from: libcurl asks for it without a context.
my %excused = ('plugin/vault_heap.o' => 'bss 12');
for my $object (sort map { bsd_glob(built("obj/$_/*.o")) } qw(plugin host-api)) {
	my %size = map { /^\.(data|bss|tdata|tbss)\S*\s+(\d+)/ ? ($1 => $2) : () }
	  grep { !/^\.data\.rel\.ro/ } split /\n/, run_ok([ 'size', '-A', $object ]);
	my $name = $object =~ s{.*/obj/}{}r;
	is join(' ', map { "$_ $size{$_}" } grep { $size{$_} } sort keys %size), $excused{$name} // '',
	  "$name has no global variable" . ($excused{$name} ? ' but one' : '');
}

# What is generated is current.
for (['sample-config', 'packaging/call_log.conf.sample'],
	['manual', 'packaging/call_log.conf.5']) {
	my ($what, $path) = @$_;
	is run_ok([ built('crm-host'), "--$what", plugin('call_log.so') ]), slurp($path),
	  "$path is what crm-host --$what prints (make generated)";
}

is run_ok([ 'packaging/header-manual', 'host-api/crm_plugin.h', 'host-api/examples/hello.c' ],
	dir => root()), slurp('packaging/crm_plugin.3'),
  'packaging/crm_plugin.3 is what packaging/header-manual prints (make generated)';

# Scripts are at least whole.
for my $path (sort glob('tests/lib/*.pm'), 'packaging/run', 'packaging/header-manual') {
	my ($status, undef, $err) = run([ $^X, '-Itests/lib', '-wc', $path ]);
	is $err, "$path syntax OK\n", "$path compiles without a warning";
}
for my $path ('packaging/install-deps', '.ci/run') {
	is((run([ 'sh', '-n', $path ]))[0], 0, "$path is a whole shell script");
}
done_testing;
