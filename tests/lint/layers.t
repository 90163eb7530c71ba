# Includes point down only, and each foreign library is known to one file.
use v5.32;
use warnings;
use Test::More;

# From top to bottom. A file may include headers of lower lines, those on its own
# line (they are one part in several files), and its public headers.
my %layers = (
	plugin => [
		'entry',
		'plugin',
		'logger backfill',
		'service',
		'desk',
		'listener',
		'fetcher',
		'chores',
		'handed fetches',
		'fetch',
		'matcher round writer live spooler replay batch ending ranges',
		'recall',
		'trigger',
		'recorder question recordings changes rollup retention',
		'columns',
		'store',
		'bounds',
		'spool known known_entry known_file',
		'spool_find',
		'spool_file',
		'spool_copy',
		'spool_row spool_lock spool_place',
		'sqlite',
		'array',
		'db',
		'sqlstate backoff servers prepared',
		'download',
		'download_guard',
		'transfers download_address',
		'vault_heap',
		'resolver',
		'recording_parts',
		'recording_file room',
		'recording_folder',
		'http_part sound',
		'media_type public_address http_reply',
		'message message_match message_change message_ask message_backfill message_recordings draft draft_save envelope',
		'json',
		'json_check token iso_time',
		'config config_check',
		'threads',
		'health',
		'log',
		'queue',
		'supervisors process',
		'call',
		'buf clock hosts vault unmarked',
		'err',
		'utf8 hex',
	],
	'host-api' => [
		'http_wait',
		'http http_file http_page',
		'host check report',
		'runtime instance files',
		'manual',
		'config',
		'notation secret',
		'settings option',
		'loader',
		'image',
		'gate request route post',
		'envelope range folder',
		'json',
		'text clock',
		'utf8',
	],
);
my %foreign = (
	plugin => {
		'libpq-fe.h' => [ 'db.c' ],
		'cjson/cJSON.h' => [ 'json.c' ],
		'sqlite3.h' => [ 'sqlite.c' ],
		'curl/curl.h' => [ qw(download.c download_address.c download_guard.c download_guard.h transfers.c transfers.h) ],
		'openssl/evp.h' => [ 'recording_file.c' ],
		'openssl/ssl.h' => [ 'transfers.c' ],
	},
	'host-api' => {
		'dlfcn.h' => [ 'loader.c' ],
		'libconfig.h' => [ 'config.c' ],
	},
);

sub includes {
	my ($path) = @_;
	open my $file, '<', $path or die "$path: $!";
	return map { /^\s*#\s*include\s*[<"]([^>"]+)[>"]/ ? $1 : () } <$file>;
}

my %own = map { s{.*/}{}r => 1 } glob 'plugin/*.h host-api/*.h host-api/crm-host/*.h';
for my $folder (sort keys %layers) {
	my (%rank, $line);
	for my $names (@{ $layers{$folder} }) {
		$line++;
		$rank{$_} = $line for split ' ', $names;
	}
	for my $path (sort glob "$folder/*.[ch]") {
		my $name = $path =~ s{.*/}{}r;
		next if $name =~ /^crm_/;
		my $rank = $rank{$name} // $rank{ $name =~ s/\.[ch]$//r };
		ok defined $rank, "$path has a place in the layers" or next;
		my @wrong;
		for my $include (includes($path)) {
			my $only = $foreign{$folder}{$include};
			push @wrong, "$include is for @$only alone"
			  if $only && !grep { $_ eq $name } @$only;
			next if !$own{$include};
			next if $include eq 'crm_plugin.h' || $folder eq 'host-api' && $include eq 'crm_host.h';
			my $to = $rank{$include} // $rank{ $include =~ s/\.h$//r };
			push @wrong, "$include is not of $folder" if !defined $to;
			push @wrong, "$include is above" if defined $to && $to < $rank;
		}
		is "@wrong", '', "$path includes only what lies below it";
	}
}

# The reference host is a host like any other: it knows the public header, and
# borrows what the library knows of characters.
for my $path (sort glob 'host-api/crm-host/*.[ch] host-api/examples/*.c') {
	my @wrong = grep {
		$own{$_} && !/^crm_(host|plugin)\.h$/ && !-e "host-api/crm-host/$_"
		  && $_ ne 'utf8.h'
	} includes($path);
	is "@wrong", '', "$path includes only public headers";
}
done_testing;
