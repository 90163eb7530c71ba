/* widget - the widget's frame: finds or makes it, hears what it posts, and nothing
 * that anybody else does, posts to it and to nobody else. It knows the envelope of
 * the widget's messages and not what they are about. */

import { postedAt } from './clock.js';

/* It asks the host for its marks first, for as long as 30 s. */
const CALL_MS = 35000;

/* The frame that selector names, once it is there: the widget's own script may make
 * it after us. */
export function frameThere(selector) {
	const find = () => {
		const frame = document.querySelector(selector);
		return frame?.tagName === 'IFRAME' && frame.src ? frame : null;
	};
	return new Promise((resolve) => {
		const look = () => {
			const frame = find();
			if (frame) {
				watch.disconnect();
				resolve(frame);
			}
		};
		const watch = new MutationObserver(look);
		watch.observe(document, { childList: true, subtree: true, attributes: true,
			attributeFilter: ['src', 'id'] });
		look();
	});
}

export function makeFrame(url) {
	const frame = document.createElement('iframe');
	frame.title = 'Phone';
	frame.allow = 'autoplay; microphone; clipboard-write; display-capture';
	frame.src = url;
	const place = document.getElementById('call-log-phone');
	if (!place)
		Object.assign(frame.style, { position: 'fixed', right: '0', bottom: '0',
			width: '300px', height: '500px', border: '0', zIndex: '10000' });
	(place ?? document.body).append(frame);
	return frame;
}

/* Names of requests; not secret, only different. */
export function newId() {
	const bytes = crypto.getRandomValues(new Uint8Array(16));
	return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}

export class Widget {
	constructor(frame) {
		this.frame = frame;
		this.origin = new URL(frame.src).origin;
		this.calls = new Map(); /* id of our request -> what to do with the answer */
	}

	/* Whether the frame shows the widget by now, and not the empty page of its
	 * beginning, which alone lets itself be looked at. */
	get isLoaded() {
		try {
			return this.frame.contentWindow?.location.href !== 'about:blank';
		} catch {
			return true;
		}
	}

	/* hear(message, postedAt) gets each message. */
	listen(hear) {
		window.addEventListener('message', (event) => {
			if (!event.source || event.source !== this.frame.contentWindow
				|| event.origin !== this.origin)
				return;
			const message = event.data;
			if (message === null || typeof message !== 'object')
				return;
			if (message.type === 'rc-adapter-message-response')
				this.calls.get(message.responseId)?.(message.response);
			else
				hear(message, postedAt(event));
		});
	}

	post(message) {
		this.frame.contentWindow?.postMessage(message, this.origin);
	}

	answer(request, response) {
		this.post({ type: 'rc-post-message-response', responseId: request.requestId, response });
	}

	/* Asks the widget something; throws when it does not answer. */
	call(path, body) {
		const requestId = newId();
		return new Promise((resolve, reject) => {
			const timer = setTimeout(() => {
				this.calls.delete(requestId);
				reject(new Error(`the widget does not answer ${path}`));
			}, CALL_MS);
			this.calls.set(requestId, (response) => {
				clearTimeout(timer);
				this.calls.delete(requestId);
				resolve(response);
			});
			this.post({ type: 'rc-adapter-message-request', requestId, path, body });
		});
	}
}
