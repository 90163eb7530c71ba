/* agents - the figures of each agent, a table that is sorted by any of its columns. */

import { element, unseen, words } from '../dom.js';
import { csvButton } from './csv.js';
import { count, hours, percent, seconds, shareOf } from './say.js';

/* value: to sort by and for files; figure: what it links to; show: other than as a
 * number. */
const COLUMNS = [
	{ title: 'Agent', value: ({ agent }) => agent, isText: true },
	{ title: 'Team', value: ({ team }) => team ?? '', isText: true },
	{ title: 'Calls', figure: 'calls', value: ({ calls }) => calls },
	{ title: 'Before', figure: 'calls', isBefore: true, value: (one) => one.calls_before },
	{ title: 'In', figure: 'inbound', value: ({ inbound }) => inbound },
	{ title: 'Out', figure: 'outbound', value: ({ outbound }) => outbound },
	{ title: 'Answered', figure: 'answered', value: ({ answered }) => answered },
	{ title: 'of ended', figure: 'ended', value: (one) => shareOf(one.answered, one.ended),
		show: (one) => `${percent(shareOf(one.answered, one.ended))} of ${count(one.ended)}` },
	{ title: 'Missed', figure: 'missed', value: ({ missed }) => missed },
	{ title: 'Voicemail', figure: 'voicemail', value: ({ voicemail }) => voicemail },
	{ title: 'Talk time', figure: 'answered', value: (one) => one.talk_total_s,
		show: (one) => hours(one.talk_total_s) },
	{ title: 'Average', figure: 'answered', value: (one) => one.talk_average_s,
		show: (one) => seconds(one.talk_average_s) },
	{ title: 'Median', figure: 'answered', value: (one) => one.talk_median_s,
		show: (one) => seconds(one.talk_median_s) },
	{ title: '9 of 10', figure: 'answered', value: (one) => one.talk_p90_s,
		show: (one) => seconds(one.talk_p90_s) },
	{ title: 'Notes', figure: 'with_note', value: (one) => one.with_note },
];

export class Agents {
	/* linkToAgent(agent): the address of that one's report. */
	constructor(place, { linkTo, linkToAgent, said }) {
		Object.assign(this, { place, linkTo, linkToAgent, said });
		this.by = COLUMNS[2];
		this.down = true;
		this.body = element('tbody');
		this.heads = COLUMNS.map((column) => element('th', { scope: 'col' },
			element('button', { type: 'button', on: { click: () => this.sort(column) } },
				column.title, element('span', { class: 'arrow', 'aria-hidden': 'true' }))));
		place.replaceChildren(element('div', { class: 'head' },
			element('h2', { id: 'by-agent-title' }, 'Agents'),
			csvButton('Agents', () => this.name, () => this.rows())),
		element('p', { class: 'soft' }, 'Each agent\'s part in calls: one that several had counts for '
			+ 'each of them. Before: calls of as many days before.'),
		element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'Agents' },
			element('table', { class: 'numbers agents' },
				element('caption', { class: 'unseen' }, 'Figures of each agent; columns sort'),
				element('thead', {}, element('tr', {}, ...this.heads)), this.body)));
	}

	sort(column) {
		this.down = this.by === column ? !this.down : !column.isText;
		this.by = column;
		this.draw();
		this.said(`Sorted by ${column.title}, ${this.down ? 'most first' : 'least first'}`);
	}

	show(report) {
		this.name = `agents-${report.from}-${report.until}`;
		this.span = [report.before.from, report.before.until];
		this.agents = report.agents;
		this.draw();
	}

	sorted() {
		const { value, isText } = this.by;
		const order = isText ? (a, b) => value(a).localeCompare(value(b), undefined, { numeric: true })
			: (a, b) => (value(a) ?? -1) - (value(b) ?? -1);
		return [...this.agents].sort((a, b) => (this.down ? -order(a, b) : order(a, b))
			|| a.agent.localeCompare(b.agent));
	}

	draw() {
		this.heads.forEach((head, i) => {
			const sorted = COLUMNS[i] === this.by;
			head.setAttribute('aria-sort', !sorted ? 'none' : this.down ? 'descending' : 'ascending');
		});
		this.body.replaceChildren(...this.sorted().map((one) => element('tr', {},
			element('th', { scope: 'row' },
				element('a', { href: this.linkToAgent(one.agent) }, words(one.agent))),
			...COLUMNS.slice(1).map((column) => this.cell(column, one)))));
	}

	cell({ figure, value, show, isBefore, isText }, one) {
		if (isText)
			return element('td', { class: 'words' }, words(value(one)));
		const text = show ? show(one) : count(value(one));
		return element('td', {}, value(one) ? element('a', { href: this.linkTo(figure,
			{ of: one.agent, ...isBefore ? { on: this.span } : {} }) }, text,
		unseen(` of ${one.agent}`)) : text);
	}

	rows() {
		return [['Agent', 'Team', 'Calls', 'Calls before', 'Incoming', 'Outgoing', 'Answered',
			'Answered, percent of ended', 'Ended', 'Missed', 'Voicemail', 'Talk time, seconds',
			'Average, seconds', 'Median, seconds', '9 of 10 within, seconds', 'With a note'],
		...this.sorted().map((one) => [one.agent, one.team, one.calls, one.calls_before, one.inbound,
			one.outbound, one.answered, one.ended ? Math.round(1000 * one.answered / one.ended) / 10 : null,
			one.ended, one.missed, one.voicemail, one.talk_total_s, one.talk_average_s,
			one.talk_median_s, one.talk_p90_s, one.with_note])];
	}
}
