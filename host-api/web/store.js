/* store - what must outlive this page, in IndexedDB: the outbox (events the host has
 * not acknowledged), what it refused for good, the last known match answers, which
 * calls were answered without it, and what it said of itself. Everything but the
 * latter belongs to one agent ("owner") and is touched for that one only. It decides
 * nothing. */

const VERSION = 1;
/* Events an outbox may hold, and more that only saves by the agent may take. */
const OUTBOX_MAX = 9000;
const RESERVE = 1000;
const ANSWERS_MAX = 5000;
const ASIDE_MAX = 500;

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
			const db = await open();
			const store = new Store(db);
			/* A newer version of this page waits for it to let go. */
			db.onversionchange = () => { db.close(); store.db = null; };
			return store;
		} catch (error) {
			console.warn('call-log: this browser keeps nothing:', error);
			return new Store(null);
		}
	}

	/* Runs work(...stores) in one transaction; its result once that is durable. */
	async write(names, work, durability = 'strict') {
		if (!this.db)
			return undefined;
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
			if (transaction.error === null)
				transaction.abort();
			throw error;
		}
		await done;
		return result;
	}

	async read(name, work, none) {
		return this.db ? settled(work(this.db.transaction(name).objectStore(name))) : none;
	}

	/* ---------------------------------------------------------------- outbox */

	/* Gives the entry its place, `seq`. Throws OutboxFull. */
	async append(entry) {
		entry.seq = await this.write(['outbox'], async (outbox) => {
			const count = await settled(outbox.index('owner').count(entry.owner));
			if (count >= OUTBOX_MAX + (entry.save ? RESERVE : 0))
				throw new OutboxFull(`${count} events wait already`);
			return settled(outbox.add(entry));
		});
	}

	remove(entry) {
		return this.write(['outbox'], (outbox) => { outbox.delete(entry.seq); });
	}

	waiting(owner) {
		return this.read('outbox', (outbox) => outbox.index('owner').getAll(owner), []);
	}

	/* Moves it to those that a person has to look at. */
	setAside(entry, why) {
		return this.write(['outbox', 'aside'], async (outbox, aside) => {
			outbox.delete(entry.seq);
			const { seq, ...rest } = entry;
			aside.add({ ...rest, why, at: Date.now() });
			const keys = await settled(aside.index('owner').getAllKeys(entry.owner));
			for (const key of keys.slice(0, Math.max(0, keys.length - ASIDE_MAX)))
				aside.delete(key);
		});
	}

	aside(owner) {
		return this.read('aside', (aside) => aside.index('owner').getAll(owner), []);
	}

	/* --------------------------------------------------------------- answers */

	/* The last known entries of these calls: Map of those that are known. */
	async answers(owner, calls) {
		if (!this.db)
			return new Map();
		const answers = this.db.transaction('answers').objectStore('answers');
		const found = await Promise.all(calls.map((call) => settled(answers.get([owner, call]))));
		return new Map(found.filter(Boolean).map((answer) => [answer.call, answer.entries]));
	}

	/* known: Map of call to its entries; none: it is not logged. Losing these in a
	 * crash loses nothing, so the disk is not waited for. */
	learn(owner, known) {
		return this.write(['answers', 'owed'], async (answers, owed) => {
			for (const [call, entries] of known) {
				owed.delete([owner, call]);
				if (entries.length)
					answers.put({ owner, call, entries, at: Date.now() });
				else
					answers.delete([owner, call]);
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
				owed.put({ owner, call });
		}, 'relaxed');
	}

	async owed(owner) {
		const owed = await this.read('owed', (store) => store.getAll(allOf(owner)), []);
		return owed.map((one) => one.call);
	}

	/* ------------------------------------------------------------------ said */

	async said(key) {
		return (await this.read('said', (said) => said.get(key), undefined))?.value;
	}

	say(key, value) {
		return this.write(['said'], (said) => { said.put({ key, value }); }, 'relaxed');
	}
}
