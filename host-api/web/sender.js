/* sender - brings the outbox to the host: a call's events in order, one at a time,
 * several calls at once; again and again while the host is away, and then what other
 * tabs of the agent left behind, too. An event leaves the outbox when the host has
 * acknowledged it, or has refused it for good. */

const CALLS_AT_ONCE = 4;
const SEND_MS = 10000;
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 15000;
const SWEEP_MS = 30000;

/* Not all at the same moment. */
const roughly = (ms) => ms * (0.75 + Math.random() / 2);
const longer = (ms) => Math.min(ms * 2, RETRY_MAX_MS);

/* The name under which all of an agent's is kept. */
export const ownerOf = ({ account, agent }) => JSON.stringify([account, agent]);

export class Sender {
	/* tell: {logged(entry), problem(entry, why), state(), found(service, askedAt,
	 * answeredAt), back()}: found: the host has answered, true: with news; back: it did,
	 * or was away before; tab: this tab's name; livingTabs: see locks.js. */
	constructor({ host, store, tab, livingTabs, tell }) {
		Object.assign(this, { host, store, tab, livingTabs, tell });
		this.owner = null;    /* whose events are sent now; see own() */
		this.identity = null;
		this.state = 'away';  /* online, away, signed-out */
		this.times = 0;       /* that it came to be online */
		this.queues = new Map(); /* call -> {entries, running, timer, retryMs} */
		this.queued = new Map(); /* entry's seq, or the entry itself -> entry */
		this.unkept = new Set(); /* entries that are kept nowhere else */
		this.running = 0;        /* calls that are being sent */
		this.retryMs = RETRY_MIN_MS;
		this.timer = null;
		this.probing = null;
	}

	/* ------------------------------------------------------------- whose */

	/* From now on that agent's; what is kept of others waits for them. */
	async own(identity) {
		const owner = ownerOf(identity);
		if (owner === this.owner)
			return;
		for (const queue of this.queues.values()) {
			this.letGo(queue);
			clearTimeout(queue.timer);
		}
		this.queues = new Map();
		this.queued = new Map();
		Object.assign(this, { owner, identity });
		for (const entry of this.unkept)
			if (entry.owner === owner)
				this.enqueue(entry);
		await this.sweep();
	}

	/* Takes over what tabs that are gone have left. */
	async sweep() {
		const { owner } = this;
		try {
			const living = await this.livingTabs();
			const left = await this.store.claim(owner, this.tab, living);
			if (owner === this.owner && left.length) {
				left.forEach((entry) => this.enqueue(entry));
				this.tell.state();
			}
		} catch (error) {
			console.warn('call-log: what other tabs left stays there for now:', error);
		}
		this.pump();
	}

	/* For as long as this tab lives; only one tab need do it. */
	sweepForEver() {
		return new Promise(() => setInterval(() => this.owner && this.sweep(), SWEEP_MS));
	}

	/* ------------------------------------------------------------- queues */

	/* The entry's place is by its moment, but never before one that is under way. */
	enqueue(entry) {
		const key = entry.seq ?? entry;
		const there = this.queued.get(key);
		if (there)
			return there;
		this.queued.set(key, entry);
		const queue = this.queues.get(entry.call)
			?? { entries: [], running: false, timer: null, retryMs: RETRY_MIN_MS };
		const { entries } = queue;
		let at = entries.length;
		while (at > (queue.running ? 1 : 0) && entries[at - 1].sentAt > entry.sentAt)
			at--;
		entries.splice(at, 0, entry);
		this.queues.set(entry.call, queue);
		return entry;
	}

	/* Resolves to what became of it: 'stored', 'refused', or 'kept': it stays here
	 * and goes out later. */
	add(entry) {
		if (entry.seq === undefined)
			this.unkept.add(entry);
		if (entry.owner !== this.owner)
			return Promise.resolve('kept');
		return new Promise((resolve) => {
			this.enqueue(entry).settle = resolve;
			this.pump();
		});
	}

	/* Who waits for these need not wait longer. */
	letGo(queue) {
		queue.entries.forEach((entry) => entry.settle?.('kept'));
	}

	/* How many events wait. */
	get waiting() {
		return this.queued.size;
	}

	/* The sessions of which events wait: Map to the note that does, if one does. */
	waitingSessions() {
		const sessions = new Map();
		/* What another tab left came later and may be older. */
		const inOrder = [...this.queued.values()].sort((a, b) => a.sentAt - b.sentAt);
		for (const { session, message } of inOrder)
			if (session)
				sessions.set(session, message.body?.note ?? sessions.get(session));
		return sessions;
	}

	/* The latest that waits under that name of a call. */
	latest(call) {
		return this.queues.get(call)?.entries.at(-1);
	}

	/* ------------------------------------------------------------ sending */

	pump() {
		for (const [call, queue] of this.queues)
			if (this.state !== 'online' || queue.timer !== null)
				this.letGo(queue);
			else if (!queue.running && this.running < CALLS_AT_ONCE)
				this.run(call, queue);
	}

	async run(call, queue) {
		const isOurs = () => this.queues.get(call) === queue;
		queue.running = true;
		this.running++;
		while (queue.entries.length && this.state === 'online' && queue.timer === null && isOurs())
			await this.sendFirst(queue);
		queue.running = false;
		this.running--;
		if (!queue.entries.length && isOurs())
			this.queues.delete(call);
		this.pump();
	}

	async sendFirst(queue) {
		const entry = queue.entries[0];
		const [account, agent] = JSON.parse(entry.owner);
		const { kind, why } = await this.send({ sent_at: entry.sentAt, expected_agent: agent,
			expected_account: account, message: entry.message }, SEND_MS);
		if (kind === 'ok' || kind === 'refused') {
			queue.entries.shift();
			queue.retryMs = RETRY_MIN_MS;
			await (kind === 'ok' ? this.stored(entry) : this.refused(entry, why));
		} else if (kind === 'busy' || kind === 'late') {
			this.rest(queue);
		}
	}

	/* One that cannot be taken now keeps no other call's from being sent. */
	rest(queue) {
		queue.timer = setTimeout(() => { queue.timer = null; this.pump(); },
			roughly(queue.retryMs));
		queue.retryMs = longer(queue.retryMs);
		this.tell.state();
	}

	leave(entry) {
		const key = entry.seq ?? entry;
		if (this.queued.get(key) === entry)
			this.queued.delete(key);
		this.unkept.delete(entry);
	}

	async stored(entry) {
		/* Removed a moment too late it is sent twice, which changes nothing. */
		await this.store.remove(entry).catch(console.warn);
		this.leave(entry);
		this.tell.logged(entry);
		entry.settle?.('stored');
	}

	async refused(entry, why) {
		const { settle, ...kept } = entry;
		await this.store.setAside(kept, why).catch(console.warn);
		this.leave(entry);
		this.tell.problem(entry, why);
		settle?.('refused');
	}

	/* One message; see host.js for what becomes of it. */
	async send(envelope, timeoutMs) {
		const { times } = this;
		const result = await this.host.send(envelope, timeoutMs);
		if (result.kind === 'ok' || result.kind === 'refused')
			this.retryMs = RETRY_MIN_MS;
		else if (result.kind === 'late')
			this.probe();
		else if (result.kind !== 'busy' && times === this.times)
			this.lost(result.kind); /* and not before it came back */
		return result;
	}

	/* ------------------------------------------------- away and back again */

	/* The host did not answer as a host: ask until it does. */
	lost(kind) {
		this.become(kind === 'signed-out' ? 'signed-out' : 'away');
		this.pump();
		if (this.timer !== null)
			return;
		this.timer = setTimeout(() => this.probe(), roughly(this.retryMs));
		this.retryMs = longer(this.retryMs);
	}

	/* Something says that the host may be back. */
	nudge() {
		if (this.state !== 'online')
			this.probe();
	}

	/* Asks the host who is there, once at a time. */
	probe() {
		this.probing ??= this.look().catch((error) => {
			console.warn('call-log:', error);
			this.lost('wait');
		}).finally(() => { this.probing = null; });
		return this.probing;
	}

	async look() {
		clearTimeout(this.timer);
		this.timer = null;
		const asked = Date.now();
		const { kind, value } = await this.host.service();
		if (kind !== 'ok' || typeof value?.agent !== 'string' || !value.service) {
			this.lost(kind);
			return;
		}
		const isNews = await this.tell.found(value, asked, Date.now()) || this.state !== 'online';
		clearTimeout(this.timer);
		this.timer = null;
		this.become('online');
		if (!isNews)
			return;
		await this.sweep();
		await this.tell.back();
	}

	become(state) {
		if (state === this.state)
			return;
		this.state = state;
		if (state === 'online')
			this.times++;
		this.tell.state();
	}
}
