/* backfill - calls that nobody logged: made while no page was open, or on another
 * phone. Reads the widget's list of them to its end and hands them to the host. The
 * list shrinks at the front while they are being logged, so it is read again until
 * nothing new is in it. */

import { ifAlone } from './locks.js';
import { withoutTokens } from './logger.js';

const PER_PAGE = 100;
const PER_MESSAGE = 50;
const PAGES_MAX = 200;
const RETRIES = 5;
const RETRY_MS = 5000;

const pause = (ms) => new Promise((resolve) => setTimeout(resolve, ms));

export class Backfill {
	/* widget: see widget.js; send(body): the plugin's answer's data, or null while the
	 * host is away; trigger(sessionIds): has the widget ask again. */
	constructor({ widget, send, trigger }) {
		Object.assign(this, { widget, send, trigger });
		this.done = new Set(); /* sessions handed over, or refused for good */
		this.running = false;
		this.again = false;
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
		for (let page = 1; page <= PAGES_MAX; page++) {
			const { calls, hasMore } = await this.page(page);
			const fresh = calls.filter((call) => !this.done.has(String(call.sessionId)));
			if (fresh.length) {
				anyNew = true;
				await this.hand(fresh);
			}
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
				if (attempt === RETRIES)
					throw error;
				await pause(RETRY_MS);
			}
		}
	}

	async hand(calls) {
		for (let at = 0; at < calls.length; at += PER_MESSAGE) {
			const some = calls.slice(at, at + PER_MESSAGE);
			const data = await this.send({ calls: some.map(withoutTokens) });
			if (!data)
				throw new Error('the host is away');
			some.forEach((call) => this.done.add(String(call.sessionId)));
			this.trigger((data.logged ?? []).map(String));
		}
	}
}
