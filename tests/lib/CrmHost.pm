# CrmHost - the reference host under test: writes its configuration, starts it on
# a port of its own choice, and gives its log. Core Perl only.
package CrmHost;
use v5.32;
use warnings;
use Carp qw(croak);
use File::Copy qw(copy);
use Http;
use JSON::PP ();
use Process qw(built scratch slurp spew wait_for);

# The configuration as libconfig text, from { group => { key => value } }, where a
# value is a number, a text, \1 or \0 (booleans), or a list of texts.
sub config_text {
	my ($groups) = @_;
	my $text = '';
	for my $group (sort keys %$groups) {
		$text .= "$group: {\n";
		for my $key (sort keys %{ $groups->{$group} }) {
			my $value = _value($groups->{$group}{$key});
			$text .= "\t$key = $value;\n";
		}
		$text .= "};\n";
	}
	return $text;
}

sub _value {
	my ($value) = @_;
	return ${$value} ? 'true' : 'false' if ref $value eq 'SCALAR';
	return '[' . join(', ', map { _value($_) } @$value) . ']' if ref $value eq 'ARRAY';
	return $value if $value =~ /\A-?\d+\z/;
	return '"' . ($value =~ s/(["\\])/\\$1/gr) . '"';
}

# A plugin directory as the loader wants it, with some of the test plugins.
sub plugin_dir {
	my (@names) = @_;
	my $dir = scratch();
	for my $name (@names) {
		copy(built("tests/plugins/$name.so"), "$dir/$name.so")
		  or croak "cannot copy the plugin $name: $!";
		chmod 0755, "$dir/$name.so";
	}
	return $dir;
}

# Writes a configuration and returns its path: write_config(host => {...},
# plugins => { http_echo => {...}, ... }). The host listens on any free port.
sub write_config {
	my (%option) = @_;
	my %plugins = %{ $option{plugins} // { http_echo => {}, http_slow => {} } };
	my $dir = plugin_dir(sort keys %plugins);
	my %groups = map { $_ => { enabled => \1, %{ $plugins{$_} } } } keys %plugins;
	$groups{host} = {
		listen => '127.0.0.1:0', plugin_dir => $dir,
		trusted_proxies => ['127.0.0.1'], %{ $option{host} // {} },
	};
	spew("$dir/host.conf", config_text(\%groups));
	return "$dir/host.conf";
}

# CrmHost->start(host => {...}, plugins => {...}, config => FILE, prefix => [...]):
# starts it and waits until it listens.
sub start {
	my ($class, %option) = @_;
	my $config = $option{config} // write_config(%option);
	my $log = scratch() . '/log';
	spew($log, '');
	my $process = Process->spawn(
		[ @{ $option{prefix} // [] }, built('crm-host'), '--config', $config ],
		log => $log);
	my $self = bless { process => $process, config => $config }, $class;
	wait_for('crm-host to listen',
		sub { $self->log_text =~ m{listening on http://\S+:(\d+)/} || !$process->running });
	$self->log_text =~ m{listening on http://\S+:(\d+)/}
	  or croak 'crm-host did not start: ' . $self->log_text;
	$self->{port} = $1;
	return $self;
}

sub port { $_[0]{port} }
sub process { $_[0]{process} }
sub log_text { $_[0]{process}->log_text }

# Stops it and returns the exit status.
sub stop { $_[0]{process}->stop('TERM', 30) }

my @json = ('Content-Type' => 'application/json');

# The envelope around a message given as text or as data.
sub envelope {
	my ($message, $sent_at) = @_;
	$message = JSON::PP->new->canonical->encode($message) if ref $message;
	return defined $sent_at ? qq({"sent_at":$sent_at,"message":$message})
	  : qq({"message":$message});
}

# The bytes of a POST of that body by an agent; more headers may follow.
sub post_bytes {
	my ($body, %option) = @_;
	return Http::request_bytes('POST', '/widget/messages',
		[ @json, 'X-Remote-User' => $option{agent} // 'anna', @{ $option{headers} // [] } ],
		$body);
}

# Posts a message to that path and returns the answer.
sub post {
	my ($self, $path, %option) = @_;
	my $http = Http->new($self->port);
	$http->write(post_bytes(envelope({ path => $path, requestId => '1' },
			$option{sent_at}), %option));
	return $http->read_answer('POST');
}

sub get {
	my ($self, $path, @headers) = @_;
	return Http::request($self->port, 'GET', $path, \@headers);
}

# How many messages http_slow holds.
sub held {
	my ($self) = @_;
	my $status = Http::json($self->get('/status'));
	my ($plugin) = grep { $_->{name} eq 'http_slow' } @{ $status->{plugins} };
	return $plugin->{health}{held};
}

# Open descriptors and threads of the process.
sub descriptors { scalar(() = glob "/proc/$_[0]{process}{pid}/fd/*") }
sub threads { scalar(() = glob "/proc/$_[0]{process}{pid}/task/*") }

1;
