/* recorder - a page around the phone that keeps what it posts and answers as a test
 * says: a service without a host behind it. Runs in the browser as a classic script.
 *
 *   recorder.messages            [{ at, message }] in order of arrival
 *   recorder.replies             { path: response }; a path that is not there gets
 *                                no answer at all
 *   recorder.send(message)       to the phone
 *   recorder.register(service)   registers `service` with those paths
 */
'use strict';

window.recorder = {
	messages: [],
	replies: {
		'/callLogger': { data: 'ok' },
		'/callLogger/match': { data: {} },
		'/contacts/match': { data: {} },
		'/callLogger/inputChanged': { data: 'ok' },
	},
	frame: document.querySelector('iframe'),

	send(message) {
		this.frame.contentWindow.postMessage(message, new URL(this.frame.src).origin);
	},

	register(members = {}) {
		this.send({ type: 'rc-adapter-register-third-party-service', service: {
			name: 'Recorder', callLoggerPath: '/callLogger',
			callLogEntityMatcherPath: '/callLogger/match',
			contactMatchPath: '/contacts/match', ...members } });
	},
};

window.addEventListener('message', ({ source, data }) => {
	const { recorder } = window;
	if (source !== recorder.frame.contentWindow)
		return;
	recorder.messages.push({ at: performance.now(), message: data });
	if (data.type === 'rc-post-message-request' && data.path in recorder.replies)
		recorder.send({ type: 'rc-post-message-response', responseId: data.requestId,
			response: recorder.replies[data.path] });
});
