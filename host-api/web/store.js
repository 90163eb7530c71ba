/* store - what must outlive this page, in IndexedDB: the outbox (events the host has
 * not acknowledged), what it refused for good, the last known match answers, which
 * calls were answered without it, and what it said of itself. Everything but the
 * latter belongs to one agent ("owner") and is touched for that one only. It decides
 * nothing. */

import { within } from './wait.js';

const VERSION = 1;
/* Events an outbox may hold, and more that only saves by the agent may take. */
const OUTBOX_MAX = 9000;
const RESERVE = 1000;
const ANSWERS_MAX = 5000;
const ASIDE_MAX = 500;
/* The widget keeps an answer two hours, and asks by itself after that. */
const WIDGET_KEEPS_MS = 2 * 3600_000;
/* A browser's storage may hang; what waits for it may not. */
const OPEN_MS = 5000;
const WORK_MS = 3000;

function upgrade(db) {
	const outbox = db.createObjectStore('outbox', { keyPath: 'seq', autoIncrement: true });
	outbox.createIndex('owner', 'owner');
	const aside = db.createObjectStore('aside', { keyPath: 'seq', autoIncrement: true });
	aside.createIndex('owner', 'owner');
	const answers = db.createObjectStore('answers', { keyPath: ['owner', 'call'] });
	answers.createIndex('age', ['owner', 'at']);
	db.createObjectStore('owed', { keyPath: ['owner', 'call'] });
	db.createObjectStore('said', { keyPath: 'key' });
}

function settled(request) {
	return new Promise((resolve, reject) => {
		request.onsuccess = () => resolve(request.result);
		request.onerror = () => reject(request.error);
	});
}

function open() {
	const request = indexedDB.open('call-log', VERSION);
	request.onupgradeneeded = () => upgrade(request.result);
	return settled(request);
}

function tooLate() {
	throw new Error('the storage of this browser does not answer');
}

const allOf = (owner) => IDBKeyRange.bound([owner], [owner, []]);

export class OutboxFull extends Error {}

export class Store {
	constructor(db) {
		this.db = db;
	}

	/* A store that keeps nothing where the browser keeps nothing (a private window
	 * of some browsers): then what is in memory is all there is. */
	static async open() {
		try {
			const db = await within(OPEN_MS, open(), tooLate);
			const store = new Store(db);
			/* A newer version of this page waits for it to let go. */
			db.onversionchange = () => { db.close(); store.db = null; };
			db.onclose = () => { store.db = null; };
			return store;
		} catch (error) {
			console.warn('call-log: this browser keeps nothing:', error);
			return new Store(null);
		}
	}

	/* Whether anything is kept. */
	get isDurable() {
		return this.db !== null;
	}

	/* Runs work(...stores) in one transaction; its result once that is durable. */
	async write(names, work, durability = 'strict') {
		if (!this.db)
			return undefined;
		return within(WORK_MS, this.transact(names, work, durability), tooLate);
	}

	async transact(names, work, durability) {
		const transaction = this.db.transaction(names, 'readwrite', { durability });
		const done = new Promise((resolve, reject) => {
			transaction.oncomplete = resolve;
			transaction.onerror = () => reject(transaction.error);
			transaction.onabort = () => reject(transaction.error);
		});
		done.catch(() => {}); /* told by the result, below */
		let result;
		try {
			result = await work(...names.map((name) => transaction.objectStore(name)));
		} catch (error) {
			try {
				transaction.abort();
			} catch {
				/* It has ended by itself. */
			}
			throw error;
		}
		await done;
		return result;
	}

	async read(name, work, none) {
		return this.db ? within(WORK_MS,
			settled(work(this.db.transaction(name).objectStore(name))), tooLate) : none;
	}

	/* ---------------------------------------------------------------- outbox */

	/* Gives the entry its place, `seq`, unless nothing is kept. Throws OutboxFull. */
	async append(entry) {
		const seq = await this.write(['outbox'], async (outbox) => {
			const count = await settled(outbox.index('owner').count(entry.owner));
			if (count >= OUTBOX_MAX + (entry.save ? RESERVE : 0))
				throw new OutboxFull(`${count} events wait already`);
			return settled(outbox.add(entry));
		});
		if (seq !== undefined)
			entry.seq = seq;
	}

	async remove(entry) {
		if (entry.seq !== undefined)
			await this.write(['outbox'], (outbox) => { outbox.delete(entry.seq); });
	}

	/* The entries of that owner that are this tab's, or of no living one's (living:
	 * null: nobody knows): they are this tab's from now on. */
	claim(owner, tab, living) {
		return this.write(['outbox'], async (outbox) => {
			const entries = await settled(outbox.index('owner').getAll(owner));
			const ours = entries.filter((entry) => entry.tab === tab || !living?.has(entry.tab));
			for (const entry of ours)
				if (entry.tab !== tab && living)
					outbox.put(Object.assign(entry, { tab }));
			return ours;
		}).then((entries) => entries ?? []);
	}

	/* Moves it to those that a person has to look at. */
	setAside(entry, why) {
		return this.write(['outbox', 'aside'], async (outbox, aside) => {
			const { seq, ...rest } = entry;
			if (seq !== undefined)
				outbox.delete(seq);
			aside.add({ ...rest, why, at: Date.now() });
			const all = await settled(aside.index('owner').getAll(entry.owner));
			/* What an agent saved stays longest. */
			for (const { seq: old } of [...all.filter(({ save }) => !save),
				...all.filter(({ save }) => save)].slice(0, Math.max(0, all.length - ASIDE_MAX)))
				aside.delete(old);
		});
	}

	/* Oldest first. */
	aside(owner) {
		return this.read('aside', (aside) => aside.index('owner').getAll(owner), []);
	}

	/* The agent has seen it. */
	forgetAside(owner, seq) {
		return this.write(['aside'], async (aside) => {
			if ((await settled(aside.get(seq)))?.owner === owner)
				aside.delete(seq);
		});
	}

	/* --------------------------------------------------------------- answers */

	/* What is known of these calls: Map of call to {entries, at}. */
	async answers(owner, calls) {
		if (!this.db)
			return new Map();
		const answers = this.db.transaction('answers').objectStore('answers');
		const found = await within(WORK_MS,
			Promise.all(calls.map((call) => settled(answers.get([owner, call])))), tooLate);
		return new Map(found.filter(Boolean).map((answer) => [answer.call, answer]));
	}

	/* Calls of which the widget may still remember an answer. */
	async recent(owner) {
		const range = IDBKeyRange.bound([owner, Date.now() - WIDGET_KEEPS_MS], [owner, Infinity]);
		const keys = await this.read('answers',
			(answers) => answers.index('age').getAllKeys(range), []);
		return keys.map(([, call]) => call);
	}

	/* known: Map of call to the entries that the host has of it. Losing these in a
	 * crash loses nothing, so the disk is not waited for. */
	learn(owner, known) {
		return this.write(['answers', 'owed'], async (answers, owed) => {
			for (const [call, entries] of known) {
				owed.delete([owner, call]);
				answers.put({ owner, call, entries, at: Date.now() });
			}
			const count = await settled(answers.count(allOf(owner)));
			if (count <= ANSWERS_MAX)
				return;
			const range = IDBKeyRange.bound([owner], [owner, Infinity]);
			const oldest = await settled(answers.index('age').getAllKeys(range, count - ANSWERS_MAX));
			for (const key of oldest)
				answers.delete(key);
		}, 'relaxed');
	}

	/* These were answered without the host. */
	owe(owner, calls) {
		return this.write(['owed'], (owed) => {
			for (const call of calls)
				owed.put({ owner, call, at: Date.now() });
		}, 'relaxed');
	}

	/* The calls the widget is owed an answer of, without those it has forgotten. */
	async owed(owner) {
		const since = Date.now() - WIDGET_KEEPS_MS;
		const owed = await this.write(['owed'], async (store) => {
			const all = await settled(store.getAll(allOf(owner)));
			for (const one of all)
				if (one.at < since)
					store.delete([owner, one.call]);
			return all;
		}, 'relaxed');
		return (owed ?? []).map((one) => one.call);
	}

	/* ------------------------------------------------------------------ said */

	async said(key) {
		return (await this.read('said', (said) => said.get(key), undefined))?.value;
	}

	say(key, value) {
		return this.write(['said'], (said) => { said.put({ key, value }); }, 'relaxed');
	}
}
