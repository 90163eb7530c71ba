/* notes - what the agent types, until the plugin has it: kept in this browser at each
 * key, sent again while the host is away, and never put in the place of what somebody
 * else saved meanwhile without the agent's own word. It knows nothing of how it looks.
 *
 *   saved      nothing is typed that the plugin does not have
 *   typed      something is
 *   saving     it is under way
 *   waiting    the host could not be reached: it is sent again
 *   conflict   somebody else saved meanwhile: `theirs` is {note, version}
 *   refused    `why` says why it will never be saved like this
 */

const RETRY_MIN_MS = 1000;
const RETRY_MAX_MS = 15_000;

class Note {
	constructor(sessionId) {
		Object.assign(this, { sessionId, state: 'saved', text: '', base: '', version: '',
			theirs: null, why: '', loads: 0, retryMs: RETRY_MIN_MS, timer: null,
			kept: null,     /* what this page has put into the storage */
			isKept: true }); /* whether the storage has what is typed */
	}

	get isTyped() {
		return this.state !== 'saved';
	}
}

export class Notes {
	/* storage: as localStorage, or null; changed(note) after each change but the agent's own
	 * typing; saved(sessionId): the plugin has it. */
	constructor({ api, storage, changed, saved }) {
		Object.assign(this, { api, storage, changed, saved });
		this.prefix = `call-log-note:${api.owner}:`;
		this.notes = new Map();
	}

	/* Takes up what an earlier page did not get saved. */
	recall() {
		for (const key of Object.keys(this.storage ?? {}).filter((key) => key.startsWith(this.prefix))) {
			const note = this.of(key.slice(this.prefix.length));
			const kept = this.storage.getItem(key);
			const { text, base, version, wanted } = JSON.parse(kept);
			Object.assign(note, { text, base, version, state: 'typed', kept });
			if (wanted)
				this.save(note);
		}
	}

	of(sessionId) {
		if (!this.notes.has(sessionId))
			this.notes.set(sessionId, new Note(sessionId));
		return this.notes.get(sessionId);
	}

	hasDraft(sessionId) {
		return this.notes.get(sessionId)?.isTyped ?? false;
	}

	/* Whether something typed would go with this page. */
	get anyUnkept() {
		return [...this.notes.values()].some((note) => note.isTyped && !note.isKept);
	}

	keep(note) {
		const key = this.prefix + note.sessionId;
		const { text, base, version, state } = note;
		const kept = note.isTyped ? JSON.stringify({ text, base, version,
			wanted: state === 'saving' || state === 'waiting' }) : null;
		note.isKept = !note.isTyped;
		try {
			if (kept !== null)
				this.storage.setItem(key, kept);
			/* Another tab of the agent's may have put there what is typed in it. */
			else if (note.kept !== null && this.storage.getItem(key) === note.kept)
				this.storage.removeItem(key);
			Object.assign(note, { kept, isKept: true });
		} catch (error) {
			console.warn('call-log: this browser does not keep what is typed:', error);
		}
	}

	become(note, state, more = {}) {
		clearTimeout(note.timer);
		Object.assign(note, { state, ...more });
		this.keep(note);
		this.changed(note);
	}

	/* ------------------------------------------------------------- the agent */

	type(note, text) {
		clearTimeout(note.timer);
		note.text = text;
		if (note.state === 'saving' || note.state === 'conflict')
			this.keep(note);
		else
			this.become(note, text === note.base ? 'saved' : 'typed');
	}

	discard(note) {
		this.become(note, 'saved', { text: note.base });
	}

	/* The agent's word on a conflict: 'mine', 'theirs' or 'both'. */
	resolve(note, choice) {
		const { note: text, version } = note.theirs;
		Object.assign(note, { base: text, version, theirs: null });
		if (choice === 'theirs')
			this.become(note, 'saved', { text });
		else if (choice === 'both')
			this.become(note, 'typed', { text: [text, note.text].filter(Boolean).join('\n\n') });
		else
			this.save(note);
	}

	/* The call has become part of another: what is typed goes along. */
	move(from, to) {
		const old = this.of(from);
		if (!old.isTyped || old.state === 'saving')
			return;
		const note = this.of(to);
		const { text, base, version } = old;
		this.discard(old);
		if (note.isTyped)
			this.type(note, `${note.text}\n\n${text}`);
		else
			this.become(note, 'typed', { text, base, version });
	}

	/* ------------------------------------------------------------ the plugin */

	/* What the plugin has, as asked for when `loads` was note.loads: an answer that a
	 * save has overtaken says nothing. */
	loaded(note, call, loads) {
		if (note.state === 'saving' || loads !== note.loads)
			return;
		const theirs = { note: call.note ?? '', version: call.noteVersion };
		if (!note.isTyped)
			this.become(note, 'saved', { text: theirs.note, base: theirs.note,
				version: theirs.version });
		else if (theirs.version !== (note.theirs ?? note).version)
			this.meet(note, theirs, note.text);
	}

	/* Somebody else saved, or this page did and did not hear of it. */
	meet(note, theirs, sent) {
		note.loads++;
		if (theirs.note === sent)
			this.settle(note, sent, theirs.version);
		else
			this.become(note, 'conflict', { theirs });
	}

	settle(note, sent, version) {
		Object.assign(note, { base: sent, version, retryMs: RETRY_MIN_MS, theirs: null });
		this.become(note, note.text === sent ? 'saved' : 'typed');
		this.saved(note.sessionId);
	}

	async save(note) {
		const { sessionId, text, version } = note;
		this.become(note, 'saving');
		const { kind, data, why } = await this.api.ask('call_log/set-note',
			{ sessionId, note: text, expectedVersion: version });
		note.loads++;
		if (kind === 'ok' && data.saved)
			this.settle(note, text, data.noteVersion);
		else if (kind === 'ok' && data.conflict)
			this.meet(note, { note: data.conflict.note ?? '', version: data.conflict.noteVersion },
				text);
		else if (kind === 'ok' || kind === 'refused')
			this.become(note, 'refused', { why: why ?? 'There is no such call.' });
		else
			this.wait(note);
	}

	wait(note) {
		this.become(note, 'waiting');
		note.timer = setTimeout(() => this.save(note), note.retryMs);
		note.retryMs = Math.min(note.retryMs * 2, RETRY_MAX_MS);
	}

	/* The host is back. */
	retry() {
		for (const note of this.notes.values())
			if (note.state === 'waiting') {
				note.retryMs = RETRY_MIN_MS;
				this.save(note);
			}
	}
}
