/* waiting - who called, was not answered, and still waits: oldest first, with the age. */

import { element, number, words } from '../dom.js';
import { csvButton } from './csv.js';
import { age, count, OUTCOMES } from './say.js';

export class Waiting {
	/* now(): the host's time; linkToCall(sessionId, agents): the address of a call's own
	 * page, or null. */
	constructor(place, { now, linkTo, linkToCall }) {
		Object.assign(this, { place, now, linkTo, linkToCall });
		this.ages = [];
	}

	show({ waiting, from, until }, clock) {
		const shown = waiting.list.length;
		this.ages = [];
		this.place.replaceChildren(element('div', { class: 'head' },
			element('h2', { id: 'waiting-title' }, 'Still waiting'),
			csvButton('Callers who still wait', () => `still-waiting-${from}-${until}`,
				() => this.rows(waiting.list))),
		element('p', { class: 'soft' }, ...waiting.calls === 0
			? ['Nobody waits: whoever was missed in this period was called back, reached us since, '
				+ 'or withheld the number.']
			: [element('a', { href: this.linkTo('waiting') }, count(waiting.calls)),
				waiting.calls === 1 ? ' missed call' : ' missed calls',
				', whose number nobody has called since, nor answered a call from; longest first.',
				shown < waiting.calls ? ` The first ${count(shown)} are shown.` : '']),
		shown ? element('div', { class: 'scroll', tabindex: 0, role: 'region',
			'aria-label': 'Still waiting' }, this.table(waiting.list, clock)) : '');
	}

	table(list, clock) {
		return element('table', { class: 'numbers waiting' },
			element('caption', { class: 'unseen' }, 'Missed calls that nobody returned'),
			element('thead', {}, element('tr', {}, ...['Waits', 'Since', 'Caller', 'Number', 'Rang at', '']
				.map((title) => element('th', { scope: 'col' }, title || 'Outcome')))),
			element('tbody', {}, ...list.map((call) => this.row(call, clock))));
	}

	row(call, clock) {
		const waits = element('th', { scope: 'row', class: 'age' }, age(this.now() - call.began_at));
		const address = this.linkToCall(call.session_id, call.agents);
		const name = words(call.contact || call.name || 'Unknown');
		this.ages.push([waits, call.began_at]);
		return element('tr', {}, waits,
			element('td', { class: 'words' }, element('time',
				{ datetime: new Date(call.began_at).toISOString() }, clock.format(call.began_at))),
			element('td', { class: 'words' }, address
				? element('a', { href: address, target: 'call-log-desk' }, name) : name),
			element('td', { class: 'words' }, number(call.number)),
			element('td', { class: 'words' }, ...call.agents.flatMap((agent, i) =>
				[i ? ', ' : '', words(agent)])),
			element('td', { class: 'words' }, element('span',
				{ class: `tag ${call.outcome === 'voicemail' ? 'wait' : 'bad'}` }, OUTCOMES[call.outcome])));
	}

	/* Now and then. */
	tick() {
		for (const [cell, beganAt] of this.ages)
			cell.textContent = age(this.now() - beganAt);
	}

	rows(list) {
		return [['Since', 'Waits, seconds', 'Caller', 'Number', 'Rang at', 'Outcome'],
			...list.map((call) => [new Date(call.began_at).toISOString(),
				Math.round((this.now() - call.began_at) / 1000), call.contact || call.name, call.number,
				call.agents.join(' '), OUTCOMES[call.outcome]])];
	}
}
