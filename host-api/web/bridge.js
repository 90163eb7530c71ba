/* The page bridge: what a CRM's page includes, with one tag, to have the phone
 * widget's calls logged by the host that serves the page:
 *
 *   <script type="module" src="/widget/bridge.js"></script>
 *
 * It finds the widget's frame (data-frame="<selector>" on the tag) or makes it (in the
 * element #call-log-phone, else in the corner), registers the service with the widget,
 * brings its messages to the host and the answers back, and keeps what the host cannot
 * take until it can. Nothing else on the page is touched. For the page's own scripts
 * there are events on document, with what they tell in `detail`:
 *
 *   call-log:ready    {agent}              the widget is registered
 *   call-log:logged   {sessionIds}         these calls may have changed at the host
 *   call-log:state    {host, waiting, aside}  host: online, away, signed-out; how many
 *                                          events wait here, and were set aside
 *   call-log:view     {sessionId, url}     the agent wants to see a call; unless
 *                                          prevented, url opens in a tab of its own
 *   call-log:problem  {sessionId, message} an event was refused for good
 *
 *   message ── widget.js ─┬─ logger.js ── store.js (outbox) ── sender.js ── host.js
 *                         ├─ matcher.js ───────────────────────────────────── host.js
 *                         ├─ autolog.js, backfill.js
 *   answer  ── widget.js ─┘                                 events.js ◄────── host
 */

import { AutoLog } from './autolog.js';
import { Backfill } from './backfill.js';
import { Clock } from './clock.js';
import { Events } from './events.js';
import { Host } from './host.js';
import { livingTabs, stayAlive, whenAlone } from './locks.js';
import { Logger, withoutTokens } from './logger.js';
import { Matcher } from './matcher.js';
import { Sender } from './sender.js';
import { Store } from './store.js';
import { Widget } from './widget.js';

const REQUEST_MS = 4000;

function emit(name, detail, options = {}) {
	return document.dispatchEvent(new CustomEvent(`call-log:${name}`, { detail, ...options }));
}

/* A request of our own to the plugin, in the widget's envelope. */
function requestOf(path, body) {
	return { type: 'rc-post-message-request', requestId: path, path, body };
}

class Bridge {
	constructor(base, frame) {
		this.frame = frame;
		this.tab = Array.from(crypto.getRandomValues(new Uint32Array(4))).join('-');
		this.host = new Host(base);
		this.clock = new Clock();
		this.known = null;    /* what the host said of itself: service, page, agent ... */
		this.login = null;    /* the widget's rc-login-status-notify */
		this.events = null;
		this.asideCount = 0;
		this.tabs = new BroadcastChannel('call-log-changed');
		this.tabs.onmessage = ({ data }) => this.changedElsewhere(data);
	}

	async start() {
		stayAlive(this.tab);
		this.store = await Store.open();
		this.sender = new Sender({
			host: this.host, store: this.store, tab: this.tab, livingTabs,
			tell: {
				logged: (session) => this.changed([session]),
				problem: (entry, why) => this.problem(entry, why),
				state: () => this.report(),
				back: (known, asked, answered) => this.back(known, asked, answered),
			},
		});
		this.logger = new Logger({
			clock: this.clock, store: this.store, sender: this.sender, tab: this.tab,
			tell: {
				view: (session) => this.view(session),
				problem: (entry, why) => this.problem(entry, why),
			},
		});
		this.matcher = new Matcher({
			store: this.store, sender: this.sender,
			ask: (message, timeoutMs) => this.ask(message, timeoutMs),
			trigger: (sessionIds) => this.trigger(sessionIds),
		});
		this.autoLog = new AutoLog({
			settings: () => this.query(this.known.page.settingsPath, {}),
			set: (on) => this.widget.post({ type: 'rc-adapter-update-auto-log-settings', call: on }),
			keep: (message) => this.keep(message),
		});
		await this.recallHost();
		whenAlone('call-log-sweep', () => this.sender.sweepForEver());
		addEventListener('online', () => this.sender.nudge());
		this.sender.probe();
	}

	/* ------------------------------------------------------ what the host is */

	/* The host may be away now: what it said last will do, for the same agent. The
	 * widget tells who that is, once it is there. */
	async recallHost() {
		this.last = await this.store.said('host').catch(() => undefined);
		if (this.last?.known.page.widgetUrl)
			this.haveWidget(this.last.known.page.widgetUrl);
	}

	haveWidget(url) {
		if (this.widget)
			return;
		this.widget = new Widget(this.frame, url);
		this.backfill = new Backfill({
			widget: this.widget,
			send: (body) => this.query(this.known.page.backfillPath, body, 12000),
			trigger: (sessionIds) => { this.trigger(sessionIds); this.changed(sessionIds); },
		});
		this.widget.listen((message, posted) => this.hear(message, posted),
			() => { this.registered = false; });
	}

	/* The host answers, for the first time or again. */
	async back(known, asked, answered) {
		const other = this.sender.identity
			&& (known.agent !== this.sender.identity.agent || known.account !== this.sender.identity.account);
		const renewed = JSON.stringify([known.service, known.page]) !== this.registeredAs;
		this.clock.learn(known.now, asked, answered);
		this.known = known;
		if (other)
			this.matcher.forgetAll();
		await this.sender.own(known);
		this.haveWidget(known.page.widgetUrl);
		this.listenToEvents();
		if (this.login?.loggedIn) {
			this.rememberHost();
			if (other || renewed || !this.registered)
				this.register();
			else
				this.authorize(true);
		}
		this.asideCount = (await this.store.aside(this.sender.owner).catch(() => [])).length;
		await this.matcher.back();
		this.runBackfill();
	}

	rememberHost() {
		this.store.say('host', { known: this.known, offset: this.clock.offset,
			loginNumber: this.login.loginNumber }).catch(console.warn);
	}

	listenToEvents() {
		if (this.events?.owner === this.sender.owner)
			return;
		this.events?.stop();
		this.events = new Events({
			host: this.host, store: this.store, owner: this.sender.owner, mode: this.known.events,
			tell: {
				message: (message) => this.fromHost(message),
				gap: () => this.matcher.doubtAll(),
				alive: () => this.sender.nudge(),
			},
		});
		this.events.run();
	}

	/* --------------------------------------------------------- registration */

	register() {
		const { service, page, agent } = this.known;
		const registration = { ...service };
		/* Nothing needs the agent's live token. */
		delete registration.recordingWithToken;
		if (service.authorizationPath)
			Object.assign(registration, { authorized: true, authorizedAccount: agent });
		this.registered = true;
		this.registeredAs = JSON.stringify([service, page]);
		this.autoLog.begin(page.autoLog);
		this.widget.post({ type: 'rc-adapter-register-third-party-service', service: registration });
		emit('ready', { agent });
		this.runBackfill();
	}

	/* While unauthorized the widget asks for no marks, and so loses none. It throws
	 * without authorizedAccount. */
	authorize(authorized) {
		if (this.known?.service.authorizationPath)
			this.widget?.post({ type: 'rc-adapter-update-authorization-status', authorized,
				authorizedAccount: authorized ? this.known.agent : '' });
	}

	signIn() {
		if (this.sender.state !== 'signed-out')
			return;
		const url = this.known.page.signInUrl;
		if (url)
			window.open(url, '_blank', 'noopener');
		else
			location.reload();
	}

	async heardLogin(message) {
		this.login = message;
		if (!message.loggedIn)
			return;
		/* What the host said last is for the agent who was signed in to the widget. */
		if (!this.known && this.last?.loginNumber === message.loginNumber) {
			this.known = this.last.known;
			this.clock.offset = this.last.offset;
			await this.sender.own(this.known);
		}
		if (!this.known)
			return;
		if (this.sender.state === 'online')
			this.rememberHost();
		this.register();
	}

	/* --------------------------------------------------- the widget's messages */

	hear(message, posted) {
		switch (message.type) {
		case 'rc-post-message-request':
			this.request(message, posted);
			break;
		case 'rc-login-status-notify':
			this.heardLogin(message);
			break;
		case 'rc-callLogger-auto-log-notify':
			if (this.known)
				this.autoLog.heard(message).then(() => this.runBackfill());
			break;
		case 'rc-call-history-synced-notify':
			this.runBackfill();
			break;
		}
	}

	async request(request, posted) {
		const { service } = this.known ?? {};
		let data = 'ok';
		try {
			if (request.path === service?.callLoggerPath)
				await this.logger.log(request, posted);
			else if (request.path === service?.callLogEntityMatcherPath)
				data = await this.matcher.match(request);
			else if (request.path === service?.authorizationPath)
				this.signIn();
		} catch (error) {
			this.problem({ session: request.body?.call?.sessionId }, String(error));
		}
		this.widget.answer(request, { data });
		this.report();
	}

	/* A message to the plugin; null when the host is known to be away. */
	async ask(message, timeoutMs) {
		if (this.sender.state !== 'online')
			return null;
		const { agent, account } = this.sender.identity;
		const result = await this.host.send({ expected_agent: agent, expected_account: account,
			message }, timeoutMs);
		if (result.kind !== 'ok' && result.kind !== 'refused')
			this.sender.lost(result.kind);
		return result;
	}

	async query(path, body, timeoutMs = REQUEST_MS) {
		if (!path)
			return null;
		const result = await this.ask(requestOf(path, body), timeoutMs);
		return result?.kind === 'ok' ? result.value?.response?.data ?? null : null;
	}

	/* The agent's choice, told to the host when it can be. */
	async keep(message) {
		const entry = {
			owner: this.sender.owner, tab: this.tab, call: message.type, session: '', save: true,
			sentAt: this.clock.stamp(message.type, Date.now()), message: withoutTokens(message),
		};
		await this.store.append(entry).catch(console.warn);
		this.sender.add(entry);
	}

	runBackfill() {
		if (this.registered && this.known?.page.backfillPath && this.autoLog.on)
			this.backfill.run();
	}

	/* ------------------------------------------------------- the host's messages */

	/* A plugin's message, for the widget. */
	fromHost(message) {
		const sessionIds = message.sessionIds ?? [];
		sessionIds.forEach((session) => this.matcher.forget(session));
		this.widget?.post(message);
		this.changed(sessionIds);
	}

	trigger(sessionIds) {
		if (sessionIds.length)
			this.widget?.post({ type: 'rc-adapter-trigger-call-logger-match', sessionIds });
	}

	/* ------------------------------------------------------------ the page hears */

	changed(sessionIds) {
		sessionIds.forEach((session) => this.matcher.forget(session));
		this.tabs.postMessage({ owner: this.sender.owner, sessionIds });
		emit('logged', { sessionIds });
		this.report();
	}

	changedElsewhere({ owner, sessionIds }) {
		if (owner !== this.sender?.owner)
			return;
		sessionIds.forEach((session) => this.matcher.forget(session));
		emit('logged', { sessionIds });
	}

	report() {
		const { state, waiting } = this.sender;
		if (state === 'signed-out' && this.reported !== 'signed-out')
			this.authorize(false);
		this.reported = state;
		emit('state', { host: state, waiting, aside: this.asideCount });
	}

	problem(entry, why) {
		this.asideCount++;
		console.warn('call-log:', entry.session, why);
		emit('problem', { sessionId: entry.session, message: why });
		this.report();
	}

	view(sessionId) {
		const values = { sessionId, agent: this.sender.identity?.agent ?? '' };
		const url = (this.known.page.callUrl ?? '').replace(/\{(\w+)\}/g,
			(whole, name) => name in values ? encodeURIComponent(values[name]) : whole);
		if (emit('view', { sessionId, url }, { cancelable: true }) && url)
			window.open(new URL(url, document.baseURI), '_blank', 'noopener');
	}
}

/* A module script does not know its own tag. */
const tag = document.querySelector('script[type="module"][src*="bridge.js"]');
const selector = tag?.dataset.frame;
new Bridge(new URL('./', import.meta.url), selector ? document.querySelector(selector) : null).start();
