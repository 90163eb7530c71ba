/* figures - the cards with the figures of the period, each beside what it was in as
 * many days before, and each a link to its calls. */

import { element, unseen } from '../dom.js';
import { csvButton } from './csv.js';
import { count, FIGURES, hours, percent, points, seconds, shareOf } from './say.js';

/* of: what the figure is a share of. good: which way is the better one (1: up).
 * parts: figures below it, with their words. */
const CARDS = [
	{ title: 'Calls', figure: 'calls', parts: [['inbound', 'incoming'], ['outbound', 'outgoing'],
		['internal', 'internal'], ['live', 'in progress']] },
	{ title: 'Incoming, answered', figure: 'inbound_answered', of: 'inbound_ended', good: 1 },
	{ title: 'Missed', figure: 'missed', good: -1, parts: [['voicemail', 'more to voicemail']] },
	{ title: 'Still waiting', figure: 'waiting', good: -1,
		text: 'missed callers, not called back since' },
	{ title: 'All answered', figure: 'answered', of: 'ended', good: 1 },
	{ title: 'With a note', figure: 'with_note', of: 'calls', good: 1 },
	{ title: 'Recorded', figure: 'recorded', of: 'answered' },
];
const FEW = 20;
const TALK = [['Average', 'talk_average_s'], ['Median', 'talk_median_s'],
	['9 of 10 within', 'talk_p90_s']];

export class Figures {
	/* linkTo(figure, more): the address of its calls. */
	constructor(place, { linkTo }) {
		Object.assign(this, { place, linkTo });
	}

	show(report) {
		this.now = { ...report.figures, waiting: report.waiting.calls };
		this.before = { ...report.before.figures, waiting: report.waiting.before };
		this.span = [report.before.from, report.before.until];
		this.report = report;
		this.place.replaceChildren(element('div', { class: 'head' },
			element('h2', {}, 'Figures'),
			csvButton('Figures', () => `figures-${report.from}-${report.until}`, () => this.rows())),
		...CARDS.map((card) => this.card(card)), this.talkCard());
	}

	link(figure, value = this.now[figure], more = {}, text = count(value)) {
		return element('a', { href: this.linkTo(figure, more), 'data-figure': figure,
			'aria-label': `${text}, ${FIGURES[figure]}${more.on ? ', the period before' : ''}` }, text);
	}

	linkBefore(figure, text) {
		return this.link(figure, this.before[figure], { on: this.span }, text);
	}

	card({ title, figure, of, good, parts = [], text }) {
		const { now, before } = this;
		const share = of && shareOf(now[figure], now[of]);
		const shown = parts.filter(([name, word]) => now[name] > 0 || word === 'incoming'
			|| word === 'outgoing' || name === 'voicemail');
		return element('section', { class: 'card', 'data-card': figure, 'data-share': Boolean(of) },
			element('h3', {}, title),
			element('p', { class: 'value' }, of ? this.link(figure, now[figure], {}, percent(share))
				: this.link(figure)),
			element('p', { class: 'of' },
				...of ? [this.link(figure), ' of ', this.link(of)] : [],
				...shown.flatMap(([name, word], i) => [i ? ', ' : '', this.link(name), ` ${word}`]),
				text ?? null),
			element('p', { class: 'before' }, ...of
				? [this.changeOf(share, shareOf(before[figure], before[of]), good, true),
					this.linkBefore(figure, percent(shareOf(before[figure], before[of]))), ' before, ',
					this.linkBefore(figure), ' of ', this.linkBefore(of)]
				: [this.changeOf(now[figure], before[figure], good, false),
					this.linkBefore(figure), ' before']));
	}

	/* How much it went up or down, and whether that is good. */
	changeOf(now, before, good, isShare) {
		if (now === null || before === null)
			return null;
		/* A percentage of few says little. */
		const isFew = !isShare && before < FEW;
		const by = isShare || isFew ? now - before : 100 * (now - before) / before;
		const steady = Math.abs(by) < 0.05;
		const look = steady || !good ? 'plain' : by * good > 0 ? 'good' : 'bad';
		const size = isShare ? points(Math.abs(by)) : isFew ? count(Math.abs(by)) : percent(Math.abs(by));
		return element('span', { class: `change ${look}` }, ...steady ? ['as before'] : [
			element('span', { 'aria-hidden': 'true' }, by > 0 ? '▲ ' : '▼ '),
			unseen(by > 0 ? 'up ' : 'down '), size], ' ');
	}

	talkCard() {
		const { now, before } = this;
		return element('section', { class: 'card wide', 'data-card': 'talk' },
			element('h3', {}, 'Talk time'),
			element('p', { class: 'value' },
				this.link('answered', now.answered, {}, hours(now.talk_total_s))),
			element('p', { class: 'of' }, 'in ', this.link('answered'), ' answered calls'),
			element('p', { class: 'before' },
				before.talk_total_s ? this.changeOf(now.talk_total_s, before.talk_total_s, 0, false) : null,
				this.linkBefore('answered', hours(before.talk_total_s)), ' before'),
			element('dl', {}, ...TALK.map(([title, name]) => element('div', {},
				element('dt', {}, title),
				element('dd', {}, this.link('answered', now.answered, {}, seconds(now[name]))),
				element('dd', { class: 'before' },
					this.linkBefore('answered', seconds(before[name])), ' before')))));
	}

	rows() {
		const { from, until } = this.report;
		const names = [...new Set(CARDS.flatMap(({ figure, of, parts = [] }) =>
			[figure, of, ...parts.map(([name]) => name)]).filter(Boolean))];
		const talk = ['talk_total_s', ...TALK.map(([, name]) => name)];
		return [['Figure', `${from} to ${until}`, `${this.span[0]} to ${this.span[1]}`],
			...names.map((name) => [FIGURES[name], this.now[name], this.before[name]]),
			...talk.map((name) => [{ talk_total_s: 'Talk time, seconds',
				talk_average_s: 'Average talk time, seconds', talk_median_s: 'Median talk time, seconds',
				talk_p90_s: 'Talk time that 9 of 10 do not exceed, seconds' }[name],
			this.now[name], this.before[name]])];
	}
}
