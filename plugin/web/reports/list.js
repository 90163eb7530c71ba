/* list - the calls behind a figure, over the page: as many as the figure says, newest
 * first, page by page. */

import { element, icon, number, unseen, words } from '../dom.js';
import { listenButton } from '../player.js';
import { lasting } from '../words.js';
import { csvButton } from './csv.js';
import { count, FIGURES, hourName, oneOrMany, OUTCOMES, span, weekdayName } from './say.js';

const PAGE = 50;
const LOOKS = { answered: 'good', missed: 'bad', failed: 'bad', voicemail: 'wait', live: 'live' };
const WAYS = { Inbound: 'Incoming', Outbound: 'Outgoing', internal: 'Internal' };
const WHY = {
	refused: 'There is no such figure.',
	busy: 'The calls cannot be had now: the database is away, or takes too long.',
};

export class List {
	/* closed(place): those were closed by the agent; linkToCall: as in waiting.js. */
	constructor(dialog, { api, closed, linkToCall }) {
		Object.assign(this, { dialog, api, linkToCall });
		this.asked = 0;
		this.place = null;
		this.title = element('h2', { id: 'list-title', tabindex: -1 });
		this.says = element('p', { class: 'soft', role: 'status' });
		this.body = element('tbody');
		this.more = element('button', { type: 'button', on: { click: () => this.load() } });
		this.problem = element('p', { class: 'told', role: 'alert' });
		this.dialog.replaceChildren(
			element('div', { class: 'head' }, this.title,
				csvButton('These calls', () => `calls-${this.question.figure}`, () => this.rows()),
				element('button', { type: 'button', class: 'close', on: { click: () => dialog.close() } },
					'Close')),
			this.says, this.problem,
			element('div', { class: 'scroll', tabindex: 0, role: 'region', 'aria-label': 'The calls' },
				element('table', { class: 'calls' },
					element('caption', { class: 'unseen' }, 'The calls, newest first'),
					element('thead', {}, element('tr', {}, ...['Began', 'Who', 'Agent', 'Outcome', 'Talked',
						'Note'].map((title) => element('th', { scope: 'col' }, title)))), this.body)),
			this.more);
		dialog.addEventListener('close', () => {
			/* It is told later; another figure's may have been opened meanwhile. */
			if (dialog.open)
				return;
			const { place } = this;
			this.asked++;
			this.place = null;
			/* Nothing plays on unseen. */
			this.body.replaceChildren();
			if (place)
				closed(place);
		});
		/* What is outside of it closes it. */
		dialog.addEventListener('click', (event) => {
			if (event.target === dialog)
				dialog.close();
		});
	}

	/* Shows those of a place (place.js) in a report, or nothing (null). */
	show(place, report, clock) {
		if (JSON.stringify(place) === JSON.stringify(this.place))
			return;
		this.place = place;
		if (!place) {
			if (this.dialog.open)
				this.dialog.close();
			return;
		}
		Object.assign(this, { clock, calls: [], next: null });
		this.question = questionOf(place, report);
		this.title.textContent = FIGURES[place.figure] ?? place.figure;
		this.where = whereOf(place, this.question);
		this.says.textContent = this.where;
		this.body.replaceChildren();
		this.dialog.dataset.shows = '';
		if (!this.dialog.open)
			this.dialog.showModal();
		this.title.focus();
		this.load();
	}

	async load() {
		const asked = ++this.asked;
		this.more.hidden = true;
		this.problem.hidden = true;
		this.dialog.setAttribute('aria-busy', 'true');
		const answer = await this.api.ask('call_log/report-calls',
			{ ...this.question, before: this.next, limit: PAGE }, 16_000);
		if (asked !== this.asked)
			return;
		this.dialog.setAttribute('aria-busy', 'false');
		if (answer.kind === 'ok')
			this.take(answer.data);
		else
			this.fail(answer.kind);
	}

	take({ calls, next, count: all }) {
		const first = this.calls.length;
		this.calls.push(...calls);
		this.next = next;
		this.body.append(...calls.map((call) => this.row(call)));
		const gone = next === null ? all - this.calls.length : 0;
		this.says.textContent = `${oneOrMany(all, 'call', 'calls')}. ${this.where}${gone > 0
			? `. Of these, ${count(gone)} ${gone === 1 ? 'is' : 'are'} no longer kept.` : ''}`;
		this.more.hidden = next === null;
		this.more.textContent = `Show more (${count(all - this.calls.length)})`;
		this.dialog.dataset.shows = this.question.figure;
		if (first)
			this.body.rows[first]?.querySelector('a')?.focus();
	}

	fail(kind) {
		this.problem.hidden = false;
		this.problem.textContent = WHY[kind] ?? 'The host cannot be reached now.';
		this.more.hidden = kind === 'refused';
		this.more.textContent = 'Try again';
	}

	row(call) {
		const { parts, outcome } = call;
		const address = this.linkToCall(call.session_id, parts.map(({ agent }) => agent));
		const name = words(call.contact || call.name || call.number
			|| (call.erased ? 'Erased' : 'Anonymous'));
		const word = OUTCOMES[outcome ?? 'live'] ?? outcome;
		const listen = listenButton(call.recordings, `the call with ${name.textContent}`);
		return element('tr', { 'data-call': call.session_id },
			element('td', {}, element('time', { datetime: new Date(call.began_at).toISOString() },
				this.clock.format(call.began_at))),
			element('td', {}, element('span', { class: 'way' },
				icon(WAYS[call.direction] ? call.direction : 'unknown'),
				unseen(`${WAYS[call.direction] ?? 'Call'}: `)), ' ',
			address ? element('a', { href: address, target: 'call-log-desk' }, name) : name,
			call.number && call.number !== (call.contact || call.name)
				? element('div', { class: 'soft' }, number(call.number)) : null),
			element('td', {}, ...parts.flatMap(({ agent, outcome: ended }, i) => [i ? ', ' : '',
				words(agent), parts.length > 1 && ended && ended !== outcome
					? element('span', { class: 'soft' }, ` (${(OUTCOMES[ended] ?? ended).toLowerCase()})`)
					: null].filter(Boolean))),
			element('td', {}, element('span', { class: `tag ${LOOKS[outcome ?? 'live'] ?? ''}` }, word),
				call.queue ? element('span', { class: 'soft' }, ' queue') : null),
			element('td', { class: 'number' }, call.talk_s === null ? '' : lasting(call.talk_s)),
			element('td', { class: 'noted' }, call.note ? words(call.note.slice(0, 300)) : '',
				listen ? element('div', {}, listen) : null));
	}

	rows() {
		return [['Began', 'Direction', 'Name', 'Number', 'Agents', 'Outcome', 'Talked, seconds', 'Note'],
			...this.calls.map((call) => [new Date(call.began_at).toISOString(), WAYS[call.direction],
				call.contact || call.name, call.number, call.parts.map(({ agent }) => agent).join(' '),
				OUTCOMES[call.outcome ?? 'live'], call.talk_s, call.note])];
	}
}

function questionOf(place, report) {
	const [from, until] = place.on ?? [report.from, report.until];
	const agent = place.of ?? report.agent;
	return { period: 'days', from, until, figure: place.figure, weekday: place.weekday,
		hour: place.hour, ...agent ? { agent } : report.by_team ? { team: report.team } : {} };
}

function whereOf({ weekday, hour, of }, { from, until, agent, team }) {
	return [of || agent ? `Of ${of || agent}` : team === undefined ? null
		: team === null ? 'Of agents of no team' : `Of team ${team}`,
	span(from, until), weekday ? weekdayName(weekday) : null,
	hour === null || hour === undefined ? null : `${hourName(hour)} to ${hourName((hour + 1) % 24)}`]
		.filter(Boolean).join(', ');
}
