/* days - calls per day (of long periods, per week), stacked by how they ended: drawn by
 * Chart.js, and as a table for those who do not see a picture or want the numbers. */

import { element } from '../dom.js';
import { csvButton } from './csv.js';
import { addDays, count, dayLong, daysBetween, dayShort, OUTCOMES, span, weekdayOf } from './say.js';

const { Chart } = globalThis;
const DAYS_SINGLY = 92;

export class Days {
	constructor(place, { linkTo }) {
		Object.assign(this, { place, linkTo });
		this.canvas = element('canvas', { role: 'img', 'aria-labelledby': 'by-day-title',
			'aria-describedby': 'by-day-says' });
		this.title = element('h2', { id: 'by-day-title' });
		this.legend = element('ul', { class: 'legend' });
		this.says = element('p', { id: 'by-day-says', class: 'soft' });
		this.table = element('table', { class: 'numbers' });
		place.replaceChildren(
			element('div', { class: 'head' }, this.title,
				csvButton('Calls per day', () => this.name, () => this.rows())),
			this.says, element('div', { class: 'chart' }, this.canvas), this.legend,
			element('details', {}, element('summary', {}, 'As a table'),
				element('div', { class: 'scroll', tabindex: 0, role: 'region',
					'aria-label': 'Calls per day, as a table' }, this.table)));
		matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
	}

	show(report) {
		this.name = `calls-per-day-${report.from}-${report.until}`;
		this.bars = barsOf(report);
		const weekly = this.bars.some(({ first, last }) => first !== last);
		this.outcomes = Object.keys(OUTCOMES).filter((name) => report.days.some((day) => day[name] > 0));
		this.title.textContent = weekly ? 'Calls per week' : 'Calls per day';
		const most = this.bars.reduce((a, b) => b.calls > a.calls ? b : a);
		this.says.textContent = `${count(report.figures.calls)} calls, most of them, ${
			count(most.calls)}, on ${span(most.first, most.last)}.`;
		this.legend.replaceChildren(...this.outcomes.map((name) => element('li', {},
			element('span', { class: 'swatch', 'data-outcome': name, 'aria-hidden': 'true' }),
			` ${OUTCOMES[name]} `,
			element('a', { href: this.linkTo(name), 'data-figure': name },
				count(report.figures[name])))));
		this.table.replaceChildren(
			element('caption', { class: 'unseen' }, 'Calls by how they ended'),
			element('thead', {}, element('tr', {},
				element('th', { scope: 'col' }, weekly ? 'Week' : 'Day'),
				element('th', { scope: 'col' }, 'All'),
				...this.outcomes.map((name) => element('th', { scope: 'col' }, OUTCOMES[name])))),
			element('tbody', {}, ...this.bars.map((bar) => element('tr', {},
				element('th', { scope: 'row' }, weekly ? span(bar.first, bar.last) : dayLong(bar.first)),
				element('td', {}, this.cell('calls', bar)),
				...this.outcomes.map((name) => element('td', {}, this.cell(name, bar)))))));
		this.draw();
	}

	cell(figure, bar) {
		return bar[figure] > 0 ? element('a', { href: this.addressOf(figure, bar) }, count(bar[figure]))
			: '0';
	}

	addressOf(figure, { first, last }) {
		return this.linkTo(figure, { on: [first, last] });
	}

	/* Its colours are those of the style sheet, now. */
	draw() {
		if (!this.bars || this.place.hidden)
			return;
		const style = getComputedStyle(this.place);
		const colour = (name) => style.getPropertyValue(`--${name}`).trim();
		const data = {
			labels: this.bars.map(({ first }) => dayShort(first)),
			datasets: this.outcomes.map((name) => ({ label: OUTCOMES[name],
				data: this.bars.map((bar) => bar[name]), backgroundColor: colour(name),
				borderColor: colour('card'), borderWidth: { top: 1 }, borderSkipped: false,
				maxBarThickness: 48, categoryPercentage: 0.86, barPercentage: 1 })),
		};
		this.chart?.destroy();
		this.chart = new Chart(this.canvas, { type: 'bar', data, options: this.options(colour, style) });
	}

	options(colour, style) {
		const font = { family: style.fontFamily, size: 12 };
		return {
			animation: false, responsive: true, maintainAspectRatio: false,
			interaction: { mode: 'index', intersect: false },
			onClick: (event, under, chart) => {
				const [hit] = chart.getElementsAtEventForMode(event, 'nearest', { intersect: true }, false);
				const bar = this.bars[hit?.index ?? under[0]?.index];
				if (bar?.calls)
					location.hash = this.addressOf(hit ? this.outcomes[hit.datasetIndex] : 'calls', bar);
			},
			onHover: ({ native }, under) => {
				native.target.classList.toggle('points', under.length > 0);
			},
			scales: {
				x: { stacked: true, grid: { display: false }, border: { display: false },
					ticks: { color: colour('soft'), font, maxRotation: 0, autoSkipPadding: 12 } },
				y: { stacked: true, beginAtZero: true, grid: { color: colour('line'), drawBorder: false },
					ticks: { color: colour('soft'), font, precision: 0, maxTicksLimit: 6 } },
			},
			plugins: {
				legend: { display: false },
				tooltip: { backgroundColor: colour('ink'), titleColor: colour('card'),
					bodyColor: colour('card'), footerColor: colour('card'), titleFont: font, bodyFont: font,
					footerFont: font, padding: 10, boxPadding: 4,
					itemSort: (a, b) => b.datasetIndex - a.datasetIndex,
					filter: ({ raw }) => raw > 0,
					callbacks: {
						title: ([item]) => item
							? span(this.bars[item.dataIndex].first, this.bars[item.dataIndex].last) : '',
						footer: ([item]) => item
							? `All ${count(this.bars[item.dataIndex].calls)}` : '',
					} },
			},
		};
	}

	rows() {
		return [['From', 'Until', 'Calls', ...this.outcomes.map((name) => OUTCOMES[name])],
			...this.bars.map((bar) => [bar.first, bar.last, bar.calls,
				...this.outcomes.map((name) => bar[name])])];
	}
}

/* One a day, also where there was no call; or a week, from Monday on, as far as it
 * lies in the period. */
function barsOf({ from, until, days }) {
	const length = daysBetween(from, until) + 1;
	const known = new Map(days.map((day) => [day.day, day]));
	const bars = [];
	for (let i = 0; i < length; i++) {
		const day = addDays(from, i);
		if (i === 0 || length <= DAYS_SINGLY || weekdayOf(day) === 1)
			bars.push({ first: day, calls: 0,
				...Object.fromEntries(Object.keys(OUTCOMES).map((name) => [name, 0])) });
		const bar = bars.at(-1);
		bar.last = day;
		for (const name of ['calls', ...Object.keys(OUTCOMES)])
			bar[name] += known.get(day)?.[name] ?? 0;
	}
	return bars;
}
