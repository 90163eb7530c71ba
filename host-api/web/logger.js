/* logger - the widget's log requests: each is stamped, kept in the outbox, handed to
 * the sender, and answered once, in time, when the host has it or when it is safe
 * here. The widget takes any answer for success and never asks twice, so it is
 * answered late rather than before the event is safe, and never not at all. */

import { OutboxFull } from './store.js';

/* The widget waits 15 s. */
const ANSWER_MS = 8000;
const SESSIONS_MAX = 200;

/* What differs between two tellings of the same state. */
const VOLATILE = ['duration', 'offset', 'sipData', 'webphoneSession', 'activityMatches',
	'fromMatches', 'toMatches'];

/* Without the live token of the agent's login, wherever it stands: in an address, or
 * in an address within an address. */
export function withoutTokens(message) {
	const strip = (text) => text
		.replace(/([?&])access_token=[^&#\s"]*&?/gi, '$1')
		.replace(/(%3F|%26)access_token%3D(?:(?!%26|%23)[^&#\s"])*(?:%26)?/gi, '$1')
		.replace(/(?:[?&]|%3F|%26)(?=$|[#\s"])/gi, '');
	return JSON.parse(JSON.stringify(message, (key, value) => {
		if (key === 'access_token')
			return undefined;
		return typeof value === 'string' && /access_token/i.test(value) ? strip(value) : value;
	}));
}

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
	/* tell: {view(sessionId), problem({session}, why)}; tab: this tab's name. */
	constructor({ clock, store, sender, tab, tell }) {
		Object.assign(this, { clock, store, sender, tab, tell });
		this.told = new Map(); /* session -> Map of presence id -> what was told last */
	}

	/* Whether this only says again what was said last: a call to oneself is told as
	 * two calls, in turn, twelve times a second, until it ends. */
	isRepeat(body) {
		const { call } = body;
		const session = String(call.sessionId);
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
	 * answered: when the event is safe. */
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
		const entry = this.entry(request, postedAt);
		try {
			await this.store.append(entry);
		} catch (error) {
			/* Then this page is all that keeps it. */
			this.tell.problem(entry, error instanceof OutboxFull
				? `The outbox of this browser is full: ${error.message}.`
				: `This browser cannot keep the event: ${error}`);
		}
		await this.inTime(this.sender.add(entry));
	}

	entry(request, postedAt) {
		const { body } = request;
		const call = callOf(body.call);
		return {
			owner: this.sender.owner, tab: this.tab, call,
			session: String(body.call.sessionId ?? ''),
			save: body.triggerType !== 'presenceUpdate' && body.triggerType !== 'callLogSync',
			sentAt: this.clock.stamp(call, postedAt),
			message: withoutTokens(request),
		};
	}

	/* The event is safe by now; the widget hears so even if the host is slow. */
	inTime(promise) {
		return Promise.race([promise,
			new Promise((resolve) => setTimeout(resolve, ANSWER_MS, 'kept'))]);
	}
}
