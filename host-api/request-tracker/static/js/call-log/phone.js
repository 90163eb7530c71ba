/* phone - the window in which the phone stays open while its agent goes from page to
 * page of Request Tracker. There is one of them: another one waits until it closes,
 * and asks it to show itself. */

const tag = Array.from(document.scripts).find((script) => script.src === import.meta.url);
const channel = new BroadcastChannel('call-log-phone');
const elsewhere = document.getElementById('elsewhere');

function begin() {
	elsewhere.hidden = true;
	channel.onmessage = () => window.focus();
	return import(tag.dataset.bridge);
}

/* For as long as this window lives. */
async function hold() {
	await begin();
	await new Promise(() => {});
}

if (!navigator.locks) {
	begin();
} else {
	navigator.locks.request('call-log-phone', { ifAvailable: true }, (lock) => {
		if (lock)
			return hold();
		elsewhere.hidden = false;
		channel.postMessage('show yourself');
		navigator.locks.request('call-log-phone', hold);
		return undefined;
	});
}
