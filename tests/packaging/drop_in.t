# Into a host that runs: call_log.so copied into its plugin folder, enabled in its
# file, the host restarted. That is the whole install.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use CrmHost;
use File::Basename qw(dirname);
use Process qw(built run_ok slurp spew);
use Test::More;

my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
$cluster->create_role('crm_host', 'IN ROLE call_log_writer');

my $call = { type => 'rc-post-message-request', requestId => 'r1', path => '/callLogger',
	body => { triggerType => 'callLogSync', call => { sessionId => '4200001',
			direction => 'Inbound', startTime => 1767225600000, duration => 95,
			from => { phoneNumber => '+12025550143' }, to => { phoneNumber => '+14155550101' },
			action => 'Phone Call', result => 'Accepted' } } };
my $host = CrmHost->start(plugins => { http_echo => {} });

sub post {
	my ($message) = @_;
	my $http = Http->new($host->port);
	$http->write(CrmHost::post_bytes(CrmHost::envelope($message)));
	return $http->read_answer('POST');
}

is post($call)->{status}, 404, 'a host without the plugin takes no calls';
my $config = $host->{config};
run_ok([ 'install', '-m', '644', built('call_log.so'), dirname($config) ]);
is $host->post('/echo')->{status}, 200, 'the file in its folder does not disturb it';
is post($call)->{status}, 404, 'nor does it do anything yet';
spew($config, slurp($config) . "call_log: { conninfo = \"@{[ $cluster->conninfo(user => 'crm_host') ]}\"; };\n");
is $host->stop, 0, 'the host is stopped';

$host = CrmHost->start(config => $config);
my $answer = post($call);
is $answer->{status}, 200, 'started again, it takes the call' or diag $answer->{body}, $host->log_text;
like $answer->{body}, qr/"data":"ok"/, 'and says so';
is $cluster->psql('SELECT agent, direction, outcome, talk_s FROM call_report.calls'),
  'anna|Inbound|answered|95', 'the call is in the database';
is $host->post('/echo')->{status}, 200, 'the other plugin is there as before';
is $host->stop, 0, 'and it stops in order';
done_testing;
