/* desk - an agent's desk: the phone, which the page bridge puts beside, and the calls
 * as they happen, to be found, read, and noted on. This file joins the parts:
 *
 *   bridge's events on document ──► calls.js ── list.js    the calls
 *   api.js ── the plugin                     ├─ call.js    one call
 *                                  notes.js ─┴─ editor.js  its note
 *                                  state.js                how it stands with the host
 */

import { Api } from './api.js';
import { CallPage } from './call.js';
import { Calls } from './calls.js';
import { offerDemo } from './demo.js';
import { addressOf, List } from './list.js';
import { Notes } from './notes.js';
import { State } from './state.js';
import { directionOf, momentOf, nameOf } from './words.js';

const REFRESH_MS = 30_000; /* for what happened at another PC */
const GATHER_MS = 200;     /* what changes at once is asked for once */
const RETRY_MIN_MS = 2000;
const RETRY_MAX_MS = 15_000;
const TYPING_MS = 200;

const part = (id) => document.getElementById(id);

class Desk {
	constructor() {
		this.state = new State(part('state-words'), part('notices'));
		this.api = new Api((kind) => this.state.heard(kind));
		this.retryMs = RETRY_MIN_MS;
		this.seen = null; /* the newest calls that were shown: others are new */
	}

	async start() {
		document.addEventListener('call-log:state', ({ detail }) => this.hostIs(detail));
		document.addEventListener('call-log:aside', ({ detail }) => this.state.keeps(detail));
		document.addEventListener('call-log:problem', ({ detail }) => this.state.problem(detail));
		document.addEventListener('call-log:logged', () => this.refresh());
		document.addEventListener('call-log:view', (event) => this.view(event));
		this.chooseSide();
		part('skip').addEventListener('click', (event) => {
			event.preventDefault();
			part('main').focus();
		});
		while (!await this.api.begin())
			await new Promise((wake) => setTimeout(wake, RETRY_MIN_MS));
		this.begin();
	}

	begin() {
		this.notes = new Notes({ api: this.api, storage: storage(),
			changed: (note) => this.noteChanged(note), saved: () => this.refresh() });
		this.list = new List(part('days'), { now: () => this.api.now(),
			hasDraft: (sessionId) => this.notes.hasDraft(sessionId) });
		this.page = new CallPage(part('call'), this);
		this.calls = new Calls(this.api, { shown: () => this.showCalls(),
			failed: () => this.callsFailed() });
		this.drafts = '';
		this.notes.recall();
		part('who').textContent = this.api.agent;
		offerDemo(this.api);
		this.hearSearch();
		part('more').addEventListener('click', () => this.calls.more());
		addEventListener('hashchange', () => this.route());
		addEventListener('beforeunload', (event) => {
			if (this.notes.anyUnkept)
				event.preventDefault();
		});
		document.addEventListener('visibilitychange', () => this.refresh());
		setInterval(() => this.refresh(), REFRESH_MS);
		setInterval(() => this.tick(), 1000);
		this.calls.load();
		this.route();
	}

	/* -------------------------------------------------------------- the calls */

	refresh() {
		if (!this.calls || this.gathering || document.visibilityState !== 'visible')
			return;
		this.gathering = setTimeout(() => {
			this.gathering = null;
			this.calls.load();
			this.page.refresh();
		}, GATHER_MS);
	}

	tick() {
		this.list.tick();
		this.page.tick();
	}

	hearSearch() {
		const field = part('search');
		const find = () => {
			clearTimeout(this.typing);
			if (field.value.trim() !== this.calls.search) {
				this.searched = true;
				this.calls.find(field.value.trim());
			}
		};
		field.addEventListener('input', () => {
			clearTimeout(this.typing);
			this.typing = setTimeout(find, TYPING_MS);
		});
		part('find').addEventListener('submit', (event) => {
			event.preventDefault();
			find();
		});
		find();
	}

	showCalls() {
		const { list, next, search } = this.calls;
		this.list.show(list);
		part('stale').hidden = true;
		part('more').hidden = next === null;
		part('none').hidden = list.length > 0;
		part('none').textContent = search ? `No call was found for “${search}”.`
			: 'No calls yet. They appear here as they happen.';
		this.known = Date.now();
		this.retryMs = RETRY_MIN_MS;
		this.announce();
	}

	/* To those who do not see the list. */
	announce() {
		const { list, next, search } = this.calls;
		if (this.searched)
			part('said').textContent = `${list.length}${next ? ' and more' : ''} found`;
		else if (this.seen && !search)
			list.filter((call) => !this.seen.has(call.sessionId) && call.startedAt > this.newest)
				.slice(0, 1).forEach((call) => {
					part('said').textContent = `${directionOf(call)} call, ${nameOf(call)}`;
				});
		this.searched = false;
		this.seen ??= new Set();
		for (const call of list) {
			this.seen.add(call.sessionId);
			this.newest = Math.max(this.newest ?? 0, call.startedAt ?? 0);
		}
	}

	callsFailed() {
		const stale = part('stale');
		stale.hidden = false;
		stale.textContent = this.known
			? `As it was at ${momentOf(this.known)}: the calls cannot be asked for now.`
			: 'The calls cannot be asked for now; it is tried again.';
		clearTimeout(this.retrying);
		this.retrying = setTimeout(() => this.refresh(), this.retryMs);
		this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
	}

	/* --------------------------------------------------------------- one call */

	/* #call/<session id>, or anything else: all calls. */
	route() {
		const [, name] = /^#call\/(.+)$/.exec(location.hash) ?? [];
		const sessionId = name === undefined ? null : decoded(name);
		const before = this.page.sessionId;
		document.body.dataset.view = sessionId === null ? 'list' : 'call';
		if (sessionId === null)
			document.title = `Calls – ${this.api.agent}`;
		this.page.open(sessionId);
		this.list.mark(sessionId);
		if (sessionId === null && before !== null && !this.list.focus(before))
			part('main').focus();
	}

	/* The agent asks for a call in the phone: this is its page. */
	view(event) {
		event.preventDefault();
		location.hash = addressOf(event.detail.sessionId);
		this.showSide('calls');
	}

	noteChanged(note) {
		this.page.noteChanged(note);
		const drafts = [...this.notes.notes.keys()].filter((id) => this.notes.hasDraft(id)).join(' ');
		if (drafts !== this.drafts && this.calls.list)
			this.list.show(this.calls.list);
		this.drafts = drafts;
	}

	hostIs(detail) {
		const back = detail.host === 'online' && this.state.bridge !== 'online';
		this.state.told(detail);
		if (!back || !this.notes)
			return;
		this.notes.retry();
		this.refresh();
	}

	/* ---------------------------------------------------------- phone or calls */

	/* Where there is room for one of them only. */
	chooseSide() {
		for (const button of part('sides').children)
			button.addEventListener('click', () => this.showSide(button.dataset.side));
	}

	showSide(side) {
		document.body.dataset.side = side;
		for (const button of part('sides').children)
			button.setAttribute('aria-pressed', button.dataset.side === side);
	}
}

/* null where the browser keeps nothing. */
function storage() {
	try {
		return window.localStorage;
	} catch {
		return null;
	}
}

function decoded(text) {
	try {
		return decodeURIComponent(text);
	} catch {
		return text;
	}
}

/* The page of reports leads back to this tab: another one would have no phone. */
window.name ||= 'call-log-desk';
new Desk().start();
