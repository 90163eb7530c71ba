/* list - the calls as rows under their days. A row stays the same element as long as
 * its call is shown, so that what has the focus keeps it. */

import { arrange, element, icon, number, unseen, words } from './dom.js';
import { dayOf, directionOf, isLive, lasting, momentOf, nameOf, secondsOf, standingOf,
	timeOf } from './words.js';

export function addressOf(sessionId) {
	return `#call/${encodeURIComponent(sessionId)}`;
}

export class List {
	/* now(): the host's time; hasDraft(sessionId): a note of it is not saved yet. */
	constructor(place, { now, hasDraft }) {
		Object.assign(this, { place, now, hasDraft });
		this.rows = new Map(); /* session id -> {item, link, as} */
		this.days = new Map(); /* day -> {section, list} */
		this.current = null;
	}

	show(calls) {
		const now = this.now();
		const rows = new Map();
		const days = new Map();
		for (const call of calls) {
			const row = this.rowOf(call, now);
			rows.set(call.sessionId, row);
			const day = dayOf(call.startedAt, now);
			days.set(day, [...days.get(day) ?? [], row.item]);
		}
		this.rows = rows;
		for (const day of this.days.keys())
			if (!days.has(day))
				this.days.delete(day);
		for (const [day, items] of days)
			arrange(this.dayOf(day).list, items);
		arrange(this.place, [...days.keys()].map((day) => this.days.get(day).section));
		this.mark(this.current);
	}

	dayOf(day) {
		if (!this.days.has(day)) {
			const list = element('ul', { class: 'rows' });
			const section = element('section', { class: 'day' }, element('h3', {}, day), list);
			this.days.set(day, { section, list });
		}
		return this.days.get(day);
	}

	rowOf(call, now) {
		const draft = this.hasDraft(call.sessionId);
		const as = JSON.stringify([call, draft, isLive(call, now)]);
		const row = this.rows.get(call.sessionId) ?? this.newRow(call);
		if (row.as !== as) {
			row.as = as;
			row.call = call;
			row.link.classList.toggle('noted', Boolean(draft || call.hasRecording || call.note));
			row.link.dataset.look = standingOf(call, now).look;
			row.link.replaceChildren(...this.cells(call, draft, now));
			row.ticking = row.link.querySelector('.ticking');
		}
		return row;
	}

	newRow({ sessionId }) {
		const link = element('a', { class: 'row', href: addressOf(sessionId) });
		return { link, item: element('li', {}, link) };
	}

	cells(call, draft, now) {
		const standing = standingOf(call, now);
		const name = nameOf(call);
		const seconds = secondsOf(call, now);
		return [
			element('span', { class: 'way' }, icon(directionOf(call) === 'Call' ? 'unknown'
				: call.direction), unseen(`${directionOf(call)}: `)),
			element('span', { class: 'name' }, words(name)),
			element('span', { class: 'under' },
				call.number && call.number !== name ? number(call.number) : null),
			element('span', { class: 'note' },
				draft ? element('span', { class: 'tag draft' }, 'not saved') : null,
				call.hasRecording ? element('span', { class: 'recorded' },
					icon('recording'), unseen('recorded')) : null,
				call.note ? words(call.note.replace(/\s+/g, ' ').slice(0, 200)) : null),
			element('span', { class: 'ends' },
				element('span', { class: `tag ${standing.look}` }, standing.word), ' ',
				element('span', { class: `lasting${isLive(call, now) ? ' ticking' : ''}` },
					seconds === null ? '' : lasting(seconds))),
			call.startedAt === null ? element('span', { class: 'when' })
				: element('time', { class: 'when', title: momentOf(call.startedAt),
					datetime: new Date(call.startedAt).toISOString() }, timeOf(call.startedAt)),
		];
	}

	/* Once a second. */
	tick() {
		const now = this.now();
		for (const { ticking, call } of this.rows.values())
			if (ticking) {
				const seconds = secondsOf(call, now);
				ticking.textContent = seconds === null ? '' : lasting(seconds);
			}
	}

	/* The row of the call whose page is open. */
	mark(sessionId) {
		this.rows.get(this.current)?.link.removeAttribute('aria-current');
		this.current = sessionId;
		this.rows.get(sessionId)?.link.setAttribute('aria-current', 'true');
	}

	/* False: the call is not shown. */
	focus(sessionId) {
		this.rows.get(sessionId)?.link.focus();
		return this.rows.has(sessionId);
	}
}
