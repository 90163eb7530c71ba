/* call - the page of one call: who, when, how it went, its note and what that was
 * before, its recording, what the phone service wrote of it. */

import { element, icon, number, unseen, words } from './dom.js';
import { Editor } from './editor.js';
import { Player } from './player.js';
import { recordingsOf } from './recordings.js';
import { directionOf, isLive, lasting, loggedBy, momentOf, nameOf, secondsOf,
	standingOf } from './words.js';

export class CallPage {
	/* notes: see notes.js. */
	constructor(place, { api, notes }) {
		Object.assign(this, { place, api, notes });
		this.sessionId = null;
		this.asked = 0;
		this.loading = false;
		this.again = false;
	}

	/* Shows that call, or none (null). */
	open(sessionId) {
		if (sessionId === this.sessionId)
			return;
		Object.assign(this, { sessionId, call: null, editor: null, player: null, as: null });
		this.place.hidden = sessionId === null;
		delete this.place.dataset.shows;
		this.head = element('div', { class: 'head' });
		this.facts = element('div', { class: 'facts' });
		this.more = element('div', { class: 'more' });
		this.place.replaceChildren();
		if (sessionId === null)
			return;
		this.place.append(
			element('a', { href: '#', class: 'back' }, icon('back'), 'All calls'),
			element('h2', { id: 'call-name', tabindex: -1 }, 'Call'),
			this.head);
		this.title = this.place.querySelector('h2');
		this.title.focus({ preventScroll: true });
		this.head.append('Loading …');
		this.refresh();
	}

	async refresh() {
		if (this.sessionId === null)
			return;
		const { sessionId } = this;
		const asked = ++this.asked;
		const note = this.notes.of(sessionId);
		const { loads } = note;
		const answer = await this.api.ask('call_log/call', { sessionId });
		if (asked !== this.asked || sessionId !== this.sessionId)
			return;
		if (answer.kind === 'ok')
			this.take(answer.data, loads);
		else if (!this.call)
			this.head.textContent = 'This call cannot be shown now; it is tried again.';
	}

	take({ call, notes }, loads) {
		if (!call) {
			if (!this.call)
				this.head.textContent = 'There is no such call of yours, or not yet.';
			return;
		}
		/* It may have become part of another one. */
		if (call.sessionId !== this.sessionId) {
			this.notes.move(this.sessionId, call.sessionId);
			location.replace(`#call/${encodeURIComponent(call.sessionId)}`);
			return;
		}
		const note = this.notes.of(call.sessionId);
		this.notes.loaded(note, call, loads);
		this.call = call;
		if (!this.editor) {
			this.editor = new Editor(note, this.notes);
			this.player = new Player();
			this.place.append(this.editor.element, this.player.element, this.facts, this.more);
			this.place.dataset.shows = call.sessionId;
		}
		const as = JSON.stringify([call, notes, isLive(call, this.api.now())]);
		if (this.as !== as)
			this.show(call, notes);
		this.as = as;
	}

	/* Its note changed here. */
	noteChanged(note) {
		if (note.sessionId === this.sessionId)
			this.editor?.show();
	}

	show(call, notes) {
		this.title.replaceChildren(words(nameOf(call)));
		document.title = `${nameOf(call)} – Calls`;
		this.showHead(call);
		this.player.show(call.recordings);
		this.facts.replaceChildren(element('h3', {}, 'The call'), this.factsOf(call));
		/* What was opened stays open. */
		const open = new Set([...this.more.querySelectorAll('details[open]')]
			.map((details) => details.dataset.name));
		this.more.replaceChildren(this.historyOf(notes), ...this.textsOf(call));
		for (const details of this.more.querySelectorAll('details'))
			details.open = open.has(details.dataset.name);
	}

	showHead(call) {
		const now = this.api.now();
		const { word, look } = standingOf(call, now);
		const seconds = secondsOf(call, now);
		this.ticking = isLive(call, now)
			? element('span', { class: 'lasting' }, seconds === null ? '' : lasting(seconds)) : null;
		this.head.dataset.look = look;
		this.head.replaceChildren(
			element('span', { class: 'way' }, icon(call.direction ?? 'unknown')),
			element('span', {}, `${directionOf(call)} `),
			element('span', { class: `tag ${look}` }, word), this.ticking ?? '',
			call.number ? number(call.number) : '');
	}

	/* Once a second. */
	tick() {
		if (!this.call || !this.ticking)
			return;
		const now = this.api.now();
		const seconds = secondsOf(this.call, now);
		this.ticking.textContent = seconds === null ? '' : lasting(seconds);
		if (!isLive(this.call, now))
			this.showHead(this.call);
	}

	factsOf(call) {
		const party = (name, phone) => name || phone
			? [name && name !== phone ? words(name) : null, phone ? number(phone) : null] : null;
		const live = isLive(call, this.api.now());
		const rows = [
			['Began', call.startedAt === null ? null : momentOf(call.startedAt)],
			['Lasted', live || call.durationS === null ? null : lasting(call.durationS)],
			['From', party(call.fromName, call.fromNumber)],
			['To', party(call.toName, call.toNumber)],
			['Contact', call.contactName || call.contactId ? [
				call.contactName ? words(call.contactName) : null,
				call.contactType ? words(call.contactType, { class: 'soft' }) : null,
				call.contactId ? words(call.contactId, { class: 'soft' }) : null] : null],
			['Recording', recordingsOf(call)],
			['Result', call.result && !live ? words(call.result) : null],
			['Queue', call.queueCall === null ? null
				: call.queueCall ? 'came through a call queue' : 'not a queue call'],
			['Logged', `${loggedBy(call)}; last changed ${momentOf(call.updatedAt)}`],
			['Form', formOf(call.form)],
			['Id', [number(call.id), element('span', { class: 'soft' }, 'session ',
				words(call.sessionId))]],
		];
		return element('dl', {}, ...rows.filter(([, value]) => value !== null)
			.map(([name, value]) => element('div', {}, element('dt', {}, name),
				element('dd', {}, ...spaced([value].flat())))));
	}

	historyOf(notes) {
		if (!notes.length)
			return '';
		return element('section', { class: 'history', 'aria-labelledby': 'history-title' },
			element('h3', { id: 'history-title' }, 'History of the note'),
			element('ol', {}, ...notes.map(({ savedAt, note, elsewhere }) => element('li', {},
				element('p', { class: 'soft' }, element('time',
					{ datetime: new Date(savedAt).toISOString() }, momentOf(savedAt)),
				elsewhere ? ' outside the phone' : ' in the phone'),
				note ? element('p', { class: 'text', dir: 'auto' }, note)
					: element('p', { class: 'soft' }, element('em', {}, 'removed'))))));
	}

	textsOf(call) {
		return [['aiNote', 'Note by the phone service', call.aiNote],
			['transcript', 'Transcript', call.transcript]]
			.filter(([, , text]) => text)
			.map(([name, title, text]) => element('details', { 'data-name': name },
				element('summary', {}, title), element('p', { class: 'text', dir: 'auto' }, text)));
	}
}

/* With a blank between what is there, so that it is read apart. */
function spaced(nodes) {
	return nodes.filter((node) => node !== null).flatMap((node, i) => i ? [' ', node] : [node]);
}

/* What a custom form held, as its own small list; the note is shown elsewhere. */
function formOf(form) {
	const members = Object.entries(form ?? {}).filter(([name]) => name !== 'note');
	if (!members.length)
		return null;
	return element('ul', { class: 'form' }, ...members.map(([name, value]) => element('li', {},
		words(name, { class: 'soft' }), ' ',
		words(typeof value === 'string' ? value : JSON.stringify(value)))));
}
