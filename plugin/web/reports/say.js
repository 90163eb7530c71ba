/* say - how figures read: numbers, shares, times and days in the agent's language, days
 * and hours in the time zone of the reports. */

import { lasting } from '../words.js';

const DAY_MS = 86_400_000;
const whole = new Intl.NumberFormat();
const tenths = new Intl.NumberFormat(undefined,
	{ minimumFractionDigits: 1, maximumFractionDigits: 1 });
const utc = (options) => new Intl.DateTimeFormat(undefined, { timeZone: 'UTC', ...options });
const short = utc({ day: 'numeric', month: 'short' });
const long = utc({ weekday: 'short', day: 'numeric', month: 'short', year: 'numeric' });
const weekdayLong = utc({ weekday: 'long' });
const weekdayShort = utc({ weekday: 'short' });

/* Figure: what it counts, as the title of its calls. */
export const FIGURES = {
	calls: 'All calls', inbound: 'Incoming calls', outbound: 'Outgoing calls',
	internal: 'Internal calls', live: 'Calls in progress', ended: 'Calls that have ended',
	answered: 'Answered calls', missed: 'Missed calls', voicemail: 'Calls to voicemail',
	rejected: 'Declined calls', no_answer: 'Calls that nobody took', busy: 'Calls to busy lines',
	failed: 'Failed calls', other: 'Calls that ended otherwise',
	inbound_ended: 'Incoming calls that have ended', inbound_answered: 'Incoming calls, answered',
	with_note: 'Calls with a note', by_hand: 'Calls logged by hand', recorded: 'Recorded calls',
	waiting: 'Callers who still wait',
};

/* Outcome: the word for it, in the order of the chart, from below. */
export const OUTCOMES = { answered: 'Answered', live: 'In progress', voicemail: 'Voicemail',
	missed: 'Missed', no_answer: 'No answer', busy: 'Busy', rejected: 'Declined',
	failed: 'Failed', other: 'Other' };

export function count(number) {
	return whole.format(number);
}

export function oneOrMany(number, one, many) {
	return `${count(number)} ${number === 1 ? one : many}`;
}

/* null where there is nothing to be part of. */
export function shareOf(part, all) {
	return all ? 100 * part / all : null;
}

export function percent(share) {
	return share === null ? '–' : `${tenths.format(share)} %`;
}

export function points(difference) {
	return `${tenths.format(difference)} points`;
}

/* Of an average, to the second; '–' for none. */
export function seconds(number) {
	return number === null || number === undefined ? '–' : lasting(Math.round(number));
}

/* A long time: 3 h 05 min. */
export function hours(number) {
	const minutes = Math.round(number / 60);
	if (number < 60)
		return `${count(number)} s`;
	return minutes < 60 ? `${minutes} min`
		: `${count(Math.floor(minutes / 60))} h ${String(minutes % 60).padStart(2, '0')} min`;
}

/* How long ago, roughly: the two largest parts. */
export function age(ms) {
	const minutes = Math.max(0, Math.floor(ms / 60_000));
	const [d, h, m] = [Math.floor(minutes / 1440), Math.floor(minutes / 60) % 24, minutes % 60];
	return d ? `${count(d)} d ${h} h` : h ? `${h} h ${m} min` : `${m} min`;
}

/* ------------------------------------------------------------------------- days */

/* A day is a text, 2026-11-22. */
function dateOf(day) {
	return new Date(`${day}T00:00:00Z`);
}

export function addDays(day, n) {
	return new Date(dateOf(day).getTime() + n * DAY_MS).toISOString().slice(0, 10);
}

export function daysBetween(first, last) {
	return Math.round((dateOf(last) - dateOf(first)) / DAY_MS);
}

export function weekdayOf(day) {
	return dateOf(day).getUTCDay() || 7;
}

export function dayShort(day) {
	return short.format(dateOf(day));
}

export function dayLong(day) {
	return long.format(dateOf(day));
}

export function span(first, last) {
	return first === last ? dayLong(first) : long.formatRange(dateOf(first), dateOf(last));
}

/* 1 is Monday. */
export function weekdayName(weekday, { brief = false } = {}) {
	return (brief ? weekdayShort : weekdayLong).format(dateOf(`2024-01-0${weekday}`));
}

export function hourName(hour) {
	return `${String(hour).padStart(2, '0')}:00`;
}

/* A moment, in that time zone, or where the browser does not know it in UTC. */
export function clockOf(zone) {
	const options = { dateStyle: 'medium', timeStyle: 'short' };
	try {
		return new Intl.DateTimeFormat(undefined, { ...options, timeZone: zone });
	} catch {
		return new Intl.DateTimeFormat(undefined, { ...options, timeZone: 'UTC' });
	}
}
