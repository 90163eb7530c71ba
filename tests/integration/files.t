# Files of a plugin that says wrong things of them: the host sends nothing that it was
# not meant to, under no header that a plugin made up, and says what is wrong.
use v5.32;
use warnings;
use lib 'tests/lib';
use CrmHost;
use Http;
use JSON::PP ();
use Process qw(scratch spew);
use Test::More;

my $json = JSON::PP->new->canonical;
my $dir = scratch();
mkdir "$dir/files" or die;
spew("$dir/files/1.mp3", 'a sound of 21 bytes..');
my %good = (file => '1.mp3', type => 'audio/mpeg', bytes => 21, tag => 'abc1', name => 'one.mp3');
my %files = (path => '/sound/', ask => '/files', folder => "$dir/files");
sub service { return $json->encode({ paths => ['/files'], files => $_[0] }) }
my $host;
sub start {
	my ($files, @answers) = @_;
	$host->stop if $host;
	$host = CrmHost->start(plugins => { http_files => { service => service($files), answers => \@answers } });
}
sub get { my ($id, @headers) = @_; return Http::request($host->port, 'GET', "/sound/$id", [ 'X-Remote-User' => 'anna', @headers ]) }

# ------------------------------------------------------------------ what it answers
my @wrong = (
	{ type => 'text/html' }, { type => 'audio/mpeg; charset=x' }, { type => "audio/x\r\nX-Evil: 1" }, { type => '' }, { type => undef }, { type => 'x' x 200 },
	{ name => 'a"b.mp3' }, { name => "a\r\nX-Evil: 1" }, { name => '' }, { name => "\x{e9}.mp3" }, { name => '../x' }, { name => 'x' x 200 },
	{ tag => 'a"' }, { tag => '' }, { tag => 7 }, { bytes => 0 }, { bytes => -21 }, { bytes => '21' }, { bytes => 1.5 }, { file => '' }, { file => 7 }, { file => undef },
	{ first => 0 }, { last => 3 }, { first => 3, last => 2 }, { first => -1, last => 2 }, { first => 0, last => 21 }, { first => 'a', last => 2 }, { first => 0, last => undef });
my @gone = ({ file => '2.mp3' }, { file => '../files/1.mp3' }, { file => "$dir/files/1.mp3" }, { file => '' . '/1.mp3' }, { bytes => 20 }, { bytes => 9_007_199_254_740_991 });
start(\%files, $json->encode(\%good), $json->encode({ %good, first => 2, last => 6 }), $json->encode({ %good, first => undef, last => undef }), 'null', '[]', '{}', '"x"', 'nul',
	map { $json->ascii->encode({ %good, %$_ }) } @wrong, @gone);
my $answer = get(1);
is "$answer->{status} $answer->{body} $answer->{header}{etag} $answer->{header}{'content-disposition'}", '200 a sound of 21 bytes.. "abc1" inline; filename="one.mp3"', 'what is right is sent';
$answer = get(2);
is "$answer->{status} $answer->{body} $answer->{header}{'content-range'}", '206 sound bytes 2-6/21', 'and a part';
$answer = get(3);
is "$answer->{status} $answer->{header}{'content-range'}", '416 bytes */21', 'there is no such part';
is get(4)->{status}, 404, 'there is no such file';
is get(99)->{status}, 404, 'nor this one';
$answer = get('busy');
is "$answer->{status} $answer->{header}{'retry-after'}", '503 1', 'the plugin is busy';
my $n = 4;
for my $wrong ('[]', '{}', '"x"', 'nul', map { $json->ascii->encode($_) } @wrong) {
	$n++;
	$answer = get($n);
	is "$answer->{status} " . Http::json($answer)->{error}, '500 failed', 'no answer: ' . substr $wrong, 0, 50;
	is join(' ', grep { /evil|disposition|range|etag/ } keys %{ $answer->{header} }), '', 'none of it is told' if $wrong =~ /Evil/;
}
is scalar(() = $host->log_text =~ /error http_files: cannot serve a file of the plugin: its answer is none/g), @wrong + 4, 'each is told in the log';
for my $gone (@gone) {
	$n++;
	$answer = get($n);
	is "$answer->{status} " . Http::json($answer)->{error}, '404 file_missing', 'nothing is sent of ' . $json->encode($gone);
}
is scalar(() = $host->log_text =~ /error http_files: cannot serve the file '/g), @gone, 'which is told there, too';

# -------------------------------------------------------------------- what it offers
for my $case ([ 'is not an object', [] ], [ 'is not an object', 'x' ], map { [ $_->[0], { %files, %{ $_->[1] } } ] }
	[ q(has no 'path' such as "/recordings/"), { path => '/' } ], [ q(has no 'path'), { path => 'sound/' } ], [ q(has no 'path'), { path => '/sound' } ], [ q(has no 'path'), { path => undef } ],
	[ q(has no 'path'), { path => '/' . 'x' x 70 . '/' } ], [ q(has no 'ask', the path of a message), { ask => '' } ], [ q(has no 'folder', an absolute path), { folder => 'here' } ],
	[ q(has no 'folder'), { folder => undef } ]) {
	my ($why, $offered) = @$case;
	start($offered, $json->encode(\%good));
	like $host->log_text, qr/error http_files: cannot serve files of the plugin: 'files' of crm\.widget-service\/1 \Q$why\E/, $json->allow_nonref->encode($offered) =~ s/\Q$dir\E//r;
	is get(1)->{status}, 404, 'and nothing is served';
}
start({ %files, ask => '/nobody' }, $json->encode(\%good));
is Http::json(get(1))->{error}, 'no_plugin', 'a question that nobody takes is told';
is $host->stop, 0, 'stopped';
done_testing;
