# crm-check passes what keeps to the contract, and each of its checks fails for a
# plugin that does not.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Process qw(built plugin run scratch spew);
use Test::More;

my $sanitized = ($ENV{BUILD} // '') =~ /asan|tsan/;
my $seed = $ENV{SEED} // time;
diag "SEED=$seed";

# How prompt is prompt cannot be told on a machine that does much else, so submit() is
# given a second. What crm-check says of a plugin: the names of the checks that failed, all that
# it printed, its exit status.
sub check {
	my ($plugin, %option) = @_;
	my @arguments = ("--seed=$seed", '--submit-ms=1000', @{ $option{arguments} // [] });
	my ($status, $out, $err) = run(
		[ built('crm-check'), @arguments, plugin($plugin) ],
		env => { CRM_BAD => $option{fault} }, seconds => 600);
	my @failed = $out =~ /^not ok \d+ - (.*)/mg;
	return (\@failed, $out . $err, $status);
}

sub passes {
	my ($name, $plugin, @arguments) = @_;
	my ($failed, $out, $status) = check($plugin, arguments => \@arguments);
	my $planned = $out =~ /^1\.\.(\d+)$/m ? $1 : 'none';
	my $passed = () = $out =~ /^ok /mg;
	my $least = grep({ /include/ } @arguments) ? 8 : 31;
	ok $status == 0 && $planned eq $passed && $passed >= $least, $name or diag $out;
	return $out;
}

passes('the example plugin passes all checks', 'examples/hello.so');
passes('a plugin with a thread of its own passes all checks', 'tests/plugins/bad.so');

# ---------------------------------------------------------------- call_log.so
my $dir = scratch();
my @quick = ('--set=commit_deadline_ms=200', '--set=match_deadline_ms=200');
passes('call_log.so passes all checks while there is no database',
	'call_log.so', "--set=conninfo=host=$dir dbname=nowhere", @quick);
passes('call_log.so passes all checks where it fetches recordings',
	'call_log.so', "--set=conninfo=host=$dir dbname=nowhere", @quick, '--set=recordings=fetch', "--set=recordings_dir=$dir/recordings");
passes('call_log.so passes those with traffic while its database is there and says nothing',
	'call_log.so', '--set=conninfo=host=127.0.0.1 port={silent}', @quick, '--messages=500',
	'--include=^(it starts|each|submit|stop|no thread|it answers)');

my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
$cluster->create_role('checker', 'IN ROLE call_log_writer');
my $conninfo = $cluster->conninfo(user => 'checker');
passes('call_log.so passes all checks with its database', 'call_log.so',
	"--set=conninfo=$conninfo", $sanitized ? () : '--messages=5000');
cmp_ok $cluster->psql('SELECT count(*) FROM call_log.calls'), '>', 50,
  'and has logged calls there';
is $cluster->connections('checker'), 0, 'and leaves no connection open';

spew("$dir/crm.conf", <<~"CONF");
	host: { plugin_dir = "$dir"; };
	call_log: { conninfo = "$conninfo"; show_log_modal = false; };
	CONF
my $body = 'tests/messages/constructed/03-inbound-connected.json';
passes('it bears every message that a fuzzer found worth keeping', 'call_log.so',
	"--set=conninfo=$conninfo", '--messages=500', '--bodies=tests/fuzz/corpus/message');
passes('its configuration can come from a file, and the message, too',
	'call_log.so', "--config=$dir/crm.conf", "--body=$body", '--messages=500');

# ---------------------------------------------------------------- what is wrong
# A fault; which checks fail; what is said of it; arguments.
my $once = 'each accepted message is answered once, a refused one never';
my $again = 'submit() may be called from inside complete()';
my $amid = 'stop() during traffic answers everything, then submit() refuses';
my $zero = 'stop() with no time left answers everything at once';
my $refuses = 'after stop() every message is refused as stopping';
my $left = 'no thread and no file is left when it has stopped';
my $words = 'what it tells the host is well formed';
my $two = 'two instances do not disturb each other';
my $fork = 'what was created before a fork starts after it';
my $starts = 'it starts, stops and is destroyed';
my $bare = 'without configuration create() refuses with a reason, or does without';
my $rounds = '100 times create() and destroy() leave nothing behind';
my $bodies = 'it answers what is no message, and goes on';
my $prompt = 'submit() does not wait';
my $some = '--messages=800';
my @cases = (
	[ 'answers twice', [ $two, $fork, $once, $again, $amid, $zero, $bodies ],
		qr/answered more than once/, $some ],
	[ 'answers strangers', [ $two, $fork, $once, $again, $amid, $zero, $bodies ],
		qr/for no request there ever was/, $some ],
	[ 'answers what it refuses',
		[ $two, $fork, $once, $again, $amid, $zero, $refuses, $bodies ],
		qr/answered although submit\(\) refused/, $some ],
	[ 'never answers', [ $once ],
		qr/11 of 104 .* not answered by their deadline.*\n.* 11 of 104 .* never answered/,
		'--messages=104', '--include=^each' ],
	[ 'forgets what waits', [ $amid, $zero ], qr/were never answered/, $some,
		'--include=^stop' ],
	[ 'takes its time', [ $zero ], qr/stop\(\) took 4/, $some ],
	[ 'goes on after stop', [ $amid, $refuses ],
		qr/after stop\(\) submit\(\) returned 0, expected 4/, $some ],
	[ 'never stops', [ $starts ], qr/did not end within 2 s/,
		'--include=^it starts', '--seconds=2' ],
	[ 'cannot stop', [ $starts ], qr/says that a thread would not end/,
		'--include=^it starts' ],
	[ 'does not start', [ $starts ], qr/start\(\) returned 6/, '--include=^it starts' ],
	[ 'holds a lock', [ $again ], qr/did not end within 15 s\n.*a lock that it holds/,
		$some, '--seconds=15' ],
	[ 'leaves a thread', [ $left ], qr/the thread '.*' is left/, $some ],
	[ 'leaves a file', [ $left ], qr{file descriptor \d+ is left: /dev/null}, $some ],
	[ 'keeps a pointer', [ 'it keeps no pointer into a request' ],
		qr/after submit\(\) had returned/, $some ],
	[ 'reads past the body', [ "it reads no further than a body's length" ],
		qr/it read behind body/, $some ],
	[ 'answers text', [ $words ], qr/an answer is not JSON: thanks/, $some ],
	[ 'asks config too late', [ $words ], qr/config\(\) .* outside create/, $some ],
	[ 'logs two lines', [ $words ], qr/something else than one line/, $some ],
	[ 'logs bytes', [ $words ], qr/something else than one line of UTF-8/, $some ],
	[ 'trusts messages', [ $bodies ], $sanitized ? qr/died|ended/
			: qr/died of SIGABRT.*\n.*it trusted what a message says/, '--include=^it answers' ],
	[ 'waits in submit', [ $prompt ], qr/more than 2 ms: it waits/, '--submit-ms=2',
		'--include=^submit.. does', '--messages=100' ],
	[ 'crashes', [ $once ], $sanitized ? qr/died|ended/ : qr/died of SIGABRT: Aborted/,
		'--include=^each' ],
	[ 'exits', [ $once ], qr/the process was ended, with status 0/, '--include=^each' ],
	[ 'starts in create', [ $fork ], qr/did not end within|never answered/,
		'--include=fork', '--seconds=8' ],
	[ 'thinks it is alone', [ $two ], qr/never answered/,
		'--include=instances' ],
	[ 'has bad options', [ 'its options, its health and its pages are well formed' ],
		qr{crm\.options/1: }, $some ],
	map({ [ "has a page $_->[0]", [ 'its options, its health and its pages are well formed' ],
			qr{crm\.pages/1: page \d, '.*': $_->[1]}, '--include=^its options' ] }
		[ 'without a path', 'its path is none' ], [ "of the host's", q(its path is the host's) ],
		[ 'of a bad type', 'its type is none' ], [ 'with a bad tag', 'its tag is not' ],
		[ 'without a body', 'it has no body' ], [ 'with odd flags', 'it has unknown flags' ],
		[ 'twice', 'another has its path' ]),
	[ 'gives no reason', [ $bare ], qr/gave no reason/, '--include=^without' ],
	[ 'writes too long a reason', [ $bare ], qr/did not terminate .* behind/s,
		'--include=^without' ],
	[ 'prints', [ 'it writes nothing to stdout and stderr' ], qr/it wrote 16 bytes/, $some ],
	[ 'complains', [ 'it writes nothing to stdout and stderr' ],
		qr/it wrote 16 bytes\n# output: bad has started/, $some ],
	[ 'sets the locale', [ 'it leaves the locale alone' ],
		qr/from 'category \d+: C' to 'category \d+: C\.UTF-8'/, $some ],
	[ 'changes the directory', [ 'it leaves the working directory alone' ],
		qr{to '/usr'}, $some ],
	[ 'sets the umask', [ 'it leaves the umask alone' ], qr/to 'Umask:\s*0123'/, $some ],
	[ 'sets a variable', [ 'it leaves the environment alone' ],
		qr/CRM_BAD_WAS_HERE/, $some ],
	[ 'blocks a signal', [ "it leaves the callers' signal mask alone" ],
		qr/to 'signal 10: blocked'/, $some ],
	[ 'handles a signal', [ 'it leaves signal handlers alone' ],
		qr/from 'signal 10: handler 0/, $some ],
	[ 'lets signals through', [ 'its threads block all signals' ],
		qr/lets through TERM/, $some ],
	[ 'has its file inherited', [ 'its files close on exec' ],
		qr{would be inherited: /dev/null}, $some ],
);
# No sanitizer lets one count the memory in use.
push @cases, [ 'leaks', [ $rounds ], qr/100 times .* keep \d{4,} bytes/, $some ]
  if !$sanitized;
# Only one sanitizer sees races.
push @cases, [ 'races', [ $once ], qr/a sanitizer objects\n# output: .*\n.*data race/s,
	$some, '--include=^each' ]
  if ($ENV{BUILD} // '') =~ /tsan/;
for my $case (@cases) {
	my ($fault, $expected, $said, @arguments) = @$case;
	my ($failed, $out, $status) = check('tests/plugins/bad.so',
		fault => $fault, arguments => \@arguments);
	ok "@$failed" eq "@$expected" && $out =~ $said && $status == 1,
	  "a plugin that $fault is caught by the right checks" or diag $out;
}

# ---------------------------------------------------------------- files
for my $case (
	[ 'bad_exports', 'it exports crm_entry and nothing else', qr/exports 'bad_helper'/ ],
	[ 'bad_constructor', 'it runs no code when it is loaded', qr/constructor, 'greet'/ ],
	# a sanitizer takes memory itself, and lets no name be borrowed
	$sanitized ? () : ([ 'bad_loads', 'loading it 300 times leaves nothing behind', qr/memory grew by \d{4,} kB/ ],
	[ 'bad_borrower', 'it calls its own libraries, not what the host has of their names',
		qr/called the host's cJSON_ParseWithLength\(\)/ ]),
	[ 'bad_entry', 'the file is safe to load and its entry is complete',
		qr/built for plugin ABI 2\.0; this host provides 1\.0/ ])
{
	my ($plugin, $expected, $said) = @$case;
	my ($failed, $out) = check("tests/plugins/$plugin.so",
		arguments => [ "--include=^($expected)" ]);
	ok "@$failed" eq $expected && $out =~ $said, "$plugin.so is caught" or diag $out;
}
my ($failed, $out) = check('tests/plugins/bad_constructor.so',
	arguments => [ '--include=it exports' ]);
is "@$failed", '', 'and is not blamed for what it exports' or diag $out;
($failed, $out) = check('no-such.so', arguments => [ '--include=^the file' ]);
like $out, qr/^not ok 1 .*\n# .*no-such\.so' not loaded: /m, 'a missing file is a failure';

# ---------------------------------------------------------------- the tool
($failed, $out) = check('tests/plugins/bad.so',
	arguments => [ '--in-process', '--include=^it starts|^each' ]);
is $out, "1..2\n# " . plugin('tests/plugins/bad.so') . ", seed $seed\nok 1 - $starts\n"
  . ($out =~ /^(ok 2 - \Q$once\E\n#.*\n)/m ? $1 : 'what it checked'),
  'checks can run in one process';
for my $case ([ '--wrong', qr/no such option/ ], [ '--set=x', qr/KEY=VALUE/ ],
	[ '--messages=0', qr/not a number in range/ ], [ '--include=zzz', qr/no check matches/ ],
	[ '--body=/no/such', qr{cannot read '/no/such'} ],
	[ '--config=/no/such', qr{/no/such} ])
{
	my ($argument, $said) = @$case;
	(undef, $out, my $status) = check('tests/plugins/bad.so', arguments => [ $argument ]);
	ok $status == 64 && $out =~ $said, "$argument is wrong usage" or diag $out;
}
done_testing;
