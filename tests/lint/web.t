# Rules of the house for what runs in a browser: whole files, no way for text to
# become markup or code, nothing from elsewhere.
use v5.32;
use warnings;
use Encode qw(decode);
use lib 'tests/lib';
use Process qw(run slurp);
use Test::More;

my @pages = glob 'plugin/web/*.html plugin/web/*/*.html host-api/web/*.html';
my @styles = glob 'plugin/web/*.css plugin/web/*/*.css host-api/web/*.css host-api/request-tracker/static/*/*/*.css';
my @scripts = glob '{plugin/web,plugin/web/*,host-api/web,host-api/request-tracker/static/*/*}/*.{js,mjs}';
my @tests = glob q(tests/browser/*.mjs tests/browser/lib/*.{js,mjs} tests/helpdesk/*.mjs);

sub code {
	my ($text) = @_;
	$text =~ s{/\*.*?\*/}{$& =~ s/[^\n]//gr}ges;
	$text =~ s{(?<![:'"`])//[^\n]*}{}g;
	return $text;
}

# Text becomes an element, a script or a style by none of these.
my $banned = qr/\b(?:innerHTML|outerHTML|insertAdjacentHTML|setHTMLUnsafe|cssText|srcdoc|
	createContextualFragment|document\.write|eval\(|Function\(|set(?:Timeout|Interval)\(\s*['"`]|
	setAttribute\(\s*['"`](?:on|style))/x;
for my $path (@scripts) {
	my $code = code(slurp($path));
	my @found;
	push @found, "$& in line " . (1 + (substr($code, 0, $-[0]) =~ tr/\n//))
	  while $code =~ /$banned/g;
	is "@found", '', "$path makes no markup or code of text";
}
for my $path (@pages) {
	my $text = slurp($path);
	unlike $text, qr/<style|\sstyle=|\son\w+=|javascript:|<script(?![^>]*\ssrc=)/i,
	  "$path has no inline script or style";
	unlike $text, qr{(?:src|href|action)=["']?(?:\w+:)?//}i, "$path loads nothing from elsewhere";
}
for my $path (@styles) {
	unlike slurp($path), qr{\@import|url\((?!['"]?[\w.-]+['"]?\))|expression\(},
	  "$path loads nothing from elsewhere";
}

for my $path (@scripts, @tests) {
	my ($status, undef, $err) = run([ 'node', '--check', $path ]);
	is $err, '', "$path is a whole script";
	like slurp($path), qr{\A(?:#!/usr/bin/env node\n)?/\* }, "$path begins by saying what it is";
}
for my $path (@scripts, @styles, glob 'tests/browser/lib/*') {
	my ($name) = $path =~ m{([^/.]+)[^/]*\z};
	like slurp($path), qr{\A(?:/\*|\#) \Q$name\E - }, "$path says so by its name";
}
for my $path (@scripts, @tests, @styles, @pages) {
	my @long = grep { length(decode('UTF-8', $_) =~ s/\t/    /gr) > 110 } split /\n/, slurp($path);
	is "@long", '', "$path has no line over 110 columns";
}

# The lock file names no server: what installs it knows where packages are.
unlike slurp('tests/browser/package-lock.json'), qr{//}, 'the lock file names no address';
done_testing;
