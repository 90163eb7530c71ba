/* adapter - for a page that embeds the simulated phone by one script tag, like the
 * real widget's adapter.js: makes the frame and offers window.RCAdapter. A classic
 * script; the parameters of its address go on to the frame. */
(() => {
	'use strict';

	const TIMEOUT = 5_000;
	const script = new URL(document.currentScript.src);
	const address = new URL('app.html', script);
	address.search = script.search;

	const frame = document.createElement('iframe');
	frame.id = 'rc-widget-adapter-frame';
	frame.title = 'Simulated phone';
	frame.src = address.href;
	const place = document.getElementById('rc-widget') ?? document.body;
	place.append(frame);

	const send = (message) => frame.contentWindow.postMessage(message, address.origin);

	/* Resolves with the response of the widget; rejects after five seconds. */
	function ask(path, body) {
		const requestId = crypto.randomUUID();
		return new Promise((resolve, reject) => {
			const end = () => {
				clearTimeout(timer);
				window.removeEventListener('message', listen);
			};
			const timer = setTimeout(() => {
				end();
				reject(new Error('Time out'));
			}, TIMEOUT);
			const listen = ({ source, data }) => {
				if (source !== frame.contentWindow || data?.responseId !== requestId
					|| data.type !== 'rc-adapter-message-response')
					return;
				end();
				resolve(data.response);
			};
			window.addEventListener('message', listen);
			send({ type: 'rc-adapter-message-request', requestId, path, body });
		});
	}

	window.RCAdapter = {
		getUnloggedCalls: (perPage, page) => ask('/unlogged-calls', { perPage, page }),
		getCallLog: (ids) => ask('/get-call-log', ids),
		setAutoLog: (settings) =>
			send({ type: 'rc-adapter-update-auto-log-settings', ...settings }),
	};
})();
