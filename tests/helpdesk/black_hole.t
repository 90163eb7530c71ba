# The calls' database answers nothing any more: Request Tracker's own pages must not
# be slower for it, and calls must go on being logged.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use HTTP::Tiny;
use JSON::PP qw(decode_json);
use Process qw(wait_for);
use Proxy;
use Recycling;
use RequestTracker;
use Test::More;
use Time::HiRes qw(time);
use Widget;

my $pages = 30;
my $cluster = Cluster->new(settings => { fsync => 'off' });
my $proxy = Proxy->new($cluster);
my $rt = RequestTracker->new(cluster => $cluster, conninfo => $proxy->conninfo(user => 'crm_host', dbname => 'calls'));
# A worker that is replaced forgets whom it owes a word; here none is.
$rt->serve(by => 'starlet', workers => 3, requests => 100_000);
my ($anna, $ben) = map { $rt->login($_) } qw(anna ben);
my $carl = $rt->login('carl');

sub median { my @sorted = sort { $a <=> $b } @_; return $sorted[ @sorted / 2 ] }

# How long carl waits for a page, while the phones of two agents log calls and ask for
# their marks; in milliseconds.
sub measure {
	my ($name) = @_;
	pipe my $reader, my $writer or die "pipe: $!";
	my @ms;
	my @got = Recycling::parallel(2, sub {
		my ($number) = @_;
		close $writer;
		my $session = $number == 1 ? $anna : $ben;
		my (@logged, @other);
		my $bits = '';
		vec($bits, fileno $reader, 1) = 1;
		for (my $i = 1; !select my $ended = $bits, undef, undef, 0; $i++) {
			my $id = "$name$number-$i";
			my $answer = $session->post_json('/CallLog/widget/messages', Recycling::noted($id));
			push @{ $answer->{status} == 200 ? \@logged : \@other }, $answer->{status} == 200 ? $id : "bad $answer->{status}";
			$session->post_json('/CallLog/widget/messages', Widget::match([$id]));
		}
		return @logged, @other;
	}, sub {
		$carl->get('/Search/Simple.html');
		for (1 .. $pages) {
			my $from = time;
			my $answer = $carl->get('/Search/Simple.html');
			die "$answer->{status}\n" if $answer->{status} != 200;
			push @ms, (time - $from) * 1000;
		}
		close $writer;
	});
	note sprintf '%s: page p50 %.0f ms, slowest %.0f ms; %d calls logged', $name, median(@ms), (sort { $b <=> $a } @ms)[0], scalar @got;
	return (median(@ms), @got);
}

sub events {
	my $after = @_ ? '?after=' . HTTP::Tiny->new->_uri_escape($_[0]) : '';
	return decode_json($anna->get("/CallLog/widget/events$after")->{content});
}
my $cursor = events()->{cursor};
my ($healthy, @logged) = measure('healthy');
$proxy->hole(1);
my ($holed, @spooled) = measure('holed');
my $again;
($again, my @more) = measure('still');
for my $id (map { "on-$_" } 1 .. 3) {
	my $status = $anna->post_json('/CallLog/widget/messages', Recycling::noted($id))->{status};
	push @more, $status == 200 ? $id : "bad $status";
}
is join(' ', grep { /^bad/ } @logged, @spooled, @more), '', 'every call is logged, also while the database answers nothing';
cmp_ok median($holed, $again), '<', 2 * $healthy + 20, 'the pages of Request Tracker are not slower for it';
wait_for('a match to be answered without knowing', sub {
	$anna->post_json('/CallLog/widget/messages', Widget::match(['never seen']))->{status} == 200 });
$proxy->hole(0);
$proxy->close_all;
wait_for('the agent to be told to ask again', sub {
	grep { $_ eq 'never seen' } map { @{ $_->{sessionIds} } } @{ events($cursor)->{messages} // [] } });
pass 'what was answered without knowing is to be asked again when the database is back';
my @all = (@logged, @spooled, @more);
wait_for('all calls to come out of the spool', sub {
	$anna->get('/CallLog/widget/events');
	$cluster->database('calls')->psql("SELECT count(*) FROM call_log.notes WHERE note LIKE 'note %'") >= @all;
}, 90);
is $cluster->database('calls')->psql('SELECT count(*) FROM call_log.calls'), scalar @all, 'each call is there once, when it is back';
is $cluster->database('calls')->psql('SELECT count(*) FROM call_log.notes'), scalar @all, 'and each note';
is $rt->stop, 0, 'the server ends';
done_testing;
