# Figures - what was measured, each value beside its reference of the same round:
# medians, the spread of the ratio, whether the aim is met; as a table and as JSON.
# It knows nothing of what is measured.
#
#   my $figures = Figures->new;
#   $figures->add(name => 'log_throughput', unit => 'events/s', values => [...],
#       references => [...], reference => 'binary COPY', at_least => 0.8);
#
# at_least, at_most: the ratio's aim; value_at_least, value_at_most: the value's own.
package Figures;
use v5.32;
use warnings;
use Carp qw(croak);
use Exporter qw(import);
use JSON::PP ();
use Process qw(slurp spew);
our @EXPORT_OK = qw(median);

sub median {
	my @sorted = sort { $a <=> $b } @_;
	return @sorted % 2 ? $sorted[ $#sorted / 2 ] : ($sorted[ @sorted / 2 - 1 ] + $sorted[ @sorted / 2 ]) / 2;
}

sub new { bless { figures => [], machine => _machine() }, $_[0] }

sub _machine {
	my ($model) = slurp('/proc/cpuinfo') =~ /^model name\s*:\s*(.*)/m;
	my ($kb) = slurp('/proc/meminfo') =~ /^MemTotal:\s*(\d+)/m;
	my $cores = () = slurp('/proc/cpuinfo') =~ /^processor\s*:/mg;
	chomp(my $server = `pg_config --version`);
	return sprintf '%s, %d cores, %.0f GB, %s', $model // 'unknown processor', $cores, $kb / 1024 / 1024, $server;
}

my %sign = (at_least => '>=', at_most => '<=');

sub _aim {
	my ($option) = @_;
	for my $of ('', 'value_') {
		for my $which (qw(at_least at_most)) {
			next if !defined $option->{"$of$which"};
			return { of => $of ? 'value' : 'ratio', sign => $sign{$which}, than => $option->{"$of$which"} };
		}
	}
	return;
}

sub add {
	my ($self, %option) = @_;
	my @values = @{ $option{values} };
	my @references = @{ $option{references} // [] };
	croak "$option{name}: nothing was measured" if !@values || grep { !defined } @values, @references;
	croak "$option{name}: not as many references" if @references && @references != @values;
	my @ratios = sort { $a <=> $b } map { $references[$_] ? $values[$_] / $references[$_] : () } 0 .. $#references;
	my @of = @ratios ? @ratios : sort { $a <=> $b } @values;
	my $figure = {
		name => $option{name}, unit => $option{unit}, value => median(@values), rounds => scalar @values,
		reference => @references ? median(@references) : undef, reference_is => $option{reference},
		ratio => @ratios ? median(@ratios) : undef, spread => [ $of[0], $of[-1] ],
		machine => $self->{machine},
	};
	if (my $aim = _aim(\%option)) {
		my $is = $figure->{ $aim->{of} } // croak "$option{name}: no $aim->{of}";
		$figure->{aim} = "$aim->{of} $aim->{sign} $aim->{than}";
		$figure->{met} = ($aim->{sign} eq '>=' ? $is >= $aim->{than} : $is <= $aim->{than}) ? JSON::PP::true : JSON::PP::false;
	}
	# as numbers, also where they came as text
	$_ = defined ? 0 + $_ : undef for @{$figure}{qw(value reference ratio)}, @{ $figure->{spread} };
	push @{ $self->{figures} }, $figure;
	print STDERR "# $option{name}: ", _number($figure->{value}), " $option{unit}",
	  defined $figure->{ratio} ? sprintf(', %.2f of %s', $figure->{ratio}, $option{reference}) : '', "\n";
}

sub _number {
	my ($number) = @_;
	return '' if !defined $number;
	my $text = sprintf $number >= 100 ? '%.0f' : $number >= 10 ? '%.1f' : '%.2f', $number;
	1 while $text =~ s/^(\d+)(\d{3})/$1,$2/;
	return $text;
}

# One line a figure.
sub table { _table(@{ $_[0]{figures} }) }

sub _table {
	my @line = ("| figure | | of | which is | ratio | from, to | aim | |\n", "|---|---:|---:|---|---:|---|---|---|\n");
	for my $f (@_) {
		my @ratio = defined $f->{ratio} ? (sprintf('%.2f', $f->{ratio}), sprintf('%.2f, %.2f', @{ $f->{spread} }))
		  : ('', join ', ', map { _number($_) } @{ $f->{spread} });
		push @line, sprintf "| %s | %s %s | %s | %s | %s | %s | %s | %s |\n", $f->{name}, _number($f->{value}), $f->{unit},
		  _number($f->{reference}), $f->{reference_is} // '', @ratio, $f->{aim} // '',
		  defined $f->{met} ? $f->{met} ? 'met' : '**not met**' : '';
	}
	return join '', @line;
}

# Puts those that have an aim, of a file that was written, into README.md.
sub into_readme {
	my ($path) = @_;
	my $figures = JSON::PP::decode_json(slurp($path));
	my $table = _table(grep { $_->{aim} } @$figures) . "\nOn $figures->[0]{machine}.\n";
	my $readme = slurp('README.md');
	$readme =~ s/(<!-- make bench-table: begin -->\n).*?(?=<!-- make bench-table: end -->)/$1$table/s
	  or croak 'README.md has no place for it';
	spew('README.md', $readme);
}

sub write_json {
	my ($self, $path) = @_;
	spew($path, JSON::PP->new->canonical->pretty->encode($self->{figures}));
}

1;
