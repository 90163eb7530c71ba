/* words - how a call's facts read: times in the agent's own language and zone,
 * durations, how it stands or ended. */

const DAY_MS = 86_400_000;
/* A call of which nothing was heard for so long has ended unheard. */
const SILENT_MS = 12 * 3_600_000;

const clock = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });
const weekday = new Intl.DateTimeFormat(undefined,
	{ weekday: 'long', day: 'numeric', month: 'long' });
const date = new Intl.DateTimeFormat(undefined,
	{ weekday: 'short', day: 'numeric', month: 'long', year: 'numeric' });
const whole = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });

const LIVE = { ringing: 'Ringing', connected: 'Talking', held: 'On hold', parked: 'Parked' };
/* Outcome to the word and to how it looks. */
const OUTCOMES = {
	answered: ['Answered', 'good'], missed: ['Missed', 'bad'], no_answer: ['No answer', 'plain'],
	voicemail: ['Voicemail', 'wait'], rejected: ['Declined', 'plain'], busy: ['Busy', 'plain'],
	failed: ['Failed', 'bad'], other: ['Ended', 'plain'],
};
const LOGGED_BY = { manual: 'by hand', auto: 'automatically',
	backfill: 'afterwards, from the call history' };

export function timeOf(ms) {
	return clock.format(ms);
}

export function momentOf(ms) {
	return whole.format(ms);
}

/* The day's own name near now. Also a key: equal for times of one day. */
export function dayOf(ms, now) {
	if (ms === null)
		return 'Time not known yet';
	const then = new Date(ms).setHours(12, 0, 0, 0);
	const days = Math.round((new Date(now).setHours(12, 0, 0, 0) - then) / DAY_MS);
	if (days === 0)
		return 'Today';
	if (days === 1)
		return 'Yesterday';
	return (days > 0 && days < 7 ? weekday : date).format(ms);
}

/* 65 -> 1:05 */
export function lasting(seconds) {
	const two = (n) => String(n).padStart(2, '0');
	const s = Math.max(0, Math.floor(seconds));
	const [h, m] = [Math.floor(s / 3600), Math.floor(s / 60) % 60];
	return h ? `${h}:${two(m)}:${two(s % 60)}` : `${m}:${two(s % 60)}`;
}

export function isLive(call, now) {
	return call.state in LIVE && now - call.updatedAt < SILENT_MS;
}

/* How it stands, or ended: {word, look}. */
export function standingOf(call, now) {
	if (isLive(call, now))
		return { word: call.state === 'ringing' && call.direction === 'Outbound'
			? 'Calling' : LIVE[call.state], look: 'live' };
	if (call.state in LIVE)
		return { word: 'End not heard', look: 'plain' };
	const [word, look] = OUTCOMES[call.outcome] ?? OUTCOMES.other;
	return { word, look };
}

/* Seconds to show, or null. A live call's are counted here. */
export function secondsOf(call, now) {
	if (isLive(call, now) && call.startedAt !== null)
		return (now - call.startedAt) / 1000;
	return call.durationS;
}

/* Who is at the other end: the agent's own contact, the name shown, or the number. */
export function nameOf(call) {
	return call.contactName || call.name || call.number || 'Anonymous';
}

export function directionOf(call) {
	return { Inbound: 'Incoming', Outbound: 'Outgoing' }[call.direction] ?? 'Call';
}

export function loggedBy(call) {
	return LOGGED_BY[call.loggedBy] ?? call.loggedBy;
}
