use strict;
use warnings;

# Library - libcrm-host in this process: opened and started when first asked for,
# in the worker that asks, since its threads and connections do not survive a fork.
# It knows the C functions and nothing of HTTP servers or of RT's users.
#
# Its log lines go to stderr, which is RT's log or Apache's: a callback into Perl
# from another thread would be the end of the interpreter.
package RT::Extension::CallLog::Library;

use FFI::Platypus 2.00;
use FFI::Platypus::Buffer qw(buffer_to_scalar scalar_to_buffer);

use constant {
	# Whatever was answered is durable, so the end of a worker need not wait long.
	STOP_MS => 500,
	# After a start that failed: not at every click.
	RETRY_S => 10,
	WHY_BYTES => 4096,
	PAGE_FOREIGN => 1,
	# struct crm_host_answer: status, body, body_len; struct crm_page: path, type,
	# body, body_len, tag, flags; struct crm_host_wanted: range, if_range, head; struct
	# crm_host_file: status, body, body_len, fd, first, len, type, disposition, tag,
	# range. J is as wide as a pointer.
	ANSWER => 'I x![J] J2',
	ANSWER_BYTES => length pack('I x![J] J2', 0, 0, 0),
	PAGE => 'J5 I',
	PAGE_BYTES => length pack('J5 I', (0) x 6),
	WANTED => 'p2 C x![J]',
	FILE => 'I x![J] J2 i x![Q] Q2 J4',
	FILE_BYTES => length pack('I x![J] J2 i x![Q] Q2 J4', (0) x 10),
};

my %signatures = (
	crm_host_open => [ [qw(string opaque opaque size_t)] => 'opaque' ],
	crm_host_start => [ [qw(opaque opaque size_t)] => 'int' ],
	crm_host_stop => [ [qw(opaque uint32)] => 'int' ],
	crm_host_close => [ ['opaque'] => 'void' ],
	crm_host_setting => [ [qw(opaque string string)] => 'string' ],
	crm_host_status => [ [qw(opaque opaque size_t)] => 'size_t' ],
	crm_host_page => [ [qw(opaque string)] => 'opaque' ],
	crm_host_http_call_message => [ [qw(opaque string string opaque size_t)] => 'opaque' ],
	crm_host_http_call_events => [ [qw(opaque string string string)] => 'opaque' ],
	crm_host_http_free => [ ['opaque'] => 'void' ],
	crm_host_http_has_file => [ [qw(opaque string)] => 'bool' ],
	crm_host_http_call_file => [ [qw(opaque string string string opaque)] => 'opaque' ],
	crm_host_http_free_file => [ ['opaque'] => 'void' ],
	crm_host_http_service => [ [qw(opaque string string string string opaque size_t)] => 'size_t' ],
	crm_host_http_page_policy => [ [qw(opaque string opaque size_t)] => 'size_t' ],
	crm_host_bridge_file => [ ['string'] => 'opaque' ],
	crm_host_bridge_version => [ [] => 'string' ],
);

# ------------------------------------------------------------- the C functions
# The library is only loaded here; it starts nothing by itself, and its constants
# can be had without a configuration.
my $functions;

sub _functions {
	return $functions if $functions;
	my $ffi = FFI::Platypus->new(api => 2,
		lib => RT->Config->Get('CallLogLibrary') || 'libcrm-host.so.1');
	# Not every page is this process's, so pages ask for what plugins have to tell.
	my $no_post = $ffi->find_symbol('crm_host_no_post') or die "libcrm-host is too old\n";
	return $functions = {
		callbacks => pack('J3', 0, 0, $no_post), # struct crm_host_callbacks: context, log, post
		map { $_ => $ffi->function($_ => @{ $signatures{$_} }) } keys %signatures,
	};
}

# The text that ends with a NUL at that address.
sub _string { return unpack 'p', pack 'J', $_[0] }

# What a C function writes "like snprintf": $write->($address, $size).
sub _text {
	my ($write) = @_;
	my $size = 8192;
	while (1) {
		my $text = "\0" x $size;
		my $len = $write->(scalar_to_buffer($text));
		return substr $text, 0, $len if $len < $size;
		$size = $len + $len / 8 + 1;
	}
}

# A page as a hash; undef where there is none.
sub _page {
	my ($address) = @_;
	return if !$address;
	my (undef, $type, $body, $len, $tag, $flags) = unpack PAGE, buffer_to_scalar($address, PAGE_BYTES);
	return {
		type => _string($type), tag => _string($tag), foreign => $flags & PAGE_FOREIGN,
		body => buffer_to_scalar($body, $len),
	};
}

# A file of the page bridge, by its name, and what differs when any of them does.
sub bridge_file {
	my ($class, $name) = @_;
	return _page(_functions()->{crm_host_bridge_file}->($name));
}

sub bridge_version { return _functions()->{crm_host_bridge_version}->() }

# ----------------------------------------------------------------- the runtime
# The one of this process, or why there is none. What a parent opened is not ours.
my $ours = { pid => 0 };

# Dies with the reason when it cannot start.
sub instance {
	my ($class) = @_;
	if ($ours->{pid} != $$ || !$ours->{runtime} && time >= $ours->{retry}) {
		$ours = bless { pid => $$, retry => time + RETRY_S }, $class;
		$ours->{why} = eval { $ours->_start; 1 } ? undef : $@;
		RT->Logger->error("call log: $ours->{why}") if $ours->{why};
	}
	return $ours if $ours->{runtime};
	die $ours->{why};
}

sub _start {
	my ($self) = @_;
	my $c = $self->{c} = _functions();
	my $why = "\0" x WHY_BYTES;
	my @why = scalar_to_buffer($why);
	my $runtime = $c->{crm_host_open}->(
		RT->Config->Get('CallLogConfig') || '/etc/call_log.conf',
		(scalar_to_buffer($c->{callbacks}))[0], @why);
	if ($runtime && $c->{crm_host_start}->($runtime, @why) != 0) {
		$c->{crm_host_close}->($runtime);
		undef $runtime;
	}
	$self->{runtime} = $runtime or die $why =~ s/\0.*//sr, "\n";
}

# The value of a setting of the group `host`.
sub setting {
	my ($self, $key) = @_;
	return $self->{c}{crm_host_setting}->($self->{runtime}, 'host', $key);
}

# (status, body) of what a page posted, as bytes, and of what is to be told after a
# cursor.
sub message {
	my ($self, $agent, $body) = @_;
	return $self->_answer($self->{c}{crm_host_http_call_message}
		  ->($self->{runtime}, '', $agent, scalar_to_buffer($body)));
}

sub events {
	my ($self, $agent, $after) = @_;
	return $self->_answer($self->{c}{crm_host_http_call_events}
		  ->($self->{runtime}, '', $agent, $after));
}

sub _answer {
	my ($self, $address) = @_;
	my $c = $self->{c};
	die "out of memory\n" if !$address;
	my ($status, $body, $len) = unpack ANSWER, buffer_to_scalar($address, ANSWER_BYTES);
	my $text = buffer_to_scalar($body, $len);
	$c->{crm_host_http_free}->($address);
	return ($status, $text);
}

# Whether a plugin may have a file at that path; and what is to be sent of it, as
# {status, body (of an error), handle, first, len, type, disposition, tag, range}.
sub has_file {
	my ($self, $path) = @_;
	return $self->{c}{crm_host_http_has_file}->($self->{runtime}, $path);
}

sub file {
	my ($self, $agent, $path, %wanted) = @_;
	my $c = $self->{c};
	my $wanted = pack WANTED, @wanted{qw(range if_range)}, $wanted{head} ? 1 : 0;
	my $address = $c->{crm_host_http_call_file}
	  ->($self->{runtime}, '', $agent, $path, (scalar_to_buffer($wanted))[0]) or die "out of memory\n";
	my ($status, $body, $len, $fd, %file);
	($status, $body, $len, $fd, @file{qw(first len type disposition tag range)}) = unpack FILE, buffer_to_scalar($address, FILE_BYTES);
	$_ = $_ ? _string($_) : undef for @file{qw(type disposition tag range)};
	@file{qw(status body)} = ($status, $len ? buffer_to_scalar($body, $len) : '');
	$c->{crm_host_http_free_file}->($address);
	open $file{handle}, '<&=', $fd or die "fdopen: $!\n" if $fd >= 0;
	return \%file;
}

# What the page bridge is to know, as bytes of JSON.
sub service {
	my ($self, $agent) = @_;
	return _text(sub { $self->{c}{crm_host_http_service}
		  ->($self->{runtime}, '', $agent, 'poll', undef, @_) });
}

sub status {
	my ($self) = @_;
	return _text(sub { $self->{c}{crm_host_status}->($self->{runtime}, @_) });
}

# A page of a plugin, and the policy of all of them.
sub page {
	my ($self, $path) = @_;
	return _page($self->{c}{crm_host_page}->($self->{runtime}, $path));
}

sub page_policy {
	my ($self) = @_;
	return $self->{policy} //= _text(sub { $self->{c}{crm_host_http_page_policy}
		  ->($self->{runtime}, undef, @_) });
}

END {
	if ($ours->{runtime} && $ours->{pid} == $$) {
		my $status = $?;
		$ours->{c}{crm_host_stop}->($ours->{runtime}, STOP_MS);
		$? = $status;
	}
}

1;
