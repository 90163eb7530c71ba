/* matcher - asks the service what it knows of calls or numbers and remembers the
 * answer for two hours, also across reloads: what was answered, and just so what
 * was not. There are two: for calls (by session id) and for contacts (by number).
 *
 * As in the real widget an error, a timeout or an answer without data counts as
 * "nothing found" for all that was asked, and wipes what was known before. */
import { TIMEOUT } from './wire.mjs';

const FRESH = 120 * 60_000; // asked again after that, whatever the answer was
const KEPT = 240 * 60_000;

export class Matcher {
	#clock;
	#wire;
	#store;
	#name;
	#request;
	#cache = {};
	#service = null;
	#running = null;
	#queued = null;
	#changed;

	/* name: of the cache; request(ids): { path, body } or null when nothing may be
	 * asked now; changed: called when answers came. */
	constructor({ clock, wire, store, name, request, changed }) {
		this.#clock = clock;
		this.#wire = wire;
		this.#store = store;
		this.#name = name;
		this.#request = request;
		this.#changed = changed;
		store.watch((name) => {
			if (name === this.#key)
				this.#read();
		});
	}

	get #key() {
		return `${this.#name}/${this.#service}`;
	}

	/* Answers are kept by the name of the service. */
	use(service) {
		this.#service = service;
		this.#read();
	}

	#read() {
		this.#cache = this.#store.get(this.#key, {});
		this.#changed();
	}

	/* What is known of it: a list, empty when nothing is. */
	of(id) {
		return this.#cache[id]?.found ?? [];
	}

	isFresh(id) {
		const entry = this.#cache[id];
		return entry !== undefined && this.#clock.now() - entry.at < FRESH;
	}

	/* Asks for those ids that are not fresh, one such request at a time and at most
	 * one more waiting. Resolves when the answer, or none, is remembered. */
	async match(ids) {
		const asked = ids.filter((id) => !this.isFresh(id));
		if (!asked.length || !this.#request(asked))
			return;
		if (!this.#running) {
			this.#running = this.ask(asked).finally(() => { this.#running = null; });
			return this.#running;
		}
		if (!this.#queued) {
			const ids = new Set();
			const done = this.#running.then(() => {
				this.#queued = null;
				return this.match([...ids]);
			});
			this.#queued = { ids, done };
		}
		asked.forEach((id) => this.#queued.ids.add(id));
		return this.#queued.done;
	}

	/* Asks for these at once, whatever is known of them and under way. */
	async ask(ids) {
		const request = ids.length ? this.#request(ids) : null;
		if (!request)
			return;
		let data = null;
		try {
			data = (await this.#wire.request(request.path, request.body,
				TIMEOUT.match))?.data;
		} catch {
			// the wire has said so; nothing was found
		}
		this.#remember(ids, data);
	}

	#remember(ids, data) {
		const now = this.#clock.now();
		for (const id of ids) {
			const found = data?.[id];
			this.#cache[id] = { at: now, found: Array.isArray(found) ? found : [] };
		}
		for (const id of Object.keys(this.#cache))
			if (now - this.#cache[id].at > KEPT)
				delete this.#cache[id];
		this.#store.set(this.#key, this.#cache);
		this.#changed();
	}
}
