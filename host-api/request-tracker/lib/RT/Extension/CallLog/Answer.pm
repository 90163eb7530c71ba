use strict;
use warnings;

# Answer - what is answered over HTTP, with the headers it goes out with. It decides
# nothing.
package RT::Extension::CallLog::Answer;

use JSON ();
use RT::Extension::CallLog::Part;

my $nothing_policy = "default-src 'none'; frame-ancestors 'none'";
my $forever = 'private, max-age=31536000, immutable';

# A PSGI response. more: further headers, which replace ours.
sub new {
	my ($class, $status, $type, $body, %more) = @_;
	my %header = (
		'X-Content-Type-Options' => 'nosniff',
		'Cache-Control' => 'no-store',
		'Content-Security-Policy' => $nothing_policy,
		'Cross-Origin-Resource-Policy' => 'same-origin',
		'Referrer-Policy' => 'no-referrer',
		%more);
	if ($status != 204 && $status != 304) {
		@header{ 'Content-Type', 'Content-Length' } = ($type, length $body);
	}
	$header{'Retry-After'} = 1 if $status == 503;
	return [ $status, [ map { $_ => $header{$_} } sort keys %header ], [$body] ];
}

# What the library answered.
sub json {
	my ($class, $status, $body) = @_;
	return $class->new($status, 'application/json', $body);
}

# {"error": code, "message": sentence}.
sub error {
	my ($class, $status, $code, $sentence, %more) = @_;
	my $body = JSON->new->utf8->canonical->encode({ error => $code, message => $sentence });
	return $class->new($status, 'application/json', $body, %more);
}

# A page of Library.pm, under that policy; at an address that names its version it
# stays as it is, at any other it is asked for again each time.
sub page {
	my ($class, $env, $page, $policy, $is_versioned) = @_;
	my $tag = qq("$page->{tag}");
	my %header = (
		'Cache-Control' => $is_versioned ? $forever : 'no-cache',
		'Content-Security-Policy' => $policy // $nothing_policy,
		ETag => $tag);
	# front servers that compress make it weak: W/"..."
	my $is_known = index($env->{HTTP_IF_NONE_MATCH} // '', $tag) >= 0;
	return $class->new(304, undef, '', %header) if $is_known;
	return $class->new(200, $page->{type}, $page->{body}, %header);
}

# A file of Library.pm, or a part of it, which is read as it is sent.
sub file {
	my ($class, $file) = @_;
	my %header = ('Content-Range' => $file->{range}, 'Content-Disposition' => $file->{disposition}, ETag => $file->{tag},
		'Accept-Ranges' => $file->{handle} || $file->{range} ? 'bytes' : undef);
	delete @header{ grep { !defined $header{$_} } keys %header };
	my $answer = $class->new($file->{status}, $file->{type} // 'application/json', $file->{body}, %header);
	return $answer if !$file->{handle};
	my %place = map { $answer->[1][$_] => $_ + 1 } grep { $_ % 2 == 0 } 0 .. $#{ $answer->[1] };
	$answer->[1][ $place{'Content-Length'} ] = $file->{len};
	$answer->[2] = RT::Extension::CallLog::Part->new(@$file{qw(handle first len)});
	return $answer;
}

# The sentence for a person who wanted to see a page.
sub sentence {
	my ($class, $status, $sentence) = @_;
	return $class->new($status, 'text/html; charset=utf-8',
		qq(<!DOCTYPE html>\n<html lang="en"><meta charset="utf-8"><title>Not now</title>)
		. qq(<p>$sentence</p></html>\n));
}

1;
