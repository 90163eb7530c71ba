# Recordings are played in Request Tracker as by the reference host: whole or in parts,
# to the call's agent and supervisors by RT's own sessions, and written down.
use v5.32;
use warnings;
use lib 'tests/lib';
use Digest::SHA qw(sha256_hex);
use File::Path qw(make_path);
use Http::Session;
use JSON::PP;
use Process qw(root scratch spew unprivileged);
use RequestTracker;
use Test::More;

my $folder = scratch() . '/recordings';
make_path("$folder/2026-11");
my $sound = 'ID3' . join '', map { chr($_ % 251) } 4 .. 300_000;
spew("$folder/2026-11/1.mp3", $sound);
if (my $user = unprivileged()) {
	chown((getpwnam $user)[2, 3], $folder, glob "$folder/* $folder/*/*") or die;
}
my $rt = RequestTracker->new(call_log => { recordings => 'link', recordings_dir => $folder, supervisors => ['ben'] });
$rt->calls->psql(<<~"SQL");
	INSERT INTO call_log.recordings (account, agent, session_id, recording_id, state, media_type, bytes, sha256, path, stored_at, created_at)
	VALUES ('', 'anna', 's1', 'r1', 'stored', 'audio/mpeg', 300000, sha256('x'), '2026-11/1.mp3', now(), '2026-11-22 12:00+00'),
	       ('', 'ben', 's2', 'r2', 'stored', 'audio/mpeg', 300000, sha256('x'), '2026-11/2.mp3', now(), now())
	SQL
is length $sound, 300_000, 'there is some sound';
require(root() . '/host-api/request-tracker/lib/RT/Extension/CallLog/Part.pm');
for my $case ([ 5, 3 ], [ 0, 300_000 ], [ 100_000, 131_072 ], [ 299_999, 1 ]) {
	my ($first, $len) = @$case;
	open my $file, '<', "$folder/2026-11/1.mp3" or die;
	my $part = RT::Extension::CallLog::Part->new($file, $first, $len);
	my ($got, $piece) = ('');
	$got .= $piece while defined($piece = $part->getline);
	ok $got eq substr($sound, $first, $len), "a part of $len bytes from $first is these and no more";
}
$rt->serve(by => 'starlet');
my ($anna, $ben, $carl) = map { $rt->login($_) } qw(anna ben carl);
my $at = '/CallLog/recordings/1';
sub ranged { my ($session, $range, %more) = @_; return $session->get($at, headers => { Range => $range, %more }) }

my $answer = $anna->get($at);
is $answer->{status}, 200, 'the agent has her recording';
ok $answer->{content} eq $sound, 'byte for byte';
my $tag = '"' . sha256_hex('x') . '"';
my %want = ('content-type' => 'audio/mpeg', 'content-length' => 300_000, 'accept-ranges' => 'bytes', etag => $tag,
	'content-disposition' => 'inline; filename="call-2026-11-22-1.mp3"', 'x-content-type-options' => 'nosniff', 'cache-control' => 'no-store');
is_deeply { map { $_ => $answer->{headers}{$_} } keys %want }, \%want, 'with the same headers';
for my $case ([ 'bytes=100000-', 100_000, 299_999 ], [ 'bytes=5-9', 5, 9 ], [ 'bytes=-7', 299_993, 299_999 ]) {
	my ($range, $from, $to) = @$case;
	my $part = ranged($anna, $range);
	is "$part->{status} $part->{headers}{'content-range'}", "206 bytes $from-$to/300000", "$range is a part";
	ok $part->{content} eq substr($sound, $from, $to - $from + 1), 'of these bytes';
}
my $none = ranged($anna, 'bytes=300000-');
is "$none->{status} $none->{headers}{'content-range'}", '416 bytes */300000', 'beyond its end there is nothing';
is ranged($anna, 'bytes=0-1', 'If-Range' => $tag)->{status} . ranged($anna, 'bytes=0-1', 'If-Range' => '"other"')->{status}, '206200', 'a part of what has not changed, else all';
my $head = $anna->request('HEAD', $at);
is "$head->{status} $head->{headers}{'content-length'}", '200 300000', 'HEAD tells how long it is';
is ranged($ben, 'bytes=0-1')->{status}, 206, 'a supervisor may hear it';
is $anna->get('/CallLog/recordings/2')->{status}, 404, 'and who is none not hers';
is $anna->get("/CallLog/recordings/$_")->{status}, 404, "nothing is at $_" for 3, '1/', '..%2f1', '';
is decode_json($ben->get('/CallLog/recordings/2')->{content})->{error}, 'file_missing', 'a file that is gone is told';
is $carl->get($at)->{status}, 403, 'who may not log calls has none';
is(Http::Session->new($rt->url)->get($at)->{status}, 401, 'nor who is not signed in');
is $anna->get($at, headers => { 'Sec-Fetch-Site' => 'cross-site', 'Sec-Fetch-Mode' => 'no-cors' })->{status}, 403, 'nor another page';
like $anna->get('/CallLog/')->{headers}{'content-security-policy'}, qr/media-src 'self'/, 'RT\'s desk may play it';
is $rt->calls->psql(q{SELECT string_agg(concat_ws(' ', reader, granted, from_byte, to_byte), ',' ORDER BY id) FROM call_log.recording_accesses}),
	'anna t 0 299999,anna t 100000 299999,anna t 5 9,anna t 299993 299999,anna t,anna t 0 1,anna t 0 299999,anna t,ben t 0 1,anna f,ben t 0 299999', 'and all of it is written down';
my @open = map { scalar(grep { readlink =~ m{/recordings/} } map { glob "/proc/$_/fd/*" } $_) } $rt->workers;
is_deeply \@open, [ map { 0 } @open ], 'no file stays open';
is $rt->stop, 0, 'the server ends';
like $rt->log_text, qr/cannot serve the file '2026-11\/2\.mp3'/, 'its log says what is gone';
done_testing;
