/* exchange - the simulated telephone exchange of one extension: calls as they
 * happen, and the call log it keeps of them. It knows nothing of logging or of the
 * page; the phone watches it as the real widget watches its platform. It outlives
 * a reload and is shared by all tabs of the browser. */

const ACCOUNT = '37439510';
const PLATFORM = 'https://platform.ringcentral.com/restapi/v1.0/account/' + ACCOUNT;
const MEDIA = 'https://media.ringcentral.com/restapi/v1.0/account/' + ACCOUNT;
const READER = 'https://ringcentral.github.io/ringcentral-media-reader/?media=';
const KEPT = 1_000; // records

/* What the call log says of a call that ended so: [result, reason], by direction. */
const ENDINGS = {
	answered: { Inbound: ['Accepted', 'Accepted'], Outbound: ['Call connected', 'Accepted'] },
	missed: { Inbound: ['Missed', 'No Answer'], Outbound: ['No Answer', 'No Answer'] },
	rejected: { Inbound: ['Rejected', 'Rejected'], Outbound: ['Hang Up', 'Hang Up'] },
	voicemail: { Inbound: ['Voicemail', 'Accepted'], Outbound: ['Call connected', 'Accepted'] },
	elsewhere: { Inbound: ['Answered Elsewhere', 'Accepted'],
		Outbound: ['Call connected', 'Accepted'] },
};

function isExtension(number) {
	return /^\d{1,6}$/.test(number);
}

export class Exchange {
	#clock;
	#store;
	#me;
	#watchers = [];
	#state;
	#together = false;

	/* me: { name, number, extension, extensionId } */
	constructor(clock, store, me) {
		this.#clock = clock;
		this.#store = store;
		this.#me = me;
		this.#read();
		store.watch((name) => {
			if (name !== 'exchange')
				return;
			this.#read();
			this.#tell();
		});
	}

	/* Calls back with the list of active calls whenever it may have changed. */
	watch(callback) {
		this.#watchers.push(callback);
	}

	get active() {
		return this.#state.active;
	}

	/* What a sync of the call log brings: newest first, ready by now. */
	get records() {
		const now = this.#clock.now();
		return this.#state.records.filter((record) => record.from <= now)
			.map(({ body, recording }) => recording && recording.from <= now
				? { ...body, recording: recording.body } : body);
	}

	/* A call begins to ring here (Inbound) or there (Outbound). What is given
	 * replaces what would be made up: number, name, sessionId,
	 * telephonySessionId, partyId, queueCall, status, startTime, offset,
	 * browser (the call is made in the browser). Returns it. */
	begin(direction, given = {}) {
		const call = this.make(direction, given);
		this.#state.active.push(call);
		this.#change();
		return call;
	}

	/* The same without it being active yet; see restore(). */
	make(direction, given = {}) {
		const order = this.#state.next++;
		const sessionId = given.sessionId ?? String(
			1_800_000_000_004 + this.#state.seed * 1_000_000 + order * 5_000);
		const number = given.number ?? '+16505550199';
		const internal = isExtension(number);
		const other = [number, given.name ?? ''];
		const mine = [internal ? this.#me.extension : this.#me.number,
			given.toName ?? this.#me.name];
		const [from, to] = direction === 'Inbound' ? [other, mine] : [mine, other];
		const party = direction === 'Inbound' ? 2 : 1;
		return {
			id: given.id ?? `6a3c${sessionId}`,
			sessionId,
			telephonySessionId: given.telephonySessionId ?? `s-a0d17z${sessionId}`,
			partyId: given.partyId ?? `p-a0d17z${sessionId}-${party}`,
			direction,
			from: from[0], fromName: from[1],
			to: to[0], toName: to[1],
			status: given.status ?? 'Ringing',
			startTime: given.startTime ?? this.#clock.now() - (given.offset ?? 0),
			offset: given.offset ?? 0,
			queueCall: given.queueCall,
			browser: given.browser ?? false,
			began: given.startTime ?? this.#clock.now(),
			answered: given.status ? this.#clock.now() : null,
		};
	}

	/* Changes members of an active call; a first status other than Ringing is the
	 * answer. */
	change(sessionId, members) {
		for (const call of this.#of(sessionId)) {
			if (members.status && members.status !== 'Ringing' && call.answered === null) {
				call.answered = this.#clock.now();
				if (call.browser)
					call.startTime = call.answered;
			}
			Object.assign(call, members);
		}
		this.#change();
	}

	/* The call is over. how: `ending` (see ENDINGS; otherwise by what happened),
	 * `quiet` (it vanishes, with no last word about it), `record: false` (the call
	 * log never has it), `recordAfter` and `recordingAfter` (milliseconds),
	 * `sessionIdInLog`, `members` (of the record), `keep` (the record comes before
	 * the call leaves presence). */
	end(sessionId, how = {}) {
		const calls = this.#of(sessionId);
		if (how.record !== false)
			for (const call of calls)
				this.#record(call, how);
		if (!how.keep) {
			this.#state.active = this.#state.active.filter((call) => !calls.includes(call));
			if (how.quiet)
				this.#state.quiet.push(sessionId);
		}
		this.#change();
		return calls;
	}

	/* A record gets its recording now; members: what else of it changes. */
	addRecording(sessionId, recording = this.#recording(), members = {}) {
		const record = this.#state.records.find(({ body }) => body.sessionId === sessionId);
		Object.assign(record.body, members);
		record.recording = { from: this.#clock.now(), body: recording };
		this.#change();
	}

	/* Puts past calls into the call log: each { direction, ending, number, name,
	 * startTime, duration, recording, members }. */
	remember(calls) {
		for (const given of calls) {
			const call = this.make(given.direction ?? 'Inbound', given);
			call.answered = call.startTime;
			this.#record(call, { ...given, recordAfter: -Infinity,
				members: { duration: given.duration ?? 60, ...given.members } });
		}
		this.#state.records.sort((a, b) => b.body.startTime - a.body.startTime);
		this.#change();
	}

	/* What act() does happens at one moment: the phone sees it as one change. */
	together(act) {
		this.#together = true;
		act();
		this.#together = false;
		this.#change();
	}

	/* A call that had left, or was made, is there as it is given. */
	restore(call) {
		this.#state.active.push(call);
		this.#change();
	}

	/* True when the call left presence without a last word about it. */
	leftQuietly(sessionId) {
		return this.#state.quiet.includes(sessionId);
	}

	#of(sessionId) {
		const calls = this.#state.active.filter((call) => call.sessionId === sessionId);
		if (!calls.length)
			throw new Error(`no active call ${sessionId}`);
		return calls;
	}

	#record(call, how) {
		const now = this.#clock.now();
		const ending = how.ending ?? (call.answered === null ? 'missed' : 'answered');
		const from = now + (how.recordAfter ?? 0);
		const recording = how.recordingAfter !== undefined || how.recording
			? { from: now + (how.recordingAfter ?? 0), body: this.#recording() } : null;
		const body = { ...this.#body(call, ending, now, how.sessionIdInLog),
			...(call.legs && {
				outboundLeg: this.#body(call.legs.outbound, ending, now),
				inboundLeg: this.#body(call.legs.inbound, ending, now) }),
			...how.members };
		this.#state.records.unshift({ from: Number.isFinite(from) ? from : 0, body, recording });
		this.#state.records.splice(KEPT);
	}

	/* A record of the call log, as the platform words it. */
	#body(call, ending, now, sessionId = call.sessionId) {
		const [result, reason] = ENDINGS[ending][call.direction];
		const voicemail = ending === 'voicemail' && call.direction === 'Inbound';
		const since = ending === 'answered' ? call.answered ?? call.began : call.began;
		const internal = isExtension(call.from) && isExtension(call.to);
		return {
			id: `IVy${btoa(`rec${sessionId}${this.#me.extension}`).replace(/=+$/, '')}`,
			type: 'Voice',
			internalType: internal ? 'Local' : 'LongDistance',
			action: call.direction === 'Inbound' ? 'Phone Call' : 'VoIP Call',
			result, reason, reasonDescription: '',
			extension: { uri: `${PLATFORM}/extension/${this.#me.extensionId}`,
				id: Number(this.#me.extensionId) },
			lastModifiedTime: new Date(now).toISOString(),
			sessionId,
			telephonySessionId: call.telephonySessionId,
			partyId: call.direction === 'Inbound' ? 'p-2' : 'p-1',
			startTime: call.browser ? call.began : call.startTime,
			duration: Math.max(0, Math.round((now - since) / 1000)),
			direction: call.direction,
			...(voicemail && { message: this.#voicemail() }),
			from: this.#side(call.from, call.fromName, call.direction === 'Outbound'),
			to: this.#side(call.to, call.toName, call.direction === 'Inbound'),
		};
	}

	#side(number, name, mine) {
		const side = {};
		if (isExtension(number))
			side.extensionNumber = number;
		else if (/^\+/.test(number))
			side.phoneNumber = number;
		if (name)
			side.name = name;
		if (mine)
			side.extensionId = this.#me.extensionId;
		return side;
	}

	#voicemail() {
		const id = String(2_210_330_000 + this.#state.next++);
		return { uri: `${PLATFORM}/extension/${this.#me.extensionId}/message-store/${id}`,
			id, type: 'VoiceMail' };
	}

	#recording() {
		const id = String(9_000_110_000 + this.#state.next++);
		const contentUri = `${MEDIA}/recording/${id}/content`;
		return { uri: `${PLATFORM}/recording/${id}`, id, type: 'Automatic', contentUri,
			link: READER + encodeURIComponent(contentUri) };
	}

	#read() {
		this.#state = this.#store.get('exchange')
			?? { next: 1, seed: Math.floor(Math.random() * 100_000), active: [], records: [],
				quiet: [] };
	}

	#change() {
		if (this.#together)
			return;
		this.#store.set('exchange', this.#state);
		this.#tell();
		this.#state.quiet = [];
	}

	#tell() {
		for (const watcher of this.#watchers)
			watcher(this.#state.active);
	}
}
