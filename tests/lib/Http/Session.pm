# Http::Session - a browser without a window: keeps cookies, says where its pages
# come from, follows no redirection unasked. Core Perl only.
package Http::Session;
use v5.32;
use warnings;
use HTTP::Tiny;
use JSON::PP ();

# A session with the server of that origin: Http::Session->new('http://127.0.0.1:1')
sub new {
	my ($class, $origin, %option) = @_;
	my $http = HTTP::Tiny->new(max_redirect => 0, timeout => $option{seconds} // 60);
	return bless { origin => $origin, http => $http, cookies => {} }, $class;
}

# An answer as HTTP::Tiny gives it. A header given as undef is left out.
sub request {
	my ($self, $method, $path, %option) = @_;
	my %header = (Referer => "$self->{origin}/", %{ $option{headers} // {} });
	my %cookies = %{ $self->{cookies} };
	$header{Cookie} = join '; ', map { "$_=$cookies{$_}" } sort keys %cookies if %cookies;
	delete @header{ grep { !defined $header{$_} } keys %header };
	my $answer = $self->{http}->request($method, "$self->{origin}$path",
		{ headers => \%header, content => $option{content} // '' });
	my $set = $answer->{headers}{'set-cookie'} // [];
	for my $cookie (ref $set ? @$set : $set) {
		$self->{cookies}{$1} = $2 if $cookie =~ /\A([^=;]+)=([^;]*)/;
	}
	return $answer;
}

sub get { my ($self, $path, %option) = @_; return $self->request('GET', $path, %option) }

sub post_form {
	my ($self, $path, $form) = @_;
	return $self->request('POST', $path,
		headers => { 'Content-Type' => 'application/x-www-form-urlencoded' },
		content => $self->{http}->www_form_urlencode($form));
}

# Posts JSON, given as text, as a hash, or piece by piece by a function, as a page of that origin does.
sub post_json {
	my ($self, $path, $body, %option) = @_;
	return $self->request('POST', $path,
		headers => { 'Content-Type' => 'application/json', Origin => $self->{origin}, %{ $option{headers} // {} } },
		content => ref $body eq 'HASH' ? JSON::PP->new->utf8->canonical->encode($body) : $body);
}

1;
