/* phone - the simulated widget: what it knows of the agent, the calls and the
 * service that registered, what it tells the page and what it does when the page
 * asks. It shows nothing; the view does.
 *
 * The service is kept in memory alone, as in the real widget: after each load
 * nothing is logged until the page registers it again. */
import { LogForm } from './form.mjs';
import { Logger } from './logger.mjs';
import { Matcher } from './matcher.mjs';
import { answer } from './pull.mjs';
import { noticeShape, numbersOf, webphoneSession } from './shapes.mjs';
import { TIMEOUT, Wire } from './wire.mjs';

const SYNCED = 7 * 24 * 3600_000; // how far back a sync of the call log reaches
const SYNC_AFTER_END = 5_000;
const SYNC_LATER = 35_000; // after the last word about a call
const SYNC_EVERY = 5 * 60_000;
const SYNC_STALE = 3 * 60_000; // older than that, a load syncs
const ENDED_KEPT = 24 * 3600_000;
const REFRESHED = 30; // asked anew when a service comes again
const TOKEN = 'SIMULATED-LIVE-TOKEN';

export class Phone {
	#clock;
	#exchange;
	#store;
	#options;
	#watchers = [];
	#syncTimer = null;
	#seen = [];
	#presence = 'NoCall';
	#tab = crypto.randomUUID();

	wire;
	calls;
	contacts;
	logger;
	form = new LogForm(this);
	me;

	loggedIn = false;
	service = null; // as the page registered it
	authorized = true;
	authorizedAccount = '';
	autoLog = false;
	ready = false; // a logger path was registered
	history = []; // the synced records, newest first

	/* options: me, defaultAutoLog; post: puts a message before the page. */
	constructor({ clock, exchange, store, post, options }) {
		this.#clock = clock;
		this.#exchange = exchange;
		this.#store = store;
		this.#options = options;
		this.me = options.me;
		this.wire = new Wire(clock, post);
		const changed = () => this.tell();
		const common = { clock, wire: this.wire, store, changed };
		this.calls = new Matcher({ ...common, name: 'calls',
			request: (ids) => this.#matchRequest(ids) });
		this.contacts = new Matcher({ ...common, name: 'contacts',
			request: (numbers) => this.#contactRequest(numbers) });
		this.logger = new Logger({ clock, wire: this.wire, calls: this.calls,
			contacts: this.contacts,
			service: () => this.loggedIn && this.ready
				? { path: this.service.callLoggerPath, token: this.#token() } : null,
			mayAutoLog: () => this.isMain,
			autoLog: () => this.autoLog });
		this.autoLog = store.get('autoLog', options.defaultAutoLog);
		this.history = store.get('history', []);
		this.logger.restoreEnded(store.get('ended', []).filter(
			(call) => call.endedAt > clock.now() - ENDED_KEPT));
		exchange.watch((active) => this.#presenceChanged(active));
	}

	/* Calls back whenever something to be shown may have changed. */
	watch(callback) {
		this.#watchers.push(callback);
	}

	tell() {
		for (const watcher of this.#watchers)
			watcher();
	}

	/* ------------------------------------------------------------------- tabs */

	/* Only the tab last used logs and matches by itself. */
	get isMain() {
		return (this.#store.get('main') ?? this.#tab) === this.#tab;
	}

	becomeMain() {
		this.#store.set('main', this.#tab);
	}

	leave() {
		if (this.#store.get('main') === this.#tab)
			this.#store.remove('main');
	}

	/* ------------------------------------------------------------------ login */

	login(isFreshLogin = false) {
		this.loggedIn = true;
		this.#seen = structuredClone(this.#exchange.active);
		this.#presence = this.#seen[0]?.status ?? 'NoCall';
		this.logger.begin(this.#exchange.active, this.history);
		if (this.#clock.now() - this.#store.get('syncedAt', 0) > SYNC_STALE)
			this.#syncSoon(0);
		this.#everyFiveMinutes();
		this.#loginNotify(isFreshLogin);
		this.tell();
	}

	logout() {
		this.loggedIn = false;
		this.#loginNotify(false);
		this.tell();
	}

	#loginNotify(isFreshLogin) {
		this.wire.send({ type: 'rc-login-status-notify', loggedIn: this.loggedIn,
			loginNumber: this.loggedIn ? `${this.me.number}*${this.me.extension}` : undefined,
			contractedCountryCode: 'US', admin: false,
			features: { sms: true, meeting: false, glip: false, smartNote: false, call: true,
				ringSenseInsights: false },
			isFreshLogin });
	}

	/* ---------------------------------------------------------------- service */

	/* A message of the page. */
	receive(message) {
		if (this.wire.receive(message))
			return;
		const handle = {
			'rc-adapter-register-third-party-service': () => this.#register(message.service),
			'rc-adapter-update-authorization-status': () => this.#authorize(message),
			'rc-adapter-trigger-call-logger-match': () => this.#trigger(message.sessionIds),
			'rc-adapter-update-auto-log-settings': () => this.#hostSetsAutoLog(message),
			'rc-adapter-update-call-log-page': () => this.form.draw(message.page),
			'rc-adapter-set-call-contact-matches-select': () => this.#preselect(message),
			'rc-adapter-navigate-to': () => this.#navigate(message.path),
			'rc-adapter-message-request': () => this.#answer(message),
		}[message.type];
		handle?.();
	}

	#register(service) {
		if (!service?.name)
			return;
		const again = this.service !== null;
		// an empty text does not clear the old one
		const kept = {};
		for (const key of ['callLoggerAutoSettingLabel', 'callLoggerAutoSettingDescription'])
			if (!service[key] && this.service?.[key])
				kept[key] = this.service[key];
		this.service = { ...service, ...kept };
		this.authorized = service.authorizationPath ? Boolean(service.authorized) : true;
		this.authorizedAccount = service.authorizedAccount ?? '';
		if (!again) {
			this.calls.use(service.name);
			this.contacts.use(service.name);
		}
		if (this.authorized)
			this.#matchAll(again);
		if (!this.ready && service.callLoggerPath)
			this.#becomeReady();
		this.tell();
	}

	/* A forced value counts at this moment only. */
	#becomeReady() {
		this.ready = true;
		const { callLoggerAutoSettingReadOnly: readOnly,
			callLoggerAutoSettingReadOnlyValue: value } = this.service;
		if (readOnly && value !== undefined)
			this.#keepAutoLog(Boolean(value));
		this.wire.send({ type: 'rc-callLogger-auto-log-notify', autoLog: this.autoLog });
	}

	#authorize({ authorized, authorizedAccount }) {
		if (!this.service?.authorizationPath)
			return;
		if (authorizedAccount === undefined) {
			console.error('phone: an authorization status without authorizedAccount');
			return; // the real one throws here, and keeps the old status
		}
		const before = this.authorized;
		this.authorized = Boolean(authorized);
		this.authorizedAccount = authorizedAccount;
		if (this.authorized && !before)
			this.#matchAll(true);
		this.tell();
	}

	/* The agent clicks on the button of the sign-in section. */
	clickAuthorize() {
		return this.wire.request(this.service.authorizationPath,
			{ authorized: this.authorized }, TIMEOUT.other).catch(() => {});
	}

	/* ------------------------------------------------------------------ match */

	/* All that is known: when the service comes again the first thirty anew, and of
	 * the rest what is not remembered. */
	#matchAll(again) {
		if (!this.loggedIn || !this.isMain)
			return;
		const numbers = [...new Set(this.#known().flatMap(numbersOf).filter(Boolean))];
		const ids = this.#knownIds();
		this.contacts.match(numbers);
		if (again)
			this.calls.ask(ids.slice(0, REFRESHED)).then(
				() => this.calls.match(ids.slice(REFRESHED)));
		else
			this.calls.match(ids);
	}

	#known() {
		return [...this.#exchange.active, ...this.logger.ended, ...this.history];
	}

	#knownIds() {
		return [...new Set(this.#known().map(({ sessionId }) => sessionId))];
	}

	#matchRequest(ids) {
		const path = this.service?.callLogEntityMatcherPath;
		if (!path || !this.authorized || !this.loggedIn)
			return null;
		const active = new Set(this.#exchange.active.map(({ sessionId }) => sessionId));
		return { path, body: { sessionIds: ids,
			activeSessionIds: ids.filter((id) => active.has(id)) } };
	}

	#contactRequest(phoneNumbers) {
		const path = this.service?.contactMatchPath;
		if (!path || !this.authorized || !this.loggedIn)
			return null;
		return { path, body: { phoneNumbers, callerIds: {} } };
	}

	#trigger(sessionIds) {
		const known = this.#knownIds();
		this.calls.ask((sessionIds ?? []).filter((id) => known.includes(id)));
	}

	/* --------------------------------------------------------------- auto log */

	setAutoLog(value) {
		if (this.service?.callLoggerAutoSettingReadOnly)
			return;
		this.#changeAutoLog(value);
	}

	/* The page may, also where the agent may not. */
	#hostSetsAutoLog({ call }) {
		if (this.ready && call !== undefined)
			this.#changeAutoLog(Boolean(call));
	}

	#changeAutoLog(value) {
		if (value === this.autoLog)
			return;
		this.#keepAutoLog(value);
		if (this.ready)
			this.wire.send({ type: 'rc-callLogger-auto-log-notify', autoLog: value });
		this.tell();
	}

	#keepAutoLog(value) {
		this.autoLog = value;
		this.#store.set('autoLog', value);
	}

	/* ------------------------------------------------------------------ calls */

	#presenceChanged(active) {
		if (!this.loggedIn)
			return;
		const before = this.#seen;
		this.#seen = structuredClone(active);
		this.#notify(before, active);
		this.logger.presence(active);
		this.#store.set('ended', this.logger.ended);
		if (before.some((call) => !has(active, call))) {
			this.#syncSoon(SYNC_AFTER_END);
			this.#clock.after(SYNC_LATER, () => this.#sync());
		}
		this.tell();
	}

	/* What any page is told, also one without a service. */
	#notify(before, active) {
		const status = active[0]?.status ?? 'NoCall';
		if (status !== this.#presence)
			this.wire.send({ type: 'rc-adapter-syncPresence', telephonyStatus: status,
				userStatus: 'Available', dndStatus: 'TakeAllCalls',
				presenceOption: 'Available' });
		this.#presence = status;
		for (const call of active) {
			const old = before.find(({ id }) => id === call.id);
			if (old && old.status === call.status)
				continue;
			this.wire.send({ type: 'rc-active-call-notify', call: noticeShape(call) });
			if (call.browser)
				this.#browserNotify(old, call);
		}
		for (const call of before) {
			if (has(active, call))
				continue;
			if (!this.#exchange.leftQuietly(call.sessionId))
				this.wire.send({ type: 'rc-active-call-notify',
					call: noticeShape(call, 'NoCall') });
			if (call.browser)
				this.wire.send({ type: 'rc-call-end-notify',
					call: webphoneSession(call, this.#clock.now()) });
		}
	}

	#browserNotify(old, call) {
		const types = !old ? [call.direction === 'Inbound' ? 'ring' : 'init']
			: call.status === 'OnHold' ? ['hold']
				: old.status === 'OnHold' ? ['resume'] : ['start'];
		for (const type of types)
			this.wire.send({ type: `rc-call-${type}-notify`, call: webphoneSession(call) });
	}

	/* --------------------------------------------------------------- call log */

	/* Each further call within the wait puts it off. */
	#syncSoon(ms) {
		if (this.#syncTimer)
			this.#clock.cancel(this.#syncTimer);
		this.#syncTimer = this.#clock.after(ms, () => this.#sync());
	}

	#everyFiveMinutes() {
		this.#clock.after(SYNC_EVERY, () => {
			if (this.loggedIn) {
				this.#sync();
				this.#everyFiveMinutes();
			}
		});
	}

	#sync() {
		if (!this.loggedIn)
			return;
		const since = this.#clock.now() - SYNCED;
		const records = this.#exchange.records.filter((record) =>
			record.startTime > since && !isDropped(record));
		const known = this.#knownIds();
		const news = JSON.stringify(records) !== JSON.stringify(this.history);
		this.history = records;
		this.#store.set('history', records);
		this.#store.set('syncedAt', this.#clock.now());
		if (news) {
			if (this.isMain)
				this.calls.match(records.map(({ sessionId }) => sessionId)
					.filter((id) => !known.includes(id)));
			this.wire.send({ type: 'rc-call-history-synced-notify' });
			this.logger.synced(records);
			this.#store.set('ended', this.logger.ended);
		}
		this.tell();
	}

	/* Brings the call log up to date now. */
	syncNow() {
		this.#sync();
	}

	#token() {
		return this.service.recordingWithToken ? TOKEN : null;
	}

	/* ---------------------------------------------------------- the agent acts */

	/* A call as the agent sees it: { call (as it is sent), entries, active }. */
	look(sessionId) {
		const entries = this.calls.of(sessionId);
		const live = [...this.#exchange.active, ...this.logger.ended].find(
			(call) => call.sessionId === sessionId);
		if (live)
			return { call: this.logger.callOf(live), entries, active: true };
		const record = this.history.find((record) => record.sessionId === sessionId);
		return record && { call: this.logger.recordOf(record), entries, active: false };
	}

	/* The button says "Edit log": in the list of active calls for any entry, in the
	 * history for one that is more than a status. */
	isLogged(sessionId) {
		const { entries, active } = this.look(sessionId);
		return active ? entries.length > 0 : entries.some(({ type }) => type !== 'status');
	}

	clickLog(sessionId) {
		if (this.service.showLogModal)
			return this.form.show(sessionId);
		const { call } = this.look(sessionId);
		return this.logger.byHand(call, this.isLogged(sessionId) ? 'editLog' : 'createLog');
	}

	clickView(sessionId) {
		return this.logger.byHand(this.look(sessionId).call, 'viewLog');
	}

	/* A button that the service put beside each call. */
	clickButton(sessionId, id) {
		const { buttonEventPath: path, buttons } = this.service;
		const { type, label } = buttons.find((button) => button.id === id);
		return this.wire.request(path, { button: { id, type, label },
			resource: this.look(sessionId).call }, TIMEOUT.other).catch(() => {});
	}

	/* The page picks the contact of a call before the agent does. */
	#preselect({ telephonySessionId, contactId }) {
		const call = this.#known().find((call) =>
			call.telephonySessionId === telephonySessionId);
		if (call)
			this.logger.picks.set(call.sessionId, contactId);
		this.tell();
	}

	/* The agent picks one of several contacts in a row of the history. */
	pickContact(sessionId, contactId) {
		this.logger.picks.set(sessionId, contactId);
		if (this.service.showLogModal)
			return this.form.show(sessionId);
		if (this.autoLog)
			return this.logger.byHand(this.look(sessionId).call, 'contactUpdated',
				{ redirect: false });
		this.tell();
	}

	/* ------------------------------------------------------------------- pages */

	#navigate(path) {
		const form = /^\/log\/call\/(.+)$/.exec(path ?? '');
		if (form)
			this.form.show(form[1]);
		else if (path === 'goBack')
			this.form.close();
		else
			this.route(path);
	}

	route(path) {
		this.wire.send({ type: 'rc-route-changed-notify', path });
	}

	async #answer({ requestId, path, body }) {
		const response = await answer(this, () => this.#clock.now(), path, body);
		if (response !== undefined)
			this.wire.send({ type: 'rc-adapter-message-response', responseId: requestId,
				response });
	}
}

/* Records that the real widget shows nobody. */
function isDropped({ type, result, action, direction }) {
	return type === 'Fax' || /^(Stopped|Busy|Unknown|Call Failed|.*Fax.*)$/.test(result)
		|| /^FindMe/.test(action)
		|| result === 'IP Phone Offline' && direction === 'Outbound';
}

function has(calls, { sessionId }) {
	return calls.some((call) => call.sessionId === sessionId);
}
