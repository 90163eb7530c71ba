/* load - when calls come: a table of the hours of the week, the busier the darker. Where
 * the window is narrow, weekdays are its columns. */

import { element, unseen } from '../dom.js';
import { csvButton } from './csv.js';
import { count, hourName, weekdayName } from './say.js';

const LEVELS = 6;
const MEASURES = [['calls', 'All'], ['inbound', 'Incoming'], ['outbound', 'Outgoing'],
	['missed', 'Missed']];
const WEEKDAYS = [1, 2, 3, 4, 5, 6, 7];
const HOURS = Array.from({ length: 24 }, (_, hour) => hour);

function headOfHour(hour) {
	return element('span', { title: hourName(hour) }, String(hour).padStart(2, '0'), unseen(':00'));
}

function headOfDay(weekday) {
	return element('abbr', { title: weekdayName(weekday) }, weekdayName(weekday, { brief: true }));
}

export class Load {
	constructor(place, { linkTo }) {
		Object.assign(this, { place, linkTo });
		this.measure = 'calls';
		this.narrow = matchMedia('(max-width: 48rem)');
		this.narrow.addEventListener('change', () => this.draw());
		this.says = element('p', { class: 'soft' });
		this.table = element('table', { class: 'heat' });
		this.choice = element('fieldset', { class: 'choice' },
			element('legend', { class: 'unseen' }, 'Which calls'),
			...MEASURES.map(([name, word]) => element('label', {},
				element('input', { type: 'radio', name: 'measure', value: name,
					checked: name === this.measure, on: { change: () => this.choose(name) } }),
				element('span', {}, word))));
		place.replaceChildren(element('div', { class: 'head' },
			element('h2', { id: 'by-hour-title' }, 'Hours of the week'), this.choice,
			csvButton('Hours of the week', () => this.name, () => this.rows())),
		this.says, this.table);
	}

	choose(name) {
		this.measure = name;
		this.draw();
	}

	show(report) {
		this.name = `hours-of-week-${report.from}-${report.until}`;
		this.hours = new Map(report.hours.map((one) => [`${one.weekday} ${one.hour}`, one]));
		this.zone = report.zone;
		this.draw();
	}

	numberAt(weekday, hour, measure = this.measure) {
		return this.hours.get(`${weekday} ${hour}`)?.[measure] ?? 0;
	}

	draw() {
		if (!this.hours)
			return;
		const most = Math.max(1, ...[...this.hours.values()].map((one) => one[this.measure]));
		this.says.textContent = `How many calls began in each hour, all weeks of the period together; `
			+ `hours of ${this.zone}.`;
		const narrow = this.narrow.matches;
		const [rows, columns, rowHead, columnHead] = narrow
			? [HOURS, WEEKDAYS, headOfHour, headOfDay] : [WEEKDAYS, HOURS, headOfDay, headOfHour];
		this.table.replaceChildren(
			element('caption', { class: 'unseen' }, 'Calls by weekday and hour'),
			element('thead', {}, element('tr', {}, element('td', {}),
				...columns.map((column) => element('th', { scope: 'col' }, columnHead(column))))),
			element('tbody', {}, ...rows.map((row) => element('tr', {},
				element('th', { scope: 'row' }, rowHead(row)),
				...columns.map((column) => narrow ? this.cell(column, row, most)
					: this.cell(row, column, most))))));
	}

	cell(weekday, hour, most) {
		const number = this.numberAt(weekday, hour);
		if (!number)
			return element('td', { 'data-level': 0 }, unseen('0'));
		return element('td', { 'data-level': Math.max(1, Math.ceil(LEVELS * number / most)) },
			element('a', { href: this.linkTo(this.measure, { weekday, hour }),
				title: `${weekdayName(weekday)}, ${hourName(hour)}: ${count(number)}` }, count(number)));
	}

	rows() {
		return [['Weekday', 'Hour', ...MEASURES.map(([, word]) => word)],
			...WEEKDAYS.flatMap((weekday) => HOURS.map((hour) => [weekdayName(weekday), hour,
				...MEASURES.map(([name]) => this.numberAt(weekday, hour, name))]))];
	}
}
