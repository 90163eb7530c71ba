/* matcher - the widget's match requests: which of these sessions are logged? An empty,
 * late or failed answer takes the log mark off every asked call for two hours. So it
 * is always answered in time: by the host, else from the last known answers and the
 * outbox; and what was answered alone is asked again when the host is back. */

/* The widget waits 30 s, but fails other things of its own after 5. */
const MATCH_MS = 4000;
/* The widget asks after each answered event, twelve times a second in a storm. */
const FRESH_MS = 1500;
const SEEN_MAX = 2000;
const TRIGGER_MAX = 100;

const isEntries = (value) => Array.isArray(value);

/* An agent's own words belong to the call; the rest is for the eye. */
const PENDING = { type: 'status', status: 'pending',
	message: 'Logged in this browser; the host is away' };

export class Matcher {
	/* ask(message, timeoutMs): the host's answer, see host.js, or null when it is
	 * known to be away; trigger(sessionIds): has the widget ask again. */
	constructor({ store, sender, ask, trigger }) {
		Object.assign(this, { store, sender, ask, trigger });
		this.fresh = new Map(); /* session -> {at, entries} from the host */
		this.seen = new Set();  /* sessions the widget asked for */
	}

	/* The data of the answer; never fails. */
	async match(request) {
		const ids = [...new Set((request.body?.sessionIds ?? []).map(String))];
		this.remember(ids);
		return this.justAnswered(ids) ?? await this.fromHost(request, ids)
			?? await this.alone(ids);
	}

	remember(ids) {
		for (const id of ids) {
			this.seen.delete(id);
			this.seen.add(id);
		}
		while (this.seen.size > SEEN_MAX)
			this.seen.delete(this.seen.values().next().value);
	}

	justAnswered(ids) {
		const since = Date.now() - FRESH_MS;
		const data = {};
		for (const id of ids) {
			const fresh = this.fresh.get(id);
			if (!fresh || fresh.at < since)
				return null;
			data[id] = fresh.entries;
		}
		return this.withWaiting(data);
	}

	async fromHost(request, ids) {
		const owner = this.sender.owner;
		const result = await this.ask(request, MATCH_MS);
		const data = result?.kind === 'ok' ? result.value?.response?.data : null;
		if (data === null || typeof data !== 'object' || owner !== this.sender.owner)
			return null;
		const answer = {};
		const at = Date.now();
		for (const id of ids) {
			answer[id] = isEntries(data[id]) ? data[id] : [];
			this.fresh.delete(id);
			this.fresh.set(id, { at, entries: answer[id] });
		}
		while (this.fresh.size > SEEN_MAX)
			this.fresh.delete(this.fresh.keys().next().value);
		this.store.learn(owner, new Map(Object.entries(answer))).catch(console.warn);
		return this.withWaiting(answer);
	}

	/* An unknown call is answered as not logged, never as pending: any entry would
	 * make the widget stream a call that nobody logged. */
	async alone(ids) {
		const owner = this.sender.owner;
		const known = await this.store.answers(owner, ids).catch(() => new Map());
		this.store.owe(owner, ids).catch(console.warn);
		return this.withWaiting(Object.fromEntries(ids.map((id) => [id, known.get(id) ?? []])));
	}

	/* What waits in the outbox is logged, whatever the host knows of it. */
	withWaiting(data) {
		const answer = { ...data };
		for (const session of this.sender.waitingSessions())
			if (answer[session]?.length === 0)
				answer[session] = [PENDING];
		return answer;
	}

	/* The host has news of the call. */
	forget(session) {
		this.fresh.delete(session);
	}

	forgetAll() {
		this.fresh.clear();
	}

	/* The host is back: the widget asks again for what was answered without it. */
	async back() {
		this.forgetAll();
		this.triggerAll(await this.store.owed(this.sender.owner).catch(() => []));
	}

	/* Events were missed: everything the widget asked for may have changed. */
	doubtAll() {
		this.forgetAll();
		this.triggerAll([...this.seen]);
	}

	triggerAll(sessions) {
		for (let at = 0; at < sessions.length; at += TRIGGER_MAX)
			this.trigger(sessions.slice(at, at + TRIGGER_MAX));
	}
}
