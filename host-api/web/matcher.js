/* matcher - the widget's match requests: which of these sessions are logged? An empty,
 * late or failed answer takes the log mark off every asked call for two hours. So it
 * is always answered in time: by the host, else from the last known answers and the
 * outbox; and what was answered alone is asked again when the host can say. */

import { within } from './wait.js';

/* The widget waits 30 s, but fails other things of its own after 5. */
const MATCH_MS = 3500;
const STORE_MS = 500;
/* The widget asks after each answered event, twelve times a second in a storm. */
const FRESH_MS = 1500;
const KNOWN_MAX = 5000;
const TRIGGER_MAX = 100;
const AGAIN_MIN_MS = 2000;
const AGAIN_MAX_MS = 60000;

/* For a call of which the host knows nothing yet, and we do. */
const PENDING = { type: 'status', status: 'pending',
	message: 'Kept in this browser until the host takes it' };

function addAll(set, values) {
	for (const value of values) {
		set.delete(value);
		set.add(value);
	}
	while (set.size > KNOWN_MAX)
		set.delete(set.values().next().value);
}

export class Matcher {
	/* ask(message, timeoutMs): the host's answer, see host.js, or null when it is
	 * known to be away; trigger(sessionIds): has the widget ask again; false: there is
	 * none that could. */
	constructor({ store, sender, ask, trigger }) {
		Object.assign(this, { store, sender, ask, trigger });
		this.known = new Map(); /* session -> {entries, at, fresh}, the host's word */
		this.owed = new Set();  /* sessions whose last answer was not, or is no more */
		this.turn = 0;          /* of changes that were heard of */
		this.againMs = AGAIN_MIN_MS;
		this.again = null;
	}

	/* The data of the answer; never fails. */
	async match(request) {
		const asked = request.body?.sessionIds;
		const ids = [...new Set((Array.isArray(asked) ? asked : []).map(String))];
		return this.withWaiting(this.justAnswered(ids)
			?? await this.fromHost(request, ids) ?? await this.alone(ids));
	}

	justAnswered(ids) {
		const since = Date.now() - FRESH_MS;
		const isFresh = (known) => known?.fresh && known.at > since && known.at <= Date.now();
		const known = ids.map((id) => [id, this.known.get(id)]);
		return known.every(([, one]) => isFresh(one))
			? Object.fromEntries(known.map(([id, { entries }]) => [id, entries])) : null;
	}

	async fromHost(request, ids) {
		const { owner } = this.sender;
		const { turn } = this;
		const result = await this.ask(request, MATCH_MS).catch(() => null);
		if (owner !== this.sender.owner)
			return null;
		if (result?.kind === 'busy' || result?.kind === 'late')
			this.askAgainLater();
		const data = result?.kind === 'ok' ? result.value?.response?.data : null;
		if (data === null || typeof data !== 'object')
			return null;
		/* A host that cannot ask its database leaves out what it does not know. */
		const answer = ids.filter((id) => Array.isArray(data[id])).map((id) => [id, data[id]]);
		const unknown = ids.filter((id) => !Array.isArray(data[id]));
		if (unknown.length)
			this.askAgainLater();
		else
			this.againMs = AGAIN_MIN_MS;
		/* What changed while the host looked may or may not be in its answer. */
		this.learn(owner, answer, turn === this.turn);
		return { ...Object.fromEntries(answer), ...unknown.length && await this.alone(unknown) };
	}

	learn(owner, answer, fresh) {
		const at = Date.now();
		for (const [id, entries] of answer) {
			this.known.delete(id);
			this.known.set(id, { entries, at, fresh });
			this.owed.delete(id);
		}
		while (this.known.size > KNOWN_MAX)
			this.known.delete(this.known.keys().next().value);
		this.store.learn(owner, new Map(answer)).catch(console.warn);
	}

	/* An unknown call is answered as not logged, never as pending: any entry would
	 * make the widget stream a call that nobody logged. */
	async alone(ids) {
		const { owner } = this.sender;
		addAll(this.owed, ids);
		this.store.owe(owner, ids).catch(console.warn);
		const kept = await within(STORE_MS, this.store.answers(owner, ids), () => new Map())
			.catch(() => new Map());
		return Object.fromEntries(ids.map((id) => {
			const [here, there] = [this.known.get(id), kept.get(id)];
			const latest = here && there ? (here.at < there.at ? there : here) : here ?? there;
			return [id, latest?.entries ?? []];
		}));
	}

	/* What waits in the outbox is logged, whatever the host knows of it, and a note
	 * that waits is the latest. */
	withWaiting(data) {
		const answer = { ...data };
		for (const [session, note] of this.sender.waitingSessions()) {
			if (!Object.hasOwn(answer, session))
				continue;
			const [first = PENDING, ...rest] = answer[session];
			answer[session] = [note === undefined ? first : { ...first, note }, ...rest];
			addAll(this.owed, [session]);
		}
		return answer;
	}

	/* ------------------------------------------------------ what has changed */

	/* The host has news of these calls. */
	forget(sessions) {
		this.turn++;
		for (const session of sessions)
			if (this.known.has(session))
				this.known.get(session).fresh = false;
	}

	/* The host has taken an event of the call; the widget may have been told that it
	 * waits. */
	taken(session) {
		this.forget([session]);
		if (this.owed.has(session) && !this.sender.waitingSessions().has(session))
			this.trigger([session]);
	}

	/* Somebody else is signed in than that owner, whose answers the widget remembers. */
	async changeFrom(owner) {
		const known = [...this.known.keys()];
		this.turn++;
		this.known.clear();
		this.owed.clear();
		this.owe([...known, ...await this.store.recent(owner).catch(() => [])]);
	}

	/* These may have changed, and nobody can be asked now. */
	owe(sessions) {
		this.forget(sessions);
		addAll(this.owed, sessions);
		this.store.owe(this.sender.owner, sessions).catch(console.warn);
	}

	/* Events were missed: everything the widget remembers may have changed. */
	async doubtAll() {
		const recent = await this.store.recent(this.sender.owner).catch(() => []);
		this.owe([...new Set([...this.known.keys(), ...recent])]);
		this.triggerOwed();
	}

	/* The host can be asked again: the widget does, for what was answered without. */
	async back() {
		addAll(this.owed, await this.store.owed(this.sender.owner).catch(() => []));
		this.forget([...this.known.keys()]);
		this.triggerOwed();
	}

	triggerOwed() {
		const waiting = this.sender.waitingSessions();
		const sessions = [...this.owed].filter((session) => !waiting.has(session));
		for (let at = 0; at < sessions.length; at += TRIGGER_MAX)
			this.trigger(sessions.slice(at, at + TRIGGER_MAX));
	}

	askAgainLater() {
		this.again ??= setTimeout(() => {
			this.again = null;
			this.triggerOwed();
		}, this.againMs);
		this.againMs = Math.min(this.againMs * 2, AGAIN_MAX_MS);
	}
}
