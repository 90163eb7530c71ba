/* logger - the widget's log requests: each is stamped, kept in the outbox, handed to
 * the sender, and answered once, in time, when the host has it or when it is safe
 * here. The widget takes any answer for success and never asks twice, so it is
 * answered late rather than before the event is safe, and never not at all. */

import { OutboxFull } from './store.js';
import { withoutTokens } from './token.js';
import { within } from './wait.js';

/* The widget waits 15 s. */
const ANSWER_MS = 8000;
const SESSIONS_MAX = 200;
/* An event that nothing keeps yet cannot wait long for the right time. */
const COMPARE_MS = 1000;
/* Events that nothing but this page keeps. */
const UNKEPT_MAX = 10000;

/* What differs between two tellings of the same state. */
const VOLATILE = ['duration', 'offset', 'sipData', 'webphoneSession', 'activityMatches',
	'fromMatches', 'toMatches'];

/* What names the call among its agent's, for the order of its events: "0" is the
 * widget's name of many. */
function callOf(call) {
	return call.sessionId && call.sessionId !== '0'
		? String(call.sessionId)
		: `0/${call.telephonySessionId ?? call.id ?? ''}`;
}

function print(call) {
	const { ...lasting } = call;
	VOLATILE.forEach((name) => delete lasting[name]);
	return JSON.stringify(lasting);
}

export class Logger {
	/* tell: {view(sessionId), problem(entry, why)}; tab: this tab's name. */
	constructor({ clock, store, sender, tab, tell }) {
		Object.assign(this, { clock, store, sender, tab, tell });
		this.told = new Map(); /* session -> Map of presence id -> what was told last */
	}

	/* Somebody else is signed in, who has been told nothing. */
	forgetAll() {
		this.told.clear();
	}

	/* Whether this only says again what was said last: a call to oneself is told as
	 * two calls, in turn, twelve times a second, until it ends. */
	isRepeat(body) {
		const { call } = body;
		const session = callOf(call);
		const told = this.told.get(session) ?? new Map();
		const which = `${call.id} ${call.partyId} ${call.direction}`;
		const state = body.triggerType === 'presenceUpdate' ? print(call) : null;
		const repeat = state !== null && told.get(which) === state
			&& !body.fromEntity && !body.toEntity;
		told.set(which, state);
		this.told.delete(session);
		this.told.set(session, told);
		if (this.told.size > SESSIONS_MAX)
			this.told.delete(this.told.keys().next().value);
		return repeat;
	}

	/* request: the widget's message; postedAt: local time. Resolves when it may be
	 * answered. */
	async log(request, postedAt) {
		const body = request.body;
		if (!body?.call)
			return;
		if (body.triggerType === 'viewLog') {
			this.tell.view(String(body.call.sessionId));
			return;
		}
		if (this.isRepeat(body))
			return;
		await within(ANSWER_MS, this.keep(request, postedAt, {
			call: callOf(body.call), session: String(body.call.sessionId ?? ''),
			save: body.triggerType !== 'presenceUpdate' && body.triggerType !== 'callLogSync',
		}));
	}

	/* Brings any message to the host, now or later. about: {call: among which it keeps
	 * its order, session: of which the widget is told, save: the agent did it}. */
	async keep(message, postedAt, about) {
		if (this.clock.wasSet && this.sender.state === 'online') {
			await within(COMPARE_MS, this.sender.probe());
			this.clock.trust(); /* in vain: the next need not wait again */
		}
		const entry = {
			owner: this.sender.owner, tab: this.tab, ...about,
			sentAt: this.clock.stamp(about.call, postedAt), message: withoutTokens(message),
		};
		try {
			await this.store.append(entry);
		} catch (error) {
			/* Then this page is all that keeps it. */
			const why = error instanceof OutboxFull
				? `The outbox of this browser is full: ${error.message}.`
				: `This browser cannot keep the event: ${error}`;
			this.tell.problem(entry, why);
			if (this.sender.unkept.size >= UNKEPT_MAX && !entry.save)
				return;
		}
		await this.sender.add(entry);
	}
}
