# stand - a private PostgreSQL and the reference host, for tests that are not in
# Perl: takes one command a line on standard input, ["name", ...] in JSON, and
# answers each with one line, {"result":...} or {"error":"..."}. Ends, with all that
# it started, at the end of its input. See stand.mjs for the commands.
use v5.32;
use warnings;
use FindBin;
use lib "$FindBin::Bin/../../lib";
use Cluster;
use CrmHost;
use Encode qw(decode_utf8 encode_utf8);
use File::Basename qw(dirname);
use JSON::PP;
use Process qw(free_port plugin scratch spew);

my $json = JSON::PP->new->utf8->canonical->allow_nonref;
my ($cluster, $host, $config, $log) = (undef, undef, undef, '');
$| = 1;

# Values of a configuration as CrmHost::config_text takes them.
sub values_of {
	my ($group) = @_;
	return map {
		my $value = $group->{$_};
		$_ => JSON::PP::is_bool($value) ? \($value ? 1 : 0) : $value;
	} keys %{ $group // {} };
}

my %command = (
	start => sub {
		my ($given) = @_;
		$cluster = Cluster->new;
		$cluster->install_schema;
		$cluster->psql('CREATE ROLE crm_host LOGIN IN ROLE call_log_writer');
		my ($port, $phone) = (free_port(), free_port());
		my $dir = scratch();
		$config = "$dir/host.conf";
		spew($config, CrmHost::config_text({
			host => {
				listen => "127.0.0.1:$port", phone_listen => "127.0.0.1:$phone",
				plugin_dir => dirname(plugin('call_log.so')),
				trusted_proxies => ['127.0.0.1'],
				demo_agents => [qw(dana sam lee)],
				values_of($given->{host}),
			},
			call_log => {
				enabled => \1,
				conninfo => $cluster->conninfo(user => 'crm_host'),
				spool => "$dir/spool/spool.db",
				values_of($given->{plugin}),
			},
		}));
		$host = CrmHost->start(config => $config);
		return "http://127.0.0.1:$port";
	},
	start_host => sub {
		$log .= $host->log_text;
		$host = CrmHost->start(config => $config);
	},
	stop_host => sub { $host->stop },
	kill_host => sub { $host->process->stop('KILL') },
	pause_host => sub { $host->process->signal('STOP') },
	resume_host => sub { $host->process->signal('CONT') },
	start_db => sub { $cluster->start },
	stop_db => sub { $cluster->stop('immediate') },
	sql => sub { decode_utf8($cluster->psql(encode_utf8($_[0]))) },
	log => sub { $log . $host->log_text },
);

# A paused host could not be stopped.
END { $host->process->signal('CONT') if $host }

while (my $line = <STDIN>) {
	my ($name, @given) = @{ $json->decode($line) };
	my $result;
	my $reply = eval { $result = $command{$name}->(@given); 1 }
	  ? { result => ref $result ? undef : $result } : { error => "$@" };
	print $json->encode($reply), "\n";
}
