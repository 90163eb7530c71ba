# make bench, small: it measures what it says, beside what it says, and does not take
# a plugin's word for it. What is fast enough is no question here.
use v5.32;
use warnings;
use lib 'tests/lib';
use JSON::PP qw(decode_json);
use Process qw(built root run scratch slurp);
use Test::More;

my $json = scratch() . '/bench.json';
my @bench = ([ $^X, root() . '/tests/bench/bench.pl' ], seconds => 1200);
my %small = (QUICK => 1, JSON => $json, PLUGIN => undef, FIGURES => undef, ROWS => undef, EVENTS => undef, ROUNDS => undef);

my ($status, $out, $err) = run(@bench, env => \%small);
is $status, 0, 'everything could be measured, and the rows were what they had to be' or diag $err;
my $figures = decode_json(slurp($json));
my %figure = map { $_->{name} => $_ } @$figures;
is scalar(keys %figure), scalar(@$figures), 'no two figures have the same name';

# Each figure of each point.
my @expected = (
	(map { ("log_throughput.$_", "log_throughput.$_.one_copy") } qw(none final all)),
	qw(log_throughput.upsert log_throughput.insert log_throughput_5ms),
	(map { my $rate = $_; map { "log_latency.$rate.$_" } qw(p50 p99 p999) } 100, 1000, 5000, 20000),
	(map { my $size = $_; map { ("match_throughput.$size.$_", "match_latency.$size.$_.p50", "match_latency.$size.$_.p99") } 1, 30, 300 } qw(small large)),
	(map { "match_latency.growth.$_.p99" } 1, 30, 300),
	(map { my $case = $_; map { "submit_time.$case.$_" } qw(p50 p999 max) } qw(healthy slow black_hole)),
	qw(cpu_per_event cpu_per_event.in_submit cpu_per_event.own_threads),
	qw(instructions_per_event), (map { "instructions_per_event.$_" } qw(json arrays libpq batch)),
	qw(memory.in_flight memory.flat http.log.8 http.log.8.p99 http.match.8 http.match.8.p99 http.log http.memory),
	(map { my $kind = $_; map { "http.$kind.8.processor.$_" } qw(host plugin database) } qw(log match)),
	qw(spool.kept spool.replayed scale_out.2 scale_out.4 scale_out.deadlocks growth),
);
is_deeply [ sort keys %figure ], [ sort @expected ], 'every figure of every point was measured';

# Those that are beside nothing.
my %alone = map { $_ => 1 } qw(instructions_per_event http.log http.memory scale_out.deadlocks),
	(map { my $kind = $_; map { "http.$kind.8.processor.$_" } qw(plugin database) } qw(log match));
for my $name (sort keys %figure) {
	my $is = $figure{$name};
	my @wrong;
	push @wrong, 'no value' if !($is->{value} > 0) && $name ne 'scale_out.deadlocks';
	push @wrong, 'no unit' if !defined $is->{unit};
	push @wrong, 'no machine' if $is->{machine} !~ /\d cores/;
	push @wrong, 'no round' if $is->{rounds} < 1;
	push @wrong, 'spread' if $is->{spread}[0] > $is->{spread}[1];
	my $ratio = $is->{ratio};
	if ($alone{$name}) {
		push @wrong, 'a ratio of what?' if defined $ratio;
	} elsif (!($is->{reference} > 0) || !$is->{reference_is} || !defined $ratio) {
		push @wrong, 'no reference';
	} elsif ($ratio < $is->{spread}[0] || $ratio > $is->{spread}[1]) {
		push @wrong, 'a ratio beyond its spread';
	} elsif ($is->{rounds} == 1 && abs($ratio - $is->{value} / $is->{reference}) > 1e-6 * $ratio) {
		push @wrong, 'a ratio of something else';
	}
	if (my ($of, $sign, $than) = ($is->{aim} // '') =~ /^(ratio|value) (>=|<=) ([\d.]+)$/) {
		my $met = $sign eq '>=' ? $is->{$of} >= $than : $is->{$of} <= $than;
		push @wrong, 'its aim' if $met xor $is->{met};
	} else {
		push @wrong, 'an aim that nobody can tell' if defined $is->{met};
	}
	is "@wrong", '', "$name is a figure, with all that belongs to it";
}
is scalar(() = $out =~ /^\| [\w.]+ \|/mg), @$figures + 1, 'the table has a line for each';

# What answers without logging must not win.
($status, undef, $err) = run(@bench, env => { %small, FIGURES => 'throughput', PLUGIN => built('tests/plugins/prompt.so') });
isnt $status, 0, 'a plugin that answers and logs nothing is found out';
like $err, qr/each event alone: 0 calls/, 'and what is missing is said';
done_testing;
