/* sender - brings the outbox to the host: a call's events in order, one at a time,
 * several calls at once; again and again while the host is away, and then what other
 * tabs of the agent left behind, too. An event leaves the outbox when the host has
 * acknowledged it, or has refused it for good. */

const CALLS_AT_ONCE = 4;
const SEND_MS = 10000;
const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 15000;
const SWEEP_MS = 30000;

export class Sender {
	/* tell: {logged(sessionId), problem(entry, why), state(state), back(service)};
	 * tab: this tab's name; livingTabs: see locks.js. */
	constructor({ host, store, tab, livingTabs, tell }) {
		Object.assign(this, { host, store, tab, livingTabs, tell });
		this.owner = null;    /* whose events are sent now; see own() */
		this.identity = null;
		this.state = 'away';  /* online, away, signed-out */
		this.queues = new Map(); /* call -> entries, oldest first */
		this.known = new Set();  /* seqs of the entries in queues */
		this.running = new Set(); /* calls that are being sent */
		this.retryMs = RETRY_MIN_MS;
		this.timer = null;
	}

	/* ------------------------------------------------------------- whose */

	/* From now on that agent's; what is kept of others waits for them. */
	async own(identity) {
		const owner = JSON.stringify([identity.account, identity.agent]);
		if (owner === this.owner)
			return;
		for (const queue of this.queues.values())
			queue.forEach((entry) => entry.settle?.('kept'));
		this.queues.clear();
		this.known.clear();
		Object.assign(this, { owner, identity });
		await this.sweep();
	}

	/* Takes over what tabs that are gone have left. */
	async sweep() {
		const owner = this.owner;
		const living = await this.livingTabs();
		const left = await this.store.waiting(owner);
		if (owner !== this.owner)
			return;
		for (const entry of left)
			if (entry.tab === this.tab || !living?.has(entry.tab))
				this.enqueue(entry);
		this.pump();
	}

	/* For as long as this tab lives; only one tab need do it. */
	sweepForEver() {
		return new Promise(() => setInterval(() => this.owner && this.sweep(), SWEEP_MS));
	}

	/* ------------------------------------------------------------- queues */

	enqueue(entry) {
		if (entry.seq !== undefined && this.known.has(entry.seq))
			return;
		this.known.add(entry.seq);
		const queue = this.queues.get(entry.call) ?? [];
		let at = queue.length;
		while (at > 1 && queue[at - 1].seq > entry.seq)
			at--; /* never before the first: that may be under way */
		queue.splice(at, 0, entry);
		this.queues.set(entry.call, queue);
	}

	/* Resolves to what became of it: 'stored', 'refused', or 'kept': it stays here
	 * and goes out later. */
	add(entry) {
		return new Promise((resolve) => {
			entry.settle = resolve;
			this.enqueue(entry);
			this.pump();
		});
	}

	/* How many events wait. */
	get waiting() {
		let count = 0;
		for (const queue of this.queues.values())
			count += queue.length;
		return count;
	}

	/* The sessions of which events wait. */
	waitingSessions() {
		const sessions = new Set();
		for (const queue of this.queues.values())
			queue.forEach((entry) => sessions.add(entry.session));
		return sessions;
	}

	/* ------------------------------------------------------------ sending */

	pump() {
		if (this.state !== 'online') {
			for (const queue of this.queues.values())
				queue.forEach((entry) => entry.settle?.('kept'));
			return;
		}
		for (const call of this.queues.keys()) {
			if (this.running.size >= CALLS_AT_ONCE)
				return;
			if (!this.running.has(call))
				this.run(call);
		}
	}

	async run(call) {
		this.running.add(call);
		const queue = this.queues.get(call);
		while (queue.length && this.state === 'online' && this.queues.get(call) === queue)
			if (!await this.sendFirst(queue))
				break;
		this.running.delete(call);
		if (!queue.length && this.queues.get(call) === queue)
			this.queues.delete(call);
		this.pump();
	}

	/* False when the host could not be reached. */
	async sendFirst(queue) {
		const entry = queue[0];
		const [account, agent] = JSON.parse(entry.owner);
		const result = await this.host.send({
			sent_at: entry.sentAt, expected_agent: agent, expected_account: account,
			message: entry.message,
		}, SEND_MS);
		if (result.kind !== 'ok' && result.kind !== 'refused') {
			this.lost(result.kind);
			return false;
		}
		queue.shift();
		this.known.delete(entry.seq);
		if (result.kind === 'ok')
			await this.stored(entry);
		else
			await this.refused(entry, result.why);
		return true;
	}

	async stored(entry) {
		this.retryMs = RETRY_MIN_MS;
		/* Removed a moment too late it is sent twice, which changes nothing. */
		await this.store.remove(entry).catch(console.warn);
		entry.settle?.('stored');
		this.tell.logged(entry.session);
	}

	async refused(entry, why) {
		const { settle, ...kept } = entry;
		await this.store.setAside(kept, why).catch(console.warn);
		settle?.('refused');
		this.tell.problem(entry, why);
	}

	/* ------------------------------------------------- away and back again */

	/* The host did not answer as a host: ask until it does. */
	lost(kind) {
		this.become(kind === 'signed-out' ? 'signed-out' : 'away');
		this.pump();
		if (this.timer !== null)
			return;
		const wait = this.retryMs * (0.75 + Math.random() / 2);
		this.retryMs = Math.min(this.retryMs * 2, RETRY_MAX_MS);
		this.timer = setTimeout(() => this.probe(), wait);
	}

	/* Something says that the host may be back. */
	nudge() {
		if (this.state !== 'online' && this.timer !== null) {
			clearTimeout(this.timer);
			this.probe();
		}
	}

	async probe() {
		const asked = Date.now();
		const result = await this.host.service();
		this.timer = null;
		if (result.kind !== 'ok' || !result.value?.agent) {
			this.lost(result.kind);
			return;
		}
		await this.tell.back(result.value, asked, Date.now());
		this.become('online');
		this.pump();
	}

	become(state) {
		if (state === this.state)
			return;
		this.state = state;
		this.tell.state(state);
	}
}
