use strict;
use warnings;

# Phone - where an agent has the phone: RT loads every page anew at each click, and a
# call that goes through the browser would not survive that. So the phone has a
# window of its own, which stays, and RT's pages link to it and run the page bridge
# without a phone: it sends on what a closed window left behind, and tells pages
# what changed. Set($CallLogPhone, 'page') puts the phone into every page instead.
package RT::Extension::CallLog::Phone;

use RT::Extension::CallLog::Answer;
use RT::Extension::CallLog::Library;

# Where the bridge of such a page finds no phone.
use constant NO_FRAME => '#call-log-no-phone';

sub is_in_page { return (RT->Config->Get('CallLogPhone') || 'window') eq 'page' }

sub _path { return RT->Config->Get('WebPath') . $_[0] }

sub address { return _path('/CallLog/phone') }

sub _bridge {
	my $version = RT::Extension::CallLog::Library->bridge_version;
	return _path("/CallLog/widget/$version/bridge.js");
}

# A file below static/, which browsers keep for a month; so its address changes with
# it.
sub _static {
	my ($file) = @_;
	my $dir = RT::Plugin->new(name => 'RT::Extension::CallLog')->StaticDir;
	my $changed = (stat "$dir/$file")[9] // 0;
	return _path("/static/$file?v=$RT::Extension::CallLog::VERSION-$changed");
}

# What stands in the head of every page of an agent, as HTML. RT's pages must not
# fail with the call log.
sub head {
	my ($class, $user) = @_;
	return '' if !RT::Extension::CallLog->MayLogCalls($user);
	my $bridge = eval { _bridge() };
	if (!$bridge) {
		RT->Logger->error("call log: $@");
		return '';
	}
	my $frame = is_in_page() ? '' : ' data-frame="' . NO_FRAME . '"';
	my $link = is_in_page() ? '' : sprintf qq(<script type="module" src="%s" data-phone="%s"></script>\n),
	  _static('js/call-log/link.js'), address();
	return qq(<script type="module" src="$bridge"$frame></script>\n$link);
}

# The window itself.
sub page {
	my ($class, $request) = @_;
	my ($script, $style, $bridge) = (_static('js/call-log/phone.js'), _static('css/call-log/phone.css'), _bridge());
	my $body = <<"HTML";
<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Phone</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="$style">
<script type="module" src="$script" data-bridge="$bridge"></script>
</head>
<body>
<div id="call-log-phone"></div>
<p id="elsewhere" role="status" hidden>The phone is open in another window already. It moves here when that one is closed.</p>
<noscript><p>The phone needs JavaScript.</p></noscript>
</body>
</html>
HTML
	return RT::Extension::CallLog::Answer->new(200, 'text/html; charset=utf-8', $body,
		'Content-Security-Policy' => RT::Extension::CallLog::Library->instance->page_policy);
}

1;
