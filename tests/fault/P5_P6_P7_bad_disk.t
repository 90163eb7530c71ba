# The spool's disk fails, its file is damaged, or there is no place for it: what is
# not on the disk is never answered as logged, nothing is written again to a file
# that failed, and none is deleted: a fresh one serves, and the log names the old.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use Oracle qw(start_driver figure);
use Process qw(scratch slurp spew wait_for);
use Test::More;

my $cluster = Cluster->new;
$cluster->install_schema;
my $dir = scratch();
# The database is away while this link is missing.
my $door = "$dir/.s.PGSQL." . $cluster->port;
sub open_door { symlink $cluster->dir . '/.s.PGSQL.' . $cluster->port, $door or die "link: $!" }
sub shut_door { unlink $door }

my $serial = 0;
sub config {
	my ($spool) = @_;
	return (conninfo => $cluster->conninfo(host => $dir), commit_deadline_ms => 300,
		spool => $spool // "$dir/" . ++$serial . '/spool.db');
}
sub aside { my ($spool) = @_; return grep { !/journal/ } glob "$spool.aside-*" }
sub warnings_of { my ($driver, $pattern) = @_; return grep { /$pattern/ } $driver->log_lines }
sub inode { (stat $_[0])[1] }

# The database comes back: all that was acknowledged arrives, and it works.
sub conclude {
	my ($oracle, $name, $fault) = @_;
	open_door();
	$oracle->conclude($name, $fault);
	is $oracle->{driver}->quit, 0, "$name: the host ends well";
	shut_door();
}

# ------------------------------------------------------------ P5: EIO
for my $case ([ P5write => 'fail_write', 'write' ], [ P5sync => 'fail_sync', 'sync' ]) {
	my ($name, $fail, $what) = @$case;
	my %config = config();
	my $driver = start_driver(%config);
	my $oracle = Oracle->new(cluster => $cluster, prefix => lc $name, driver => $driver);
	$oracle->flow(calls => 10);
	$oracle->settle;

	$driver->disk($fail => -1);
	my %status;
	$status{ $driver->logged(session_id => "never-$name-$_") }++ for 1 .. 5;
	is_deeply \%status, { FAILED => 5 }, "$name: while no $what succeeds every call is answered as failed";
	is scalar(warnings_of($driver, 'spool cannot be used')), 1, "$name: which the log says once";
	$driver->disk($fail => 0);
	$oracle->flow(calls => 10);
	$oracle->settle;
	pass "$name: calls are logged when it does";

	my $inode = inode($config{spool});
	$driver->disk($fail => 1);
	$oracle->flow(calls => 1);
	$oracle->settle;
	$driver->disk('touched');
	$oracle->flow(calls => 20);
	$oracle->settle;
	if ($what eq 'sync') {
		isnt inode($config{spool}), $inode, "$name: a file whose sync failed once serves no more";
		is scalar(grep { inode($_) == $inode } aside($config{spool})), 1, "$name: but lies beside the new one";
		is $driver->disk('touched'), 0, "$name: and is not written again";
	}
	conclude($oracle, $name, "each $what of the spool fails, then one");
}

# -------------------------------------------------------- P6: damage
# Not of the oracle: what they say may be lost.
my $calls = 40;
my $cases = 0;

sub log_old {
	my ($driver) = @_;
	my @lines = map { Driver::line(Driver::log_message(session_id => "old-$cases-$_")) } 1 .. $calls;
	is $driver->burst(\@lines)->{OK}, $calls, 'P6: calls are spooled';
}

# late: it is seen when the calls are read, not at once.
sub spoil {
	my ($what, $damage, $least, %option) = @_;
	my %config = config();
	my $driver = start_driver(%config);
	log_old($driver);
	$driver->kill9;
	my $bytes = $damage->(slurp($config{spool}));
	spew($config{spool}, $bytes);
	$driver = start_driver(%config);
	my $oracle = Oracle->new(cluster => $cluster, prefix => "p6-$cases-", driver => $driver);
	$oracle->flow(calls => 10);
	$oracle->settle;
	is scalar(aside($config{spool})), 1, "P6: $what: the file is set aside at once" if !$option{late};
	open_door();
	$oracle->settle;
	$oracle->await_all;
	my $found = $oracle->compare;
	is_deeply $found, { missing => [], doubled => [], wrong => [] }, "P6: $what: the fresh one loses nothing";
	wait_for('the spool to be empty', sub { $driver->health->{spool}{rows} == 0 });
	my @aside = aside($config{spool});
	my @lines = warnings_of($driver, 'aside');
	is scalar(@aside), 1, "P6: $what: one file is set aside";
	ok $option{late} || slurp($aside[0]) eq $bytes, "P6: $what: as it was";
	ok @lines == 1 && $lines[0] =~ /\Q$aside[0]\E/, "P6: $what: one line names it" or diag "@lines";
	my $rows = $cluster->psql("SELECT count(*) FROM call_log.calls WHERE session_id LIKE 'old-$cases-%'");
	cmp_ok $rows, '>=', $least, "P6: $what: $rows of $calls calls could be read and go on";
	is $driver->quit, 0, "P6: $what: the host ends well";
	shut_door();
	$cases++;
}

spoil('0 bytes', sub { '' }, 0);
spoil('cut off', sub { substr $_[0], 0, length($_[0]) / 2 }, 0);
spoil('a foreign file', sub { "Dear Sir or Madam,\n" x 500 }, 0);
spoil('of a newer version', sub { substr($_[0], 60, 4) = pack 'N', 99; $_[0] }, $calls);
spoil('of another program', sub { substr($_[0], 68, 4) = 'Work'; $_[0] }, $calls);
spoil('a bit flipped in a text', sub { $_[0] =~ s/(old-\d+-17)r-/$1s-/gr }, $calls - 1, late => 1);
spoil('a bit flipped in a page', sub { substr($_[0], 4096 * 2, 1) ^.= "\x40"; $_[0] }, 0);
{
	my %config = config();
	my $driver = start_driver(%config);
	log_old($driver);
	open my $file, '+<', $config{spool} or die "$config{spool}: $!";
	syswrite $file, 'x' x 100; # its header
	close $file;
	my $oracle = Oracle->new(cluster => $cluster, prefix => 'p6used', driver => $driver);
	$oracle->flow(calls => 50);
	$oracle->settle;
	is scalar(aside($config{spool})), 1, 'P6: damaged while it is used: it is set aside';
	figure('P6.cases', $cases + 1);
	conclude($oracle, 'P6', 'the file of the spool is damaged');
}

# ------------------------------------------------------ P7: no place
sub refused {
	my ($what, $spool, @fault) = @_;
	my $driver = Driver->new;
	$driver->disk(@fault) if @fault;
	is $driver->create(config($spool)), undef, "P7: $what: it is created";
	is $driver->start, 'FAILED', "P7: $what: it does not start";
	my @lines = $driver->log_lines;
	ok @lines == 1 && $lines[0] =~ /^ERROR .*\Q$dir\E/, "P7: $what: one line says why" or diag "@lines";
	note $lines[0] // '';
	$driver->destroy;
	is $driver->quit, 0, "P7: $what: the host ends well";
}
mkdir "$dir/place";
refused('a folder in a missing one', "$dir/no/such/spool.db");
refused('a disk that can only be read', "$dir/place/spool.db", read_only => 1);
spew("$dir/place/owned.db", 'x');
refused('of another user', "$dir/place/owned.db", user => 54321);
mkdir "$dir/place/full.db";
spew("$dir/place/full.db/letter", 'x');
refused('a folder that is used', "$dir/place/full.db");
mkdir "$dir/open";
chmod 0777, "$dir/open";
refused('a folder that everybody can write', "$dir/open/spool.db");
{
	my $oracle = Oracle->new(cluster => $cluster, prefix => 'p7', driver => start_driver(config("$dir/place/spool.db")));
	$oracle->flow(calls => 10);
	$oracle->settle;
	conclude($oracle, 'P7', 'no place for the spool, then one');
}
done_testing;
