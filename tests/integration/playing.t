# Recordings are played by those who may, in parts or whole, and every access is
# written down: over HTTP from the reference host, with the plugin and PostgreSQL.
use v5.32;
use warnings;
use lib 'tests/lib';
use Cluster;
use CrmHost;
use Digest::SHA qw(sha256_hex);
use File::Basename qw(dirname);
use File::Path qw(make_path);
use Http;
use Process qw(plugin root run scratch slurp spew wait_for);
use Test::More;

my $cluster = Cluster->new(settings => { fsync => 'off' });
$cluster->install_schema;
$cluster->psql('CREATE ROLE plugin LOGIN IN ROLE call_log_writer; UPDATE call_log.settings SET report_time_zone = $$Europe/Berlin$$');
my $dir = scratch();
my $folder = "$dir/recordings";
make_path("$folder/2026-11");
my $config = "$dir/host.conf";
spew($config, CrmHost::config_text({
	host => { listen => '127.0.0.1:0', plugin_dir => dirname(plugin('call_log.so')), trusted_proxies => ['127.0.0.1'] },
	# what was fetched once is played also when nothing is fetched any more
	call_log => { enabled => \1, conninfo => $cluster->conninfo(user => 'plugin'), spool => "$dir/spool.db", recordings => 'link',
		recordings_dir => $folder, supervisors => [ 'super', 'acme/chief' ] } }));
my $host = CrmHost->start(config => $config);

# ------------------------------------------------------------------ what there is
my $sound = 'ID3' . join '', map { chr(($_ * 7 + int($_ / 256)) % 256) } 4 .. 1000;
my $sha = sha256_hex($sound);
my $serial = 0;
# A call of an agent's with a recording in that state; the recording's id.
sub recorded {
	my (%option) = @_;
	my ($account, $agent) = ($option{account} // '', $option{agent} // 'ann');
	my $n = ++$serial;
	my $file = "2026-11/$n.mp3";
	my $path = $option{path} // $file;
	my $state = $option{state} // 'stored';
	my $bytes = length $sound;
	spew("$folder/$file", $sound) if $state eq 'stored';
	return $cluster->psql(<<~"SQL") + 0;
		INSERT INTO call_log.calls (account, agent, session_id, direction, started_at, state, logged_by, connected, last_event_at, rank, ranks, recording_id)
		VALUES ('$account', '$agent', 's$n', 'Inbound', '2026-11-21 23:30+00', 'final', 'auto', true, now(), '\\x00', jsonb_populate_record(NULL::call_log.fact_ranks, '{}'), 'r$n')
		\\g /dev/null
		INSERT INTO call_log.recordings (account, agent, session_id, recording_id, state, media_type, bytes, sha256, path, stored_at)
		VALUES ('$account', '$agent', 's$n', 'r$n', '$state', 'audio/mpeg', $bytes, '\\x$sha', '$path', now()) RETURNING id
		SQL
}
sub ask {
	my ($id, %option) = @_;
	my @who = ('X-Remote-User' => $option{agent} // 'ann', defined $option{account} ? ('X-Remote-Account' => $option{account}) : ());
	return Http::request($host->port, $option{method} // 'GET', $option{path} // "/recordings/$id", [ @who, @{ $option{headers} // [] } ]);
}
sub ranged { my ($id, $range, @more) = @_; return ask($id, headers => [ Range => $range, @more ]) }
# What was written down since it was asked last, oldest first.
my $seen = 0;
sub written {
	my @row = $cluster->rows("SELECT id, concat_ws(' ', nullif(reader_account, ''), reader, '>', nullif(account, ''), agent, session_id, recording_id, recording,
			CASE WHEN granted THEN coalesce(from_byte || '-' || to_byte, 'nothing') ELSE 'refused' END)
		FROM call_log.recording_accesses WHERE id > $seen ORDER BY id");
	$seen = $row[-1][0] if @row;
	return [ map { $_->[1] } @row ];
}
my $last = length($sound) - 1;
my $id = recorded();

# ---------------------------------------------------------------- the call's agent
my $answer = ask($id);
is $answer->{status}, 200, 'the agent has the recording of her call';
ok $answer->{body} eq $sound, 'as it is, byte for byte';
my %want = (
	'content-type' => 'audio/mpeg', 'content-length' => length $sound, 'accept-ranges' => 'bytes', etag => qq("$sha"),
	'content-disposition' => qq(inline; filename="call-2026-11-22-$id.mp3"), 'x-content-type-options' => 'nosniff',
	'cache-control' => 'no-store', 'cross-origin-resource-policy' => 'same-origin', 'referrer-policy' => 'no-referrer',
	'content-security-policy' => "default-src 'none'; frame-ancestors 'none'", 'content-range' => undef);
is_deeply { map { $_ => $answer->{header}{$_} } keys %want }, \%want, 'with headers that keep it what it is, and hers; its name has the day in the time zone of the reports';
is_deeply written(), ["ann > ann s1 r1 $id 0-$last"], 'and it is written down who had what';
$answer = ask($id, method => 'HEAD', headers => [ Range => 'bytes=0-1' ]);
is "$answer->{status} $answer->{body} $answer->{header}{'content-length'} $answer->{header}{etag}", '200  ' . length($sound) . qq( "$sha"), 'HEAD tells all of it, and no part';
is_deeply written(), ["ann > ann s1 r1 $id nothing"], 'and is written down as nothing';
is(ask($id, method => 'POST')->{header}{allow}, 'GET, HEAD', 'it is only read');

# -------------------------------------------------------------------- its parts
for my $case ([ 'bytes=0-0', 0, 0 ], [ 'bytes=0-', 0, $last ], [ 'bytes=10-19', 10, 19 ], [ "bytes=$last-", $last, $last ], [ "bytes=990-5000", 990, $last ],
	[ 'bytes=-10', $last - 9, $last ], [ 'bytes=-5000', 0, $last ], [ 'bytes=5-999999999999999999999999', 5, $last ], [ 'Bytes=, 7-8 ,', 7, 8 ]) {
	my ($range, $from, $to) = @$case;
	my $part = ranged($id, $range);
	is "$part->{status} $part->{header}{'content-range'} $part->{header}{'content-length'}", "206 bytes $from-$to/" . length($sound) . ' ' . ($to - $from + 1), "$range is a part";
	ok $part->{body} eq substr($sound, $from, $to - $from + 1), 'of these bytes';
	is_deeply written(), ["ann > ann s1 r1 $id $from-$to"], 'which are written down';
}
for my $range ('bytes=0-1,5-6', 'bytes=5-2', 'bytes=x', 'items=0-1', 'bytes=') {
	my $whole = ranged($id, $range);
	ok $whole->{status} == 200 && $whole->{body} eq $sound && !exists $whole->{header}{'content-range'}, "$range is ignored";
	is_deeply written(), ["ann > ann s1 r1 $id 0-$last"], 'and all of it written down';
}
is ranged($id, 'bytes=0-1', Range => 'bytes=4-5')->{status}, 200, 'two ranges in two headers are none';
for my $range ('bytes=' . length($sound) . '-', 'bytes=5000-6000', 'bytes=-0', 'bytes=99999999999999999999-') {
	my $none = ranged($id, $range);
	is "$none->{status} $none->{header}{'content-range'} $none->{header}{'content-type'}", '416 bytes */' . length($sound) . ' application/json', "there is nothing at $range";
	is Http::json($none)->{error}, 'no_such_part', 'which is said';
}
is_deeply written(), [ "ann > ann s1 r1 $id 0-$last", ("ann > ann s1 r1 $id nothing") x 4 ], 'and nothing was to be sent';
is ranged($id, 'bytes=0-1', 'If-Range' => qq("$sha"))->{status}, 206, 'a part is sent of what has not changed';
for my $tag ('"other"', qq(W/"$sha"), 'Sun, 22 Nov 2026 10:00:00 GMT', qq("$sha", "other"), '"$1"', q("'; DROP TABLE call_log.calls; --")) {
	my $whole = ranged($id, 'bytes=0-1', 'If-Range' => $tag);
	ok $whole->{status} == 200 && $whole->{body} eq $sound, "and else all of it: $tag";
}
is_deeply written(), [ "ann > ann s1 r1 $id 0-1", ("ann > ann s1 r1 $id 0-$last") x 6 ], 'as it is written down';

# ------------------------------------------------------------- who else, and who not
my $acme = recorded(account => 'acme', agent => 'ann');
is ask($id, agent => 'super')->{status}, 200, 'a supervisor has everybody\'s';
is ask($acme, agent => 'ann', account => 'acme')->{status}, 200, 'an agent of another account has her own';
is ask($acme, agent => 'chief', account => 'acme')->{status}, 200, 'as its supervisor has';
is_deeply written(), [ "super > ann s1 r1 $id 0-$last", "acme ann > acme ann s2 r2 $acme 0-$last", "acme chief > acme ann s2 r2 $acme 0-$last" ], 'all written down';

my $waiting = recorded(state => 'waiting');
my $expired = recorded(state => 'expired');
my $erased = recorded();
$cluster->psql("UPDATE call_log.recordings SET erase_at = now() WHERE id = $erased");
my %not = (
	'another agent' => [ $id, agent => 'bob' ],
	'one of the same name in another account' => [ $id, agent => 'ann', account => 'acme' ],
	"another account's supervisor" => [ $id, agent => 'chief', account => 'acme' ],
	'a supervisor in another account' => [ $acme, agent => 'super' ],
	'one who is a supervisor elsewhere' => [ $id, agent => 'super', account => 'acme' ],
	'her of one that is still to come' => [$waiting],
	'her of one that has expired' => [$expired],
	'her of one that is to be erased' => [$erased],
	'her of one that there is not' => [999_999],
);
my %form;
for my $who (sort keys %not) {
	my $none = ask(@{ $not{$who} });
	is $none->{status}, 404, "$who: there is none";
	delete $none->{header}{date};
	$form{ JSON::PP->new->canonical->encode($none) }++;
}
is scalar(keys %form), 1, 'and all of them look the same';
is_deeply [ sort @{ written() } ], [ sort "acme ann > ann s1 r1 $id refused", "acme chief > ann s1 r1 $id refused", "acme super > ann s1 r1 $id refused",
		"bob > ann s1 r1 $id refused", "super > acme ann s2 r2 $acme refused" ], 'who had no right is written down, and nothing of what is not there';
is(Http::request($host->port, 'GET', "/recordings/$id", [])->{status}, 401, 'who is not signed in is told so');
is ask($id, headers => [ Origin => 'http://evil.test' ])->{status}, 403, 'a foreign origin gets nothing';
is ask($id, headers => [ 'Sec-Fetch-Site' => $_, 'Sec-Fetch-Mode' => 'no-cors' ])->{status}, 403, "nor a page that is $_" for qw(cross-site same-site);
is_deeply written(), [], 'which does not make the agent one who listened';
is ask($id, headers => [ 'Sec-Fetch-Site' => 'cross-site', 'Sec-Fetch-Mode' => 'navigate' ])->{status}, 200, 'a person may follow a link from anywhere';
is ask($id, headers => [ 'Sec-Fetch-Site' => 'same-origin', 'Sec-Fetch-Mode' => 'no-cors' ])->{status}, 200, 'and the page itself may play it';
written();

# ----------------------------------------------------------------- what is tried
for my $path ('/recordings', '/recordings/', "/recordings/$id/", "/recordings/$id.mp3", "/recordings/0$id", "/recordings/+$id", "/recordings/-$id", '/recordings/0',
	"/recordings/%20$id", "/recordings/..%2f..%2fetc%2fpasswd", '/recordings/../status', "//recordings/$id", "/Recordings/$id", '/recordings/' . '9' x 19,
	'/recordings/' . '9' x 64, '/recordings/' . '9' x 65, '/recordings/1e0', '/recordings/2026-11/1.mp3', "/recordings/$id%3B", "/recordings/" . "x" x 300) {
	is ask(undef, path => $path)->{status}, 404, 'nothing is at ' . substr($path, 0, 40);
}
is ask(undef, path => "/recordings/$id?x=1&agent=bob")->{status}, 200, 'what follows a ? is ignored';
is scalar(@{ written() }), 1, 'and written down is what was asked';
spew("$dir/secret", 'x' x length $sound);
symlink "$dir/secret", "$folder/link" or die;
symlink $dir, "$folder/2026-12" or die;
for my $path ('../secret', "$dir/secret", 'link', '2026-12/secret', '2026-11/../../secret', '2026-11/none.mp3', '2026-11') {
	my $before = length $host->log_text;
	my $odd = ask(recorded(path => $path));
	is $odd->{status} . ' ' . Http::json($odd)->{error}, '404 file_missing', "a row that names $path leads nowhere";
	like substr($host->log_text, $before), qr/call_log.*cannot serve the file '\Q$path\E'/, 'and the log says so';
}

# ------------------------------------------------------------------ the file is gone
my $gone = recorded();
my $name = $cluster->psql("SELECT path FROM call_log.recordings WHERE id = $gone");
my $file = "$folder/$name";
is ask($gone)->{status}, 200, 'a file is there';
spew($file, "$sound+");
like Http::json(ask($gone))->{message}, qr/not where it should be/, 'one that is longer than its row says is not played';
unlink $file or die;
is ask($gone)->{status}, 404, 'nor one that is gone';
like $host->log_text, qr/cannot serve the file '\Q$name\E': No such file/, 'of which the log has a line';
$cluster->psql("DELETE FROM call_log.recordings WHERE path !~ '^2026-11/[0-9]+[.]mp3\$'");
my (undef, $orphans) = run([ root() . '/packaging/check-recordings', $folder, '-d', $cluster->conninfo ]);
like $orphans, qr{^row without a file: \Q$name\E$}m, 'and the check for orphans one, too';
written();

# ----------------------------------------------------------- long ones, and many
my $long = 16 * 1024 * 1024;
my $big = recorded();
my $big_file = "$folder/" . $cluster->psql("UPDATE call_log.recordings SET bytes = $long WHERE id = $big RETURNING path");
truncate $big_file, $long or die;
ask($big, headers => [ Range => 'bytes=0-9' ]);
sub memory { (slurp('/proc/' . $host->process->pid . '/status') =~ /VmHWM:\s+(\d+)/)[0] }
sub descriptors { $host->descriptors }
my ($memory, $descriptors) = (memory(), descriptors());
my @listener = map {
	my $listener = Http->new($host->port);
	$listener->write(Http::request_bytes('GET', "/recordings/$big", [ 'X-Remote-User' => 'ann', Range => 'bytes=' . 1024 * $_ . '-' ]));
	$listener
} 1 .. 30;
$_->fill for @listener;
cmp_ok memory() - $memory, '<', ($ENV{BUILD} // '') =~ /asan|tsan/ ? 1 << 20 : 4096, '30 who listen to 16 MB each take no memory';
is ask($id, headers => [ Range => 'bytes=0-0' ])->{status}, 206, 'and the host answers others, while they read nothing';
$_->close for @listener;
wait_for('their descriptors to be closed', sub { descriptors() <= $descriptors });
is scalar(@{ written() }), 32, 'each is written down';
my $whole = ask($big);
ok $whole->{body} eq $sound . "\0" x ($long - length $sound), 'all of 16 MB comes';

# ---------------------------------------------------------- the record of accesses
is +($cluster->try_psql("$_ call_log.recording_accesses" . (/UPDATE/ ? ' SET reader = $$x$$' : ''), user => 'plugin'))[0] != 0, 1, "the plugin may not: $_" for 'UPDATE', 'DELETE FROM', 'TABLE';
for my $change ('UPDATE call_log.recording_accesses SET reader = $$x$$', 'DELETE FROM call_log.recording_accesses', 'TRUNCATE call_log.recording_accesses') {
	like +($cluster->try_psql($change))[2], qr/who listened to a recording stays written down/, "nor its owner: $change";
}
$cluster->psql('DELETE FROM call_log.recordings');
cmp_ok $cluster->psql("SELECT count(*) FROM call_report.recording_accesses WHERE recording = $id AND granted"), '>', 20, 'it outlives the recording';
$cluster->psql(<<~'SQL');
	ALTER TABLE call_log.recording_accesses DISABLE TRIGGER kept;
	UPDATE call_log.recording_accesses SET at = at - interval '3 years' WHERE id <= 30;
	ALTER TABLE call_log.recording_accesses ENABLE TRIGGER kept;
	SQL
$id = recorded();
ask($id);
is $cluster->psql("SELECT count(*) FROM call_log.recording_accesses WHERE at < now() - interval '2 years'"), 10, 'what is older than two years goes, a few at a time';
ask($id);
is $cluster->psql('SELECT count(*), count(*) FILTER (WHERE id <= 30) FROM call_log.recording_accesses') =~ /\|0$/, 1, 'until none is left';

# --------------------------------------------------------- the database is away
written();
$cluster->stop('immediate');
$answer = ask($id);
is "$answer->{status} $answer->{header}{'retry-after'}", '503 1', 'what cannot be written down is not played';
$cluster->start;
wait_for('it to be played again', sub { ask($id)->{status} == 200 });
pass 'until it can';
is $host->stop, 0, 'stopped';
done_testing;
