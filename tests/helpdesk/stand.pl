# stand - a private Request Tracker with the call log, for tests in a browser: takes
# commands as tests/browser/lib/stand.pl does. See ticket_page.mjs.
use v5.32;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../lib";
use Encode qw(decode_utf8 encode_utf8);
use JSON::PP;
use RequestTracker;

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my $rt;
$| = 1;

my %command = (
	# settings: lines of RT's configuration; call_log: keys of the plugin's
	start => sub {
		my ($given) = @_;
		$rt = RequestTracker->new(%$given);
		return $rt->serve(by => 'starlet')->url;
	},
	restart_with => sub { $rt->stop; $rt->set($_[0]); $rt->serve(by => 'starlet')->url },
	sql => sub { decode_utf8($rt->calls->psql(encode_utf8($_[0]))) },
	perl => sub { $rt->perl($_[0]) },
	log => sub { $rt->log_text },
);

while (my $line = <STDIN>) {
	my ($name, @given) = @{ $json->decode($line) };
	my $result;
	my $reply = eval { $result = $command{$name}->(@given); 1 }
	  ? { result => ref $result ? undef : $result } : { error => "$@" };
	print $json->encode($reply), "\n";
}
