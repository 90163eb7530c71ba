# `make run`, as a person would use it, after the build.
use v5.32;
use warnings;
use lib 'tests/lib';
use Process qw(root run run_ok built free_port scratch slurp wait_for);
use IO::Socket::INET;
use Test::More;

# The parts of the checkout that it needs, in a folder of its own.
my $checkout = scratch();
my @programs = map { built($_) } qw(crm-host call_log.so);
run_ok([ 'sh', '-c', 'umask 022; cp -r packaging sql tests "$0" && mkdir "$0/build" && '
		. 'cp "$@" "$0/build"', $checkout, @programs ], dir => root());
my %environment = (BUILD => undef, PORT => free_port(), TZ => 'UTC',
	RUN_OF => $checkout);

sub run_here {
	my (%more) = @_;
	return run([ "$checkout/packaging/run" ], env => { %environment, %more }, dir => '/');
}

# Processes that came of it, known by their environment.
sub left_over {
	my @left;
	for my $path (glob '/proc/[0-9]*/environ') {
		open my $file, '<', $path or next;
		my $environment = <$file> // next;
		push @left, slurp($path =~ s/environ$/cmdline/r) =~ tr/\0/ /r
		  if $environment =~ /\bRUN_OF=\Q$checkout\E\0/;
	}
	return "@left";
}

my ($status, $out, $err) = run_here(ONCE => 1);
is $status, 0, 'it exits with status 0' or diag $out, $err;
is $err, '', 'without a complaint';
like $out, qr/every answer right/, 'having checked every answer';
like $out, qr/^ *Calls\n.*\bdana\b.*^ *Agents\n/ms,
  'it prints the calls and the day of each agent';
is left_over(), '', 'and nothing is left running';
ok !-e "$checkout/build/run", 'nor is its folder';
is((run_here(ONCE => 1))[0], 0, 'a second time works as well');

my $taken = IO::Socket::INET->new(LocalAddr => '127.0.0.1', LocalPort => 0, Listen => 1);
($status, $out, $err) = run_here(PORT => $taken->sockport);
isnt $status, 0, 'a port that is taken is an error';
like $err, qr/^cannot listen on 127\.0\.0\.1:\d+ \(Address already in use\); choose another: make run PORT=/,
  'that says so and what to do';

my $serving = Process->spawn([ "$checkout/packaging/run" ], env => \%environment, dir => '/');
wait_for('it to serve', sub { !$serving->running || $serving->log_text =~ /until Ctrl-C/ }, 120);
ok $serving->running, 'it serves' or diag $serving->log_text;
like left_over(), qr/crm-host.*postgres|postgres.*crm-host/s, 'by servers of its own';
($status, undef, $err) = run_here(PORT => free_port());
isnt $status, 0, 'another one beside it is refused';
like $err, qr/^another `make run` is serving from this folder; stop it first/, 'and told why';
is $serving->stop('INT'), 0, 'Ctrl-C ends it in order' or diag $serving->log_text;
is left_over(), '', 'and leaves nothing running';

# Nobody else may be able to replace the plugin: a folder that others can write to,
# or cannot enter, is not used.
for ([ 0777, 'others may write to' ], [ 0700, 'others may not enter' ]) {
	my ($mode, $name) = @$_;
	chmod $mode, $checkout;
	($status, $out, $err) = run_here(ONCE => 1);
	is $status, 0, "it works in a checkout that $name" or diag $out, $err;
	my ($folder) = $out =~ m{^working in (/var/tmp/call-log-\w+):}m;
	ok !$folder || !-e $folder, 'and the folder it used instead is gone';
	is $folder ? 1 : 0, $mode == 0777 || $> == 0 ? 1 : 0, 'which it only makes when it must';
}
done_testing;
