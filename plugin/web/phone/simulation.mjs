/* simulation - everything that makes calls happen and looks at the phone, for the
 * buttons and for scripts: `window.simulation` in the frame. A test reaches it
 * through the frame: frame.evaluate(() => simulation.play('missed')).
 *
 *   calls      ring(given) dial(given) -> session id; answer hold resume park
 *              transfer reject voicemail giveUp hangUp (session id, how)
 *              play(name, given): a whole call of scenarios.mjs
 *              vanish(id) reappear(id): presence flaps
 *              together([[name, ...], ...]): several of these at one moment
 *              aiNote(id, text, transcript): the agent saves an AI note
 *              remember(list or number): past calls into the call log
 *              record(id, recording): a call's record gets its recording now
 *              sync(): the call log is brought up to date now
 *   the agent  log(id) view(id) pick(id, contactId) press(id, buttonId)
 *              note(text, field) save() cancel(): in the form that log() opened
 *              autoLog(on) authorize() login() logout() focus()
 *   time       clock.hold() clock.run() advance(ms) settled()
 *   to look    state() traffic(since) loggedMark(id)
 *   the tab    reset(): forgets all, as a new browser would; reload afterwards */
import { turn } from './clock.mjs';
import { callers, SCENARIOS } from './scenarios.mjs';

const PATIENCE = 2_000; // real milliseconds for an answer before time moves on

export class Simulation {
	#phone;
	#exchange;
	#store;
	#callers = callers();
	#flown = new Map();

	clock;

	constructor({ phone, exchange, store, clock }) {
		this.#phone = phone;
		this.#exchange = exchange;
		this.#store = store;
		this.clock = clock;
	}

	/* ------------------------------------------------------------------ calls */

	ring(given = {}) {
		return this.#exchange.begin('Inbound', this.#with(given)).sessionId;
	}

	dial(given = {}) {
		return this.#exchange.begin('Outbound', this.#with(given)).sessionId;
	}

	#with(given) {
		return given.number ? given : { ...this.caller(), ...given };
	}

	caller() {
		return this.#callers.next().value;
	}

	answer(sessionId) { this.#exchange.change(sessionId, { status: 'CallConnected' }); }
	hold(sessionId) { this.#exchange.change(sessionId, { status: 'OnHold' }); }
	resume(sessionId) { this.#exchange.change(sessionId, { status: 'CallConnected' }); }
	park(sessionId) { this.#exchange.change(sessionId, { status: 'ParkedCall' }); }

	/* Another party takes the caller's place; `members` may change the status too. */
	transfer(sessionId, number, name = '', members = {}) {
		this.#exchange.change(sessionId, { from: number, fromName: name, ...members });
	}

	reject(sessionId) { this.hangUp(sessionId, { ending: 'rejected' }); }
	voicemail(sessionId) { this.hangUp(sessionId, { ending: 'voicemail' }); }
	giveUp(sessionId) { this.hangUp(sessionId, { ending: 'missed' }); }

	/* how: see Exchange.end(). */
	hangUp(sessionId, how) { this.#exchange.end(sessionId, how); }

	vanish(sessionId) {
		const [call] = this.#exchange.end(sessionId, { record: false, quiet: true });
		this.#flown.set(sessionId, call);
	}

	reappear(sessionId, status) {
		const call = this.#flown.get(sessionId);
		this.#exchange.restore({ ...call, status: status ?? call.status });
	}

	/* Plays a whole call; resolves with its session id when it is over. */
	play(name, given = {}) {
		return SCENARIOS[name].run({
			exchange: this.#exchange, clock: this.clock, me: this.#phone.me,
			caller: () => this.caller(), sync: () => this.sync(),
		}, given);
	}

	/* Past calls: a list as for Exchange.remember(), or how many to make up, the
	 * newest an hour ago and one every ten minutes before. */
	remember(calls) {
		const before = this.clock.now() - 3600_000;
		const list = typeof calls !== 'number' ? calls
			: Array.from({ length: calls }, (_, i) => ({ ...this.caller(),
				direction: i % 3 === 2 ? 'Outbound' : 'Inbound',
				ending: i % 4 === 3 ? 'missed' : 'answered',
				startTime: before - i * 600_000, duration: 30 + i % 200 }));
		this.#exchange.remember(list);
		this.sync();
	}

	/* recording: { id, type, uri, contentUri, link }; made up where it is not given. */
	record(sessionId, recording) {
		this.#exchange.addRecording(sessionId, recording);
		this.sync();
	}

	sync() { this.#phone.syncNow(); }

	/* The agent saves an AI note of a call (null: none); `transcript` comes with it. */
	aiNote(sessionId, aiNote, transcript) {
		this.#phone.logger.noted(sessionId, aiNote, transcript,
			this.#phone.history.find((record) => record.sessionId === sessionId));
	}

	/* What happens within is one change of presence, as when two calls end at once:
	 * [['hangUp', first], ['hangUp', second]]. */
	together(steps) {
		this.#exchange.together(() => {
			for (const [name, ...given] of steps)
				this[name](...given);
		});
	}

	/* -------------------------------------------------------------- the agent */

	log(sessionId) { return this.#phone.clickLog(sessionId); }
	view(sessionId) { return this.#phone.clickView(sessionId); }
	pick(sessionId, contactId) { return this.#phone.pickContact(sessionId, contactId); }

	press(sessionId, buttonId) { return this.#phone.clickButton(sessionId, buttonId); }

	/* Types at the end of a field of the open form, key by key as the real form
	 * reports it; '' empties the field. */
	note(text, key = 'note') {
		const before = text ? this.#phone.form.open.data[key] ?? '' : '';
		const characters = [...text];
		for (let i = Math.min(1, characters.length); i <= characters.length; i++)
			this.#phone.form.input(key, before + characters.slice(0, i).join(''));
	}

	save() { return this.#phone.form.save(); }
	cancel() { this.#phone.form.close(); }
	autoLog(on) { this.#phone.setAutoLog(on); }
	authorize() { return this.#phone.clickAuthorize(); }
	login() { this.#phone.login(true); }
	logout() { this.#phone.logout(); }
	focus() { this.#phone.becomeMain(); }

	/* ------------------------------------------------------------------- time */

	/* Moves the phone's time. Before each step, answers under way get two real
	 * seconds to come in; { settle: false } gives them none, for tests of what
	 * happens when none comes. */
	advance(ms, { settle = true } = {}) {
		return this.clock.advance(ms, settle ? () => this.settled() : undefined);
	}

	/* Resolves when no request waits for an answer; false when some still do. */
	async settled(patience = PATIENCE) {
		const end = performance.now() + patience;
		do
			await turn();
		while (this.#phone.wire.waiting && performance.now() < end);
		await turn();
		return this.#phone.wire.waiting === 0;
	}

	/* ---------------------------------------------------------------- to look */

	state() {
		const phone = this.#phone;
		const row = (sessionId) => {
			const { call, entries } = phone.look(sessionId);
			return { sessionId, direction: call.direction, result: call.result,
				logged: phone.isLogged(sessionId), entries,
				message: entries.find(({ type }) => type === 'status')?.message ?? null };
		};
		return {
			loggedIn: phone.loggedIn, service: phone.service, ready: phone.ready,
			authorized: phone.authorized, authorizedAccount: phone.authorizedAccount,
			autoLog: phone.autoLog, main: phone.isMain, form: phone.form.open,
			waiting: phone.wire.waiting,
			active: this.#exchange.active.map((call) => ({ ...row(call.sessionId),
				status: call.status })),
			ended: phone.logger.ended.map(({ sessionId }) => row(sessionId)),
			history: phone.history.map(({ sessionId }) => row(sessionId)),
		};
	}

	/* Whether the phone marks the call as logged. */
	loggedMark(sessionId) {
		return this.#phone.isLogged(sessionId);
	}

	/* The messages since then: [{ at, way: 'out' (to the page) or 'in', message }]. */
	traffic(since = 0) {
		return this.#phone.wire.traffic.filter(({ at }) => at >= since);
	}

	reset() { this.#store.clear(); }
}
