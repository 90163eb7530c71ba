# Every message of the real widget (tests/messages), replayed through the ABI in
# the order it was posted: what is answered and which rows it leaves is written
# beside it, in tests/messages/expected-calls.txt.
#
# The table was checked by eye once; after a wanted change run this with WRITE=1
# and look at the difference.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use Driver;
use JSON::PP ();
use Process qw(slurp spew);
use Test::More;

my $table = 'tests/messages/expected-calls.txt';
my $json = JSON::PP->new->canonical->utf8;
my $plain = JSON::PP->new->allow_nonref; # for text that is UTF-8 already
my $sent_at = 1_768_000_000_000; # of each file's first message

my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
my $driver = Driver->new;
$driver->create(conninfo => $cluster->conninfo);
$driver->start;

# A file's messages as [ms after the first, message].
sub messages {
	my ($path) = @_;
	my $content = $json->decode(slurp($path));
	return map { [ $_->{at_ms}, $_->{message} ] } @{ $content->{messages} } if ref $content eq 'HASH' && $content->{messages};
	my $ms = 0;
	return map { [ ($ms += 1000) - 1000, $_ ] } ref $content eq 'ARRAY' ? @$content : $content;
}

# An answer in short: what a match found by session id, or what was said.
sub short {
	my ($message, $status, $answer) = @_;
	return "$status" . (ref $answer || $answer eq '' ? '' : ": $answer") if $status ne 'OK';
	return 'OK' if !ref $answer; # a notification
	return "answers another request: $answer->{responseId}" if $answer->{responseId} ne $message->{requestId};
	my $data = $answer->{response}{data};
	return $data if !ref $data;
	my %asked = map { $_ => 1 } @{ $message->{body}{sessionIds} };
	my @odd = grep { !$asked{$_} } keys %$data;
	my @missing = grep { !$data->{$_} } keys %asked;
	return join ' ', scalar(keys %$data), 'asked,', 'logged:',
	  (map { my $entry = $data->{$_}[0]; my $id = delete $entry->{id};
		"$_=" . ($id =~ /^[1-9][0-9]*$/ ? '' : 'no id') . $json->encode($entry) } grep { @{ $data->{$_} } } sort keys %$data),
	  (map { "not asked: $_" } sort @odd), (map { "unanswered: $_" } sort @missing);
}

my @column = qw(telephony_session_id party_id direction from_number from_name to_number to_name queue_call duration_s
	state result outcome contact_id contact_name contact_type note form ai_note transcript recording_id recording_type
	recording_link recording_uri logged_by merged_into other_leg);

sub rows_of {
	my ($agent) = @_;
	my @row = $cluster->rows('SELECT session_id, ' . join(', ', @column) . ", (extract(epoch FROM started_at) * 1000)::bigint,"
		. " body ->> 'requestId' FROM call_log.calls WHERE agent = '$agent' ORDER BY session_id COLLATE \"C\"");
	return map {
		my ($session, @value) = @$_;
		"  call $session: " . join ' ', map { defined $value[$_] ? ([ @column, 'started_ms', 'body_of' ]->[$_] . '=' . $plain->encode($value[$_])) : () } 0 .. $#value;
	} @row;
}

my (@written, $replayed);
for my $path (sort glob 'tests/messages/*/*.json') {
	my ($agent) = $path =~ m{messages/(.*)\.json$};
	push @written, $agent;
	my $place = 0;
	for my $item (messages($path)) {
		my ($ms, $message) = @$item;
		$place++;
		next if ref $message ne 'HASH' || !$message->{type};
		my $route = $message->{path} // $message->{type};
		my ($status, $answer) = $driver->call($message, agent => $agent, path => $route, sent_at => $sent_at + $ms);
		$replayed++;
		# what is not ours is refused by the host's routing before it gets here
		push @written, "  $place $route: " . short($message, $status, $answer)
		  if $status ne 'UNSUPPORTED' || $route =~ m{^/callLogger(/match)?$};
	}
	push @written, rows_of($agent);
}
my $text = join '', map { "$_\n" } @written;

if ($ENV{WRITE}) {
	spew($table, $text);
	diag "$table is written anew";
}
cmp_ok $replayed, '>', 300, "$replayed messages are replayed";
my @want = split /\n/, slurp($table);
my $file = '';
my ($differ, $line) = (0, 0);
for my $i (0 .. ($#written > $#want ? $#written : $#want)) {
	my ($got, $expected) = ($written[$i] // '(nothing)', $want[$i] // '(nothing)');
	$file = $expected if $expected !~ /^ /;
	next if $got eq $expected;
	last if ++$differ > 5;
	is $got, $expected, "line " . ($i + 1) . " of the table, $file";
}
is $differ, 0, 'answers and rows are those written beside the messages';

is $cluster->psql(q(SELECT count(*) FROM call_log.calls c WHERE c::text ~* 'access.?token')), 0, 'no token reaches the table';
is scalar(grep { /access.?token/i } $driver->log_lines), 0, 'nor the log';
done_testing;
