/* wire - the phone's end of the messages between it and the page around it: asks
 * with a deadline, takes the first answer, never asks twice. It knows nothing of
 * what the messages mean.
 *
 * Like the real widget it posts to whoever is the parent, and takes an answer from
 * any window that knows the request's id: to check is the page's duty. */

/* What each kind of request waits for, in milliseconds. */
export const TIMEOUT = { log: 15_000, match: 30_000, other: 3_000 };

const KEPT = 5_000; // messages of the traffic list

export class Wire {
	#clock;
	#post;
	#waiting = new Map();

	/* All messages, oldest first: { at, way: 'out' or 'in', message }. */
	traffic = [];

	/* post: puts one message before the page. */
	constructor(clock, post) {
		this.#clock = clock;
		this.#post = post;
	}

	/* How many requests have no answer yet. */
	get waiting() {
		return this.#waiting.size;
	}

	send(message) {
		this.#note('out', message);
		this.#post(message);
	}

	/* Resolves with the response; rejects when none comes in time. */
	request(path, body, timeout) {
		const requestId = crypto.randomUUID();
		return new Promise((resolve, reject) => {
			const timer = this.#clock.after(timeout, () => {
				this.#waiting.delete(requestId);
				console.error(`phone: ${path}: Time out`);
				reject(new Error('Time out'));
			});
			this.#waiting.set(requestId, { resolve, timer });
			this.send({ type: 'rc-post-message-request', requestId, path, body });
		});
	}

	/* Takes a message of the page; true when it was an answer, also one that
	 * nobody waits for any more. */
	receive(message) {
		this.#note('in', message);
		if (message.type !== 'rc-post-message-response')
			return false;
		const request = this.#waiting.get(message.responseId);
		if (request) {
			this.#waiting.delete(message.responseId);
			this.#clock.cancel(request.timer);
			request.resolve(message.response);
		}
		return true;
	}

	#note(way, message) {
		this.traffic.push({ at: this.#clock.now(), way, message });
		if (this.traffic.length > KEPT)
			this.traffic.splice(0, this.traffic.length - KEPT);
	}
}
