#!/usr/bin/perl
# Reads what `prove -v tests/fault` wrote and prints the table of the README.
use v5.32;
use warnings;

my (%figure, @order);
while (<>) {
	my ($name, $key, $value) = /^# figure: (\w+)\.(\w+) (.*)/ or next;
	push @order, $name if !$figure{$name};
	$figure{$name}{$key} = $value;
}
say '| fault | calls acknowledged | lost | doubled | longest wait of the host |';
say '|---|---:|---:|---:|---:|';
for my $name (sort { ($a =~ /^D/ ? 0 : 1) <=> ($b =~ /^D/ ? 0 : 1)
		|| (($a =~ /(\d+)/)[0] // 0) <=> (($b =~ /(\d+)/)[0] // 0) || $a cmp $b } @order) {
	my %of = %{ $figure{$name} };
	next if !defined $of{acknowledged};
	my $wait = defined $of{longest_wait_us} ? sprintf '%.1f ms', $of{longest_wait_us} / 1000 : '-';
	say "| $of{fault} | $of{acknowledged} | $of{lost} | $of{doubled} | $wait |";
}
