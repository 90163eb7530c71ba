/* events - what the host has to tell the agent's widgets, brought to every tab of the
 * agent. One tab holds the stream (browsers allow six connections an origin) or asks
 * every now and then where the host cannot stream; the others hear it from that tab. */

import { whenAlone } from './locks.js';
import { pause } from './wait.js';

const POLL_MS = 30000;
const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 30000;
/* Four heartbeats. */
const SILENCE_MS = 60000;

export class Events {
	/* mode: stream or poll; tell: {message(message), gap(), alive()}: gap: some may
	 * be missing; alive: the host answers, for the first time or again. */
	constructor({ host, store, owner, mode, tell }) {
		Object.assign(this, { host, store, owner, mode, tell });
		this.stopped = new AbortController();
		this.channel = new BroadcastChannel('call-log');
		this.channel.onmessage = ({ data }) => data.owner === owner && this.deliver(data.event);
	}

	stop() {
		this.stopped.abort();
		this.channel.close();
	}

	run() {
		return whenAlone(`call-log-events:${this.owner}`, () => this.hold());
	}

	deliver(event) {
		if (event.alive)
			this.tell.alive();
		if (event.gap)
			this.tell.gap();
		if (event.message)
			this.tell.message(event.message);
	}

	/* For this tab and the others. */
	spread(event) {
		if (this.stopped.signal.aborted)
			return;
		this.channel.postMessage({ owner: this.owner, event });
		this.deliver(event);
	}

	async hold() {
		const { signal } = this.stopped;
		this.cursor = await this.store.said(`cursor ${this.owner}`).catch(() => '') ?? '';
		let retryMs = RETRY_MIN_MS;
		while (!signal.aborted) {
			const worked = this.mode === 'poll' ? await this.poll() : await this.listen();
			retryMs = worked ? RETRY_MIN_MS : Math.min(retryMs * 2, RETRY_MAX_MS);
			await pause(this.mode === 'poll' && worked ? POLL_MS : retryMs, signal);
		}
	}

	async poll() {
		const { kind, value } = await this.host.events(this.cursor);
		if (kind !== 'ok' || !Array.isArray(value?.messages)) {
			this.failed = true;
			return false;
		}
		if (this.failed)
			this.spread({ alive: true });
		this.failed = false;
		if (value.gap)
			this.spread({ gap: true });
		value.messages.forEach((message) => this.spread({ message }));
		this.keep(value.cursor);
		return true;
	}

	/* Until the stream cannot be had any more; whether it could be. The browser
	 * itself connects again after a cut; a connection that died without a word is
	 * noticed by the heartbeats that stay away. */
	listen() {
		const stream = this.host.stream(this.cursor);
		let opened = false;
		let silence;
		return new Promise((resolve) => {
			const end = () => { clearTimeout(silence); stream.close(); resolve(opened); };
			this.stopped.signal.addEventListener('abort', end, { once: true });
			stream.onopen = () => { opened = true; this.spread({ alive: true }); };
			stream.onerror = () => stream.readyState === EventSource.CLOSED && end();
			/* Where the stream begins, for when it is cut before anything was said. */
			stream.addEventListener('cursor', (event) => this.keep(event.lastEventId));
			stream.addEventListener('heartbeat', (event) => {
				clearTimeout(silence);
				silence = setTimeout(end, SILENCE_MS);
				this.keep(event.lastEventId);
			});
			stream.addEventListener('gap', (event) => this.take(event, { gap: true }));
			stream.onmessage = (event) => this.take(event, { message: JSON.parse(event.data) });
		});
	}

	take(event, what) {
		this.spread(what);
		this.keep(event.lastEventId);
	}

	keep(cursor) {
		if (!cursor || cursor === this.cursor || this.stopped.signal.aborted)
			return;
		this.cursor = cursor;
		this.store.say(`cursor ${this.owner}`, cursor).catch(console.warn);
	}
}
