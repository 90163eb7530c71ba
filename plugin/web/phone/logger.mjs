/* logger - decides which events of a call the service is sent, and when: the real
 * widget's rules, with its traps. It sees calls only as the exchange shows them and
 * sends nothing but log requests and the matches that belong to them. */
import { numbersOf, presenceShape, recordShape } from './shapes.mjs';
import { TIMEOUT } from './wire.mjs';

const AGAIN = 83; // between two rounds of a call to oneself: about 12 a second
const NEWEST = 20; // records among which a late recording is noticed

export class Logger {
	#clock;
	#wire;
	#calls; // matcher of session ids
	#contacts; // matcher of numbers
	#service; // () => { path, token } of the service, or null before one is there
	#mayAutoLog; // () => this tab logs by itself
	#autoLog; // () => the switch is on
	#seen = []; // the active calls as last looked at
	#ended = new Map(); // without a record yet: session id => call
	#due = new Set(); // those of them that ended before our eyes
	#synced = new Map(); // session id => the record had a recording
	#underWay = new Map(); // session id => the last request of it
	#waiting = new Map(); // session id => requests not yet answered
	#storms = new Set();

	/* The contact of a call, by its session id: the agent's pick, or the first that
	 * matched when the call was new. */
	picks = new Map();

	constructor({ clock, wire, calls, contacts, service, mayAutoLog, autoLog }) {
		this.#clock = clock;
		this.#wire = wire;
		this.#calls = calls;
		this.#contacts = contacts;
		this.#service = service;
		this.#mayAutoLog = mayAutoLog;
		this.#autoLog = autoLog;
	}

	/* Ended calls whose record has not come: still shown and logged. */
	get ended() {
		return [...this.#ended.values()];
	}

	restoreEnded(calls) {
		for (const call of calls)
			this.#ended.set(call.sessionId, call);
	}

	/* ---------------------------------------------------------------- presence */

	/* Takes note of the calls without an event: they were there when we came. */
	begin(active, records) {
		this.#seen = structuredClone(active);
		for (const record of records)
			this.#synced.set(record.sessionId, Boolean(record.recording));
	}

	/* Presence has changed; each change is one event or none. */
	presence(active) {
		const before = this.#seen;
		const now = structuredClone(active);
		this.#seen = now;
		const find = (list, { sessionId }) =>
			list.find((call) => call.sessionId === sessionId);
		for (const call of now) {
			const old = find(before, call);
			if (now.filter((leg) => leg.sessionId === call.sessionId).length > 1)
				this.#storm(call.sessionId);
			else if (!old)
				this.#begun(call);
			else
				this.#changed(old, call);
		}
		for (const call of before)
			if (!find(now, call) && find(before, call) === call)
				this.#gone(call);
	}

	async #begun(call) {
		this.#ended.delete(call.sessionId); // it came back
		this.#due.delete(call.sessionId);
		if (!this.#mayAutoLog())
			return;
		const before = this.#shape(call); // what was matched then is what it shows
		await Promise.all([
			this.#contacts.match(numbersOf(call).filter(Boolean)),
			this.#calls.ask([call.sessionId]),
		]);
		if (!this.#autoLog() || !this.#mayAutoLog() || !this.#service())
			return;
		const after = this.#shape(call);
		const [contact] = call.direction === 'Inbound' ? after.fromMatches : after.toMatches;
		if (contact)
			this.picks.set(call.sessionId, contact.id);
		this.#log(call.sessionId, {
			call: { ...before, duration: this.#duration(call), result: call.status },
			...(!after.activityMatches.length && this.#entities(after, false)),
			triggerType: 'presenceUpdate' });
	}

	#changed(old, call) {
		const moved = old.from !== call.from;
		if (!moved && old.status === call.status)
			return;
		if (moved && this.#mayAutoLog())
			this.#contacts.match(numbersOf(call).filter(Boolean));
		const plain = { isTransferredCall: false, transferredMiddleNumber: null };
		if (old.status !== call.status)
			this.#update(call, this.#live(call, plain));
		if (moved)
			this.#update(call, this.#live(call, { isTransferredCall: true,
				transferredMiddleNumber: old.from, phoneNumberUpdated: true }));
	}

	#gone(call) {
		const known = this.#synced.has(call.sessionId);
		if (!known) {
			this.#ended.set(call.sessionId, { ...call, endedAt: this.#clock.now() });
			this.#due.add(call.sessionId);
		}
		this.#update(call, {
			...this.#shape(call),
			result: known ? call.status : 'Disconnected',
			isRecording: false,
			isTransferredCall: false, transferredMiddleNumber: null,
			duration: this.#duration(call),
		});
	}

	#update(call, body) {
		if (this.#follows(call.sessionId))
			this.#log(call.sessionId, { call: body, triggerType: 'presenceUpdate' });
	}

	/* Two calls with one session id: each answer makes the widget look again, until
	 * the call ends. */
	async #storm(sessionId) {
		if (this.#storms.has(sessionId))
			return;
		this.#storms.add(sessionId);
		const legs = () => this.#seen.filter((call) => call.sessionId === sessionId);
		while (legs().length > 1) {
			const next = this.#clock.sleep(AGAIN);
			if (this.#follows(sessionId)) {
				const [call] = legs();
				await this.#send(sessionId, { call: this.#live(call, {
					isTransferredCall: false, transferredMiddleNumber: null }),
				triggerType: 'presenceUpdate' }, [sessionId, sessionId]);
			}
			await next;
		}
		this.#storms.delete(sessionId);
	}

	/* ---------------------------------------------------------------- call log */

	/* A sync brought these records, newest first. */
	synced(records) {
		records.forEach((record, index) => {
			const { sessionId } = record;
			const had = this.#synced.get(sessionId);
			const has = Boolean(record.recording);
			this.#synced.set(sessionId, has);
			this.#ended.delete(sessionId);
			if (this.#due.delete(sessionId)) {
				this.#sync(record, { isTransferredCall: false, transferredMiddleNumber: null });
			} else if (had === false && has && index < NEWEST) {
				this.#sync(record, {});
			}
		});
	}

	#sync(record, members) {
		if (this.#follows(record.sessionId))
			this.#log(record.sessionId, {
				call: { ...this.recordOf(record), ...members },
				triggerType: 'callLogSync', ...this.smartNote(record.sessionId) });
	}

	#smartNotes = new Map();

	/* What an agent with AI notes has of a call: { aiNote, transcript? }, or nothing. */
	smartNote(sessionId) {
		return this.#smartNotes.get(sessionId) ?? {};
	}

	/* The agent saved one; where the call is logged the service hears of it. */
	noted(sessionId, aiNote, transcript, record) {
		this.#smartNotes.set(sessionId, { aiNote, ...(transcript && { transcript }) });
		if (record)
			this.#sync(record, {});
	}

	/* ------------------------------------------------------------ by the agent */

	/* A click of the agent: trigger createLog, editLog, viewLog, contactUpdated or
	 * logForm; extra: what else the request says. */
	byHand(call, triggerType, extra = {}) {
		const { redirect = true, note, formData } = extra;
		const entities = triggerType === 'logForm' ? { fromEntity: null, toEntity: null }
			: this.#entities(call, true);
		return this.#log(call.sessionId, { call, triggerType,
			...(note !== undefined && { note }), ...(formData && { formData }),
			redirect, ...entities, ...(!call.telephonyStatus || call.result === 'Disconnected'
				? this.smartNote(call.sessionId) : {}) });
	}

	/* An active or just ended call as a click sends it. */
	callOf(call) {
		const ended = this.#ended.has(call.sessionId);
		const end = ended ? call.endedAt : this.#clock.now();
		const seconds = (end - call.startTime) / 1000;
		return { ...this.#shape(call),
			duration: ended ? Math.floor(seconds) : Math.round(seconds),
			result: ended ? 'Disconnected' : call.status };
	}

	recordOf(record) {
		const [from, to] = numbersOf(record);
		return recordShape(record, this.#matches(record.sessionId, from, to),
			this.#service()?.token);
	}

	/* ---------------------------------------------------------------- sending */

	/* The call is logged, or being logged, or logs itself. */
	#follows(sessionId) {
		return this.#service() !== null && this.#mayAutoLog()
			&& (this.#autoLog() || this.#calls.of(sessionId).length > 0
				|| this.#waiting.get(sessionId) > 0);
	}

	/* Requests of one call wait for the one under way, and all that wait are let go
	 * together. */
	async #log(sessionId, body) {
		this.#waiting.set(sessionId, (this.#waiting.get(sessionId) ?? 0) + 1);
		await this.#underWay.get(sessionId);
		const sent = this.#send(sessionId, body);
		this.#underWay.set(sessionId, sent);
		await sent;
		if (this.#underWay.get(sessionId) === sent)
			this.#underWay.delete(sessionId);
		this.#waiting.set(sessionId, this.#waiting.get(sessionId) - 1);
	}

	/* One request; an answer of any content is a success, and a match follows it. */
	async #send(sessionId, body, asked = [sessionId]) {
		const { path } = this.#service();
		try {
			await this.#wire.request(path, body, TIMEOUT.log);
		} catch {
			return; // the wire has said so; nobody else is told
		}
		this.#calls.ask(asked);
	}

	/* ---------------------------------------------------------------- shapes */

	#matches(sessionId, from, to) {
		const contacts = (number) => number ? this.#contacts.of(number)
			.map((contact) => ({ ...contact, entityType: contact.type })) : [];
		return { from: contacts(from), to: contacts(to), activity: this.#calls.of(sessionId),
			picked: this.picks.get(sessionId) };
	}

	#shape(call) {
		const [from, to] = numbersOf(call);
		return presenceShape(call, this.#matches(call.sessionId, from, to));
	}

	#live(call, members) {
		return { ...this.#shape(call), ...members, duration: this.#duration(call),
			result: call.status };
	}

	#duration(call) {
		return Math.round((this.#clock.now() - call.startTime) / 1000);
	}

	/* Who the call was with: by itself only where one contact matches; by the
	 * agent's pick otherwise. */
	#entities(call, byHand) {
		const one = (list) => list.length === 1 ? list[0] : null;
		if (!byHand)
			return { fromEntity: one(call.fromMatches), toEntity: one(call.toMatches) };
		const inbound = call.direction === 'Inbound';
		const list = inbound ? call.fromMatches : call.toMatches;
		const pick = list.find(({ id }) => id === call.toNumberEntity) ?? one(list);
		return { fromEntity: inbound ? pick : null, toEntity: inbound ? null : pick };
	}
}
