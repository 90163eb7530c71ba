# The private cluster and the process helpers that the other tests stand on.
use v5.32;
use warnings;
use lib 'tests/lib';
use Test::More;
use Bouncer;
use Cluster;
use Process qw(run wait_for slurp);

my $cluster = Cluster->new(tcp => 1);
is $cluster->psql('SELECT 1'), '1', 'a new cluster answers over its socket';
is $cluster->psql('SELECT 1', host => '127.0.0.1'), '1', 'and over TCP when asked';
is_deeply [ $cluster->rows("SELECT 1, NULL, '' UNION ALL SELECT 2, 'a|b', E'c\nd'") ],
  [ [ 1, undef, '' ], [ 2, 'a|b', "c\nd" ] ], 'rows tells NULL from empty text';
ok !eval { $cluster->psql('SELECT 1; SELECT nonsense'); 1 }, 'a wrong statement dies';
like $@, qr/column "nonsense" does not exist/, 'with the error';

$cluster->create_role('somebody');
$cluster->create_db('somewhere');
is $cluster->psql('SELECT current_user || current_database()',
	user => 'somebody', dbname => 'somewhere'), 'somebodysomewhere',
  'roles and databases can be made';

{
	# as for a test that a shell runs in the background
	local $SIG{QUIT} = 'IGNORE';
	my $quitter = Process->spawn([ 'sleep', '600' ], stop => 'QUIT');
	is $quitter->stop, 131, 'a program ends by QUIT though the test ignores it';
	my $ended = grep { Process->spawn([ 'sleep', '600' ])->stop == 143 } 1 .. 50;
	is $ended, 50, 'and by a signal that comes before it has begun';
}

my $sleeper = Process->spawn([ $cluster->bin('psql'), '-Xd',
		$cluster->conninfo(user => 'somebody'), '-c', 'SELECT pg_sleep(600)' ]);
wait_for('the connection', sub { $cluster->connections('somebody') == 1 });
is $cluster->connections('nobody_else'), 0, 'connections are counted by user';
$cluster->kill9;
ok !$cluster->running, 'the postmaster can be killed';
isnt $sleeper->wait_end, 0, 'and its clients notice';
$cluster->start;
is $cluster->psql('SELECT 2'), '2', 'it starts again after the crash';
$cluster->restart('immediate');
is $cluster->psql('SELECT 3'), '3', 'and after an immediate stop';

my $bouncer = Bouncer->new($cluster, users => ['somebody']);
my ($status, $out) = run([ $cluster->bin('psql'), '-XAt', '-d',
		$bouncer->conninfo(user => 'somebody'), '-c', 'SELECT 4' ]);
is "$status $out", "0 4\n", 'a pooler can stand in front';

for my $end ([ 'dies', 'die "done\n"' ], [ 'is terminated', 'kill TERM => $$; sleep 60' ],
	[ 'is killed', 'kill KILL => $$; sleep 60' ]) {
	my ($name, $code) = @$end;
	my (undef, $said) = run([ $^X, '-Itests/lib', '-MCluster', '-e',
			'$| = 1; my $c = Cluster->new; print $c->pid, " ", $c->dir; ' . $code ]);
	my ($pid, $dir) = split / /, $said;
	ok $pid && eval { wait_for('its end', sub { !-d "/proc/$pid" }); 1 },
	  "no server is left when the test $name";
	if ($name eq 'is killed') {
		system 'rm', '-rf', $dir;
	} else {
		ok !-e $dir, "and no folder when it $name";
	}
}
done_testing;
