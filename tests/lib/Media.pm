# Media - a server of recordings on loopback (media.mjs), by TLS with an authority of
# its own, that behaves as the path of an address says.
#
#   my $media = Media->new(bytes => 300_000);
#   $media->address('whole', 'r1');    # with a live token
#   $media->requests('whole/r1');      # what was asked for: 'live -', 'live bytes=5-'
package Media;
use v5.32;
use warnings;
use Carp qw(croak);
use Digest::SHA qw(sha256_hex);
use Process qw(root run_ok scratch spew wait_for);
use IPC::Open2 qw(open2);

my %alive;
END {
	my $status = $?;
	for my $self (grep { $_->{owner} == $$ } values %alive) {
		kill KILL => $self->{pid};
		waitpid $self->{pid}, 0;
	}
	$? = $status;
}

# bytes: of the sound; name: of the server in its certificate; token: a live one.
sub new {
	my ($class, %option) = @_;
	my $dir = scratch();
	my $self = bless { dir => $dir, owner => $$, lines => [], buffer => '',
		token => $option{token} // 'live-' . join('', map { ('a' .. 'z')[ rand 26 ] } 1 .. 40) }, $class;
	$self->{sound} = sound($option{bytes} // 300_000);
	spew("$dir/sound", $self->{sound});
	$self->_certificate(authority => 'our authority');
	$self->_certificate(server => $option{name} // 'localhost', 'authority');
	$self->_start;
	return $self;
}

# MP3 as far as its frames' headers go: of 128 kbit/s at 44.1 kHz, of noise.
sub sound {
	my ($bytes) = @_;
	my $sound = "ID3\x04\0\0\0\0\0\0";
	$sound .= "\xff\xfb\x90\x64" . join '', map { chr(rand 256) } 5 .. 417 while length $sound < $bytes;
	return substr $sound, 0, $bytes;
}

# What it serves when it is encoded anew, see media.mjs.
sub another { my $sound = $_[0]{sound}; substr($sound, 2000, 0) = 'x' x 1000; return $sound }

sub _start {
	my ($self) = @_;
	my $dir = $self->{dir};
	$self->{pid} = open2($self->{out}, $self->{in}, 'node', root() . '/tests/lib/media.mjs',
		"$dir/server.key", "$dir/server.crt", "$dir/sound");
	$alive{ $self->{pid} } = $self;
	$self->{port} = wait_for('the media server', sub { $self->_read; ($self->_found(qr/^port (\d+)/))[0] });
}

sub _certificate {
	my ($self, $name, $subject, $by) = @_;
	my $path = "$self->{dir}/$name";
	run_ok([ qw(openssl req -newkey rsa:2048 -nodes -subj), "/CN=$subject", '-keyout', "$path.key", '-out', "$path.csr" ]);
	spew("$path.extensions", $by ? "subjectAltName=DNS:$subject\n" : "basicConstraints=critical,CA:true\n");
	run_ok([ qw(openssl x509 -req -days 30 -in), "$path.csr", '-out', "$path.crt", '-extfile', "$path.extensions",
			$by ? ('-CA', "$self->{dir}/$by.crt", '-CAkey', "$self->{dir}/$by.key", '-CAcreateserial')
			: ('-signkey', "$path.key") ]);
}

sub ca { "$_[0]{dir}/authority.crt" }
sub port { $_[0]{port} }
sub token { $_[0]{token} }
sub bytes { length $_[0]{sound} }
sub sha256 { sha256_hex($_[0]{sound}) }

# host, token and more: what is appended; where the defaults do not do.
sub address {
	my ($self, $behaviour, $name, %option) = @_;
	return sprintf 'https://%s:%d/%s/%s?access_token=%s%s', $option{host} // 'localhost', $self->{port},
	  $behaviour, $name, $option{token} // $self->{token}, $option{more} // '';
}

sub _read {
	my ($self) = @_;
	while (1) {
		my $ready = '';
		vec($ready, fileno $self->{out}, 1) = 1;
		last if !select $ready, undef, undef, 0;
		sysread($self->{out}, $self->{buffer}, 65536, length $self->{buffer}) or last;
	}
	push @{ $self->{lines} }, $1 while $self->{buffer} =~ s/\A([^\n]*)\n//;
}

sub _found {
	my ($self, $pattern) = @_;
	return map { /$pattern/ ? $1 : () } @{ $self->{lines} };
}

sub requests {
	my ($self, $path) = @_;
	$self->_read;
	return $self->_found(qr/^request \Q$path\E (.*)/);
}

# How many bytes went out over each connection that asked for it.
sub sent {
	my ($self, $path) = @_;
	$self->_read;
	return $self->_found(qr/^closed \Q$path\E (\d+)/);
}

1;
