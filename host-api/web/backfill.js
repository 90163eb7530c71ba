/* backfill - calls that nobody logged: made while no page was open, or on another
 * phone. Reads the widget's list of them to its end and hands them to the host. The
 * list shrinks at the front while they are being logged, so it is read again until
 * nothing new is in it. */

import { ifAlone } from './locks.js';
import { pause } from './wait.js';

const PER_PAGE = 100;
const PER_MESSAGE = 50;
const PAGES_MAX = 200;
const RETRIES = 5;
const RETRY_MS = 5000;

export class Backfill {
	/* widget: see widget.js; send({calls}): see host.js, null while the host is away;
	 * allowed(): whether it may go on; logged(sessionIds); handed(calls); problem(entry,
	 * why). */
	constructor({ widget, send, allowed, logged, handed, problem }) {
		Object.assign(this, { widget, send, allowed, logged, handed, problem });
		this.forgetAll();
		this.running = false;
		this.again = false;
	}

	/* Somebody else is signed in. */
	forgetAll() {
		this.done = new Set(); /* sessions handed over, or refused for good */
	}

	/* Now, or once more after the run under way. */
	async run() {
		this.again = true;
		if (this.running)
			return;
		this.running = true;
		try {
			await ifAlone('call-log-backfill', () => this.untilDone());
		} catch (error) {
			console.warn('call-log: un-logged calls are left for the next time:', error);
		} finally {
			this.running = false;
		}
	}

	async untilDone() {
		while (this.again) {
			this.again = false;
			while (await this.readList())
				; /* something was new: read it again */
		}
	}

	/* Whether anything in the list was new. */
	async readList() {
		let anyNew = false;
		for (let page = 1; page <= PAGES_MAX && this.allowed(); page++) {
			const { calls, hasMore } = await this.page(page);
			const fresh = calls.filter((call) => !this.done.has(String(call.sessionId)));
			for (let at = 0; at < fresh.length; at += PER_MESSAGE)
				await this.hand(fresh.slice(at, at + PER_MESSAGE));
			anyNew ||= fresh.length > 0;
			if (!hasMore)
				break;
		}
		return anyNew;
	}

	/* The widget asks the host for its marks first, and fails when that takes long. */
	async page(page) {
		for (let attempt = 1; ; attempt++) {
			try {
				const answer = await this.widget.call('/unlogged-calls',
					{ perPage: PER_PAGE, page });
				if (Array.isArray(answer?.calls))
					return answer;
				throw new Error(`no list of un-logged calls: ${JSON.stringify(answer)}`);
			} catch (error) {
				if (attempt === RETRIES || !this.allowed())
					throw error;
				await pause(RETRY_MS);
			}
		}
	}

	/* A message that is refused is halved, to find the call that it is for. */
	async hand(calls) {
		if (!this.allowed())
			return;
		const { done } = this;
		const result = await this.send({ calls });
		if (result?.kind === 'refused' && calls.length > 1) {
			const half = calls.length / 2 | 0;
			await this.hand(calls.slice(0, half));
			await this.hand(calls.slice(half));
			return;
		}
		if (result?.kind !== 'ok' && result?.kind !== 'refused')
			throw new Error(`the host is ${result?.kind ?? 'away'}`);
		calls.forEach((call) => done.add(String(call.sessionId)));
		const data = result.value?.response?.data;
		const refused = result.kind === 'ok' ? data?.refused ?? []
			: [{ sessionId: String(calls[0].sessionId), reason: result.why }];
		for (const { sessionId, reason } of refused)
			this.problem({ session: sessionId }, reason);
		this.logged((data?.logged ?? []).map(String));
		this.handed(calls);
	}
}
