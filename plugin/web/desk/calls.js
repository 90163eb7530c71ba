/* calls - which of the agent's calls are shown: those that a search finds, newest
 * first, as many pages as were asked for, asked anew whenever something may have
 * changed. It knows nothing of how they look. */

const PAGE = 50;
const PAGE_MAX = 200; /* of one answer */

export class Calls {
	/* shown(): the list is another; failed(kind): it could not be had. */
	constructor(api, { shown, failed }) {
		Object.assign(this, { api, shown, failed });
		this.list = null;    /* null: not known yet */
		this.search = '';
		this.wanted = PAGE;
		this.next = null;    /* not null: there are more */
		this.asked = 0;      /* counts questions: of two answers the later one's counts */
		this.loading = false;
		this.again = false;
	}

	find(search) {
		this.search = search;
		this.wanted = PAGE;
		this.asked++;
		return this.load();
	}

	more() {
		this.wanted = this.list.length + PAGE;
		return this.load();
	}

	async load() {
		if (this.loading) {
			this.again = true;
			return;
		}
		this.loading = true;
		do {
			this.again = false;
			await this.loadOnce();
		} while (this.again);
		this.loading = false;
	}

	/* As many as are wanted, page by page. */
	async loadOnce() {
		const { search, wanted } = this;
		const asked = ++this.asked;
		const list = [];
		let before = null;
		do {
			const limit = Math.min(wanted - list.length, PAGE_MAX);
			const answer = await this.api.ask('call_log/calls', { search, before, limit });
			if (asked !== this.asked)
				return;
			if (answer.kind !== 'ok') {
				this.failed(answer.kind);
				return;
			}
			list.push(...answer.data.calls);
			before = answer.data.next;
		} while (before !== null && list.length < wanted);
		/* A call that began meanwhile moves the pages on: no call twice. */
		this.list = [...new Map(list.map((call) => [call.sessionId, call])).values()];
		this.next = before;
		this.shown();
	}
}
