# A call of an agent of Request Tracker becomes a row.
use v5.32;
use warnings;
use lib 'tests/lib';
use CrmHost;
use RequestTracker;
use Test::More;

my $rt = RequestTracker->new;
$rt->serve;
my $anna = $rt->login('anna');
my $answer = $anna->post_json('/CallLog/widget/messages', CrmHost::envelope({ type => 'rc-post-message-request', requestId => 'r1',
	path => '/callLogger', body => { triggerType => 'presenceUpdate', call => { sessionId => '42', direction => 'Inbound',
		from => { phoneNumber => '+12025550143' }, to => { phoneNumber => '+14155550101' }, telephonyStatus => 'Ringing',
		startTime => time * 1000 } } }));
is $answer->{status}, 200, 'a message is taken' or diag $answer->{content}, $rt->log_text;
is $rt->calls->psql('SELECT agent, session_id, from_number FROM call_log.calls'), 'anna|42|+12025550143', 'and is a row';
done_testing;
