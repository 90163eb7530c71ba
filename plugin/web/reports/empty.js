/* empty - why there is nothing to show, and where there is something. */

import { element, words } from '../dom.js';
import { addDays, dayLong, span } from './say.js';

const DAYS = 30; /* what is offered instead, up to the last call */

/* linkToDays(from, until): the same in that period; linkToAll: everybody's. */
export function whyEmpty(report, { linkToDays, linkToAll }) {
	const { last_day: lastDay, others, other_days: otherDays, agents } = report.empty;
	const when = span(report.from, report.until);
	const last = lastDay && element('p', {}, `The last one began on ${dayLong(lastDay)}. `,
		element('a', { href: linkToDays(addDays(lastDay, 1 - DAYS), lastDay) },
			`Show the ${DAYS} days until then`));
	const all = others && element('p', {}, 'Others had calls then. ',
		element('a', { href: linkToAll }, 'Show everybody\'s'));
	if (!report.sees_all)
		return lastDay ? says('You had no calls in this period', `Nothing of yours began ${when}.`, last)
			: says('You have no calls yet', 'They are counted as soon as your phone logs them. You see '
				+ 'your own calls only; the calls of all are for supervisors.');
	if (report.agent)
		return says([words(report.agent), ' had no calls in this period'],
			lastDay ? null : 'There is not a single call of that name, in any period.', last, all);
	if (!otherDays && !lastDay)
		return says('No calls yet', 'Nobody\'s phone has logged a call. Figures appear with the first.');
	if (report.by_team && report.team === null)
		return says('Agents of no team had no calls in this period', null, last, all);
	if (report.by_team)
		return says(['Nobody of team ', words(report.team), ' had calls in this period'],
			agents === 0 ? 'No agent belongs to that team.' : null, last, all);
	return says('No calls in this period', `Nothing began ${when}.`, last);
}

function says(title, text, ...more) {
	return [element('h2', {}, ...[title].flat()), text && element('p', {}, text), ...more]
		.filter(Boolean);
}
