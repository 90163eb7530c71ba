/* place - what is looked at: a period, whose calls, and perhaps the calls behind one
 * figure. It stands in the address, so that everything here can be linked to, gone
 * back from and kept.
 *
 *   #period=last-7&team=sales                the last seven days of team sales
 *   #from=2026-11-01&until=2026-11-15        days; team-less=1: agents of no team;
 *                                            agent=dana: hers
 *   ...&figure=missed                        and the calls of that figure, of which
 *                                            on=<day>, or on=<first>..<last>;
 *                                            weekday=1&hour=9; of=<agent>
 */

export const PERIODS = [['today', 'Today'], ['yesterday', 'Yesterday'],
	['last-7', 'Last 7 days'], ['last-30', 'Last 30 days'], ['last-90', 'Last 90 days'],
	['this-month', 'This month'], ['last-month', 'Last month'], ['last-365', 'Last 365 days'],
	['days', 'From day to day …']];

const NAMED = new Set(PERIODS.map(([name]) => name).filter((name) => name !== 'days'));
const DAY = /^\d{4}-\d\d-\d\d$/;

function numberIn(text, least, most) {
	const number = Number(text);
	return text !== null && Number.isInteger(number) && number >= least && number <= most
		? number : null;
}

/* Anything that is not understood is as if it were not there. */
export function placeOf(hash) {
	const said = new URLSearchParams(hash.replace(/^#/, ''));
	const place = { period: 'last-30' };
	if (NAMED.has(said.get('period')))
		place.period = said.get('period');
	if (DAY.test(said.get('from')) && DAY.test(said.get('until')))
		Object.assign(place, { period: 'days', from: said.get('from'), until: said.get('until') });
	if (said.get('agent'))
		place.agent = said.get('agent');
	else if (said.get('team'))
		place.team = said.get('team');
	else if (said.get('team-less'))
		place.team = null;
	if (said.get('figure')) {
		place.figure = said.get('figure');
		const [first, last = first] = (said.get('on') ?? '').split('..');
		if (DAY.test(first) && DAY.test(last))
			place.on = [first, last];
		place.weekday = numberIn(said.get('weekday'), 1, 7);
		place.hour = numberIn(said.get('hour'), 0, 23);
		place.of = said.get('of');
	}
	return place;
}

export function addressOf(place) {
	const said = new URLSearchParams();
	const put = (name, value) => {
		if (value !== null && value !== undefined)
			said.set(name, value);
	};
	if (place.period === 'days') {
		put('from', place.from);
		put('until', place.until);
	} else {
		put('period', place.period);
	}
	put('agent', place.agent);
	if (place.team === null)
		put('team-less', 1);
	else
		put('team', place.team);
	put('figure', place.figure);
	if (place.on)
		put('on', place.on[0] === place.on[1] ? place.on[0] : place.on.join('..'));
	put('weekday', place.weekday);
	put('hour', place.hour);
	put('of', place.of);
	return `#${said}`;
}

/* The same place without a figure's calls. */
export function withoutList({ period, from, until, agent, team }) {
	return { period, from, until, agent, team };
}

/* What to ask the plugin for. */
export function questionOf(place) {
	const { period, from, until, agent, team } = place;
	return { period, ...period === 'days' ? { from, until } : {},
		...agent ? { agent } : team === undefined ? {} : { team } };
}
