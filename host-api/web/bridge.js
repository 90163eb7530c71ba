/* bridge - the page bridge: what a CRM's page includes, with one tag, to have the phone
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
 *   call-log:state    {host, waiting, aside, durable}  host: online, away, signed-out;
 *                                          how many events wait in this tab, how many
 *                                          were refused; durable: false where the
 *                                          browser keeps nothing and they wait in memory
 *   call-log:view     {sessionId, url}     the agent wants to see a call; unless
 *                                          prevented, url opens in a tab of its own
 *   call-log:problem  {sessionId, message, note?}  an event was refused for good, or
 *                                          cannot be kept; note: what the agent typed
 *   call-log:aside    {list}               what was refused and is kept here, newest
 *                                          first: {id, sessionId, message, note?, at};
 *                                          told at the start, and when it changes
 *
 * and one that such a script may dispatch: call-log:forget {id}, of what is kept aside.
 *
 *   message ── widget.js ─┬─ logger.js ── store.js (outbox) ── sender.js ── host.js
 *                         ├─ matcher.js ───────────────────────────────────── host.js
 *                         ├─ autolog.js, backfill.js, recordings.js
 *   answer  ── widget.js ─┘                                 events.js ◄── host.js
 */

import { AutoLog } from './autolog.js';
import { Backfill } from './backfill.js';
import { Clock } from './clock.js';
import { Events } from './events.js';
import { Host } from './host.js';
import { livingTabs, stayAlive, whenAlone } from './locks.js';
import { Logger } from './logger.js';
import { Matcher } from './matcher.js';
import { Recordings, WANTED } from './recordings.js';
import { Sender, ownerOf } from './sender.js';
import { Store } from './store.js';
import { withoutTokens } from './token.js';
import { Widget, frameThere, makeFrame, newId } from './widget.js';

const REQUEST_MS = 4000;
const BACKFILL_MS = 15000;
/* The widget waits 3 s for anything but logs and matches. */
const OTHER_MS = 2500;
/* How often a host is asked for the recordings it wants that cannot say so. */
const WANTED_MS = 60000;
const AUTO_LOG = 'rc-callLogger-auto-log-notify';

function emit(name, detail, options = {}) {
	return document.dispatchEvent(new CustomEvent(`call-log:${name}`, { detail, ...options }));
}

/* What an agent typed, in a message to the logger. */
function noteOf(message) {
	return message?.body?.note;
}

/* A request of our own to the plugin, in the widget's envelope. */
function requestOf(path, body) {
	return { type: 'rc-post-message-request', requestId: newId(), path, body };
}

class Bridge {
	/* base: the host's folder /widget/; selector: of the frame there is, or will be. */
	constructor(base, selector) {
		this.selector = selector;
		this.tab = newId();
		this.host = new Host(base);
		this.clock = new Clock();
		this.known = null;    /* what the host said of itself: service, page, agent ... */
		this.last = null;     /* and what it said before this page was loaded */
		this.login = null;    /* the widget's rc-login-status-notify */
		this.widget = null;
		this.registered = false; /* the widget knows our paths, and is logged in */
		this.serves = false;     /* it may still have questions of before */
		this.events = null;
		this.asideCount = 0;
		this.tabs = new BroadcastChannel('call-log-changed');
		this.tabs.onmessage = ({ data }) => this.changedElsewhere(data);
	}

	async start() {
		stayAlive(this.tab);
		this.store = await Store.open();
		this.makeParts();
		this.last = await this.store.said('host').catch(() => null) ?? null;
		this.tried = this.sender.probe();
		whenAlone('call-log-sweep', () => this.sender.sweepForEver());
		document.addEventListener('call-log:forget', ({ detail }) => this.forgetAside(detail.id));
		/* What only this page has would go with it. */
		addEventListener('beforeunload', (event) => {
			if (!this.store.isDurable && this.sender.waiting > 0)
				event.preventDefault();
		});
		setInterval(() => this.known?.events === 'poll' && this.recordings.find(), WANTED_MS);
		addEventListener('online', () => this.sender.nudge());
		addEventListener('visibilitychange', () => this.sender.nudge());
		await this.tried;
		this.report();
		/* The host may be away now: what it said last will do, for the same agent. The
		 * widget tells who that is, once it is there. */
		this.haveWidget((this.known ?? this.last?.known)?.page.widgetUrl);
	}

	makeParts() {
		const { host, store, clock, tab } = this;
		const problem = (entry, why) => this.problem(entry, why);
		this.sender = new Sender({
			host, store, tab, livingTabs,
			tell: {
				problem: (entry, why) => this.countAside().then(() => problem(entry, why)),
				logged: (entry) => this.logged(entry),
				state: () => this.report(),
				found: (known, asked, answered) => this.found(known, asked, answered),
				back: () => this.back(),
			},
		});
		const { sender } = this;
		this.logger = new Logger({ clock, store, sender, tab,
			tell: { problem, view: (session) => this.view(session) } });
		this.recordings = new Recordings({
			widget: { call: (path, body) => this.widget.call(path, body) },
			send: (body) => this.askSecret(requestOf(this.known.page.recordingsPath, body)),
			allowed: () => this.mayFetch(),
		});
		this.matcher = new Matcher({
			store, sender,
			ask: (message, timeoutMs) => this.ask(message, timeoutMs),
			trigger: (sessionIds) => this.trigger(sessionIds),
		});
		this.autoLog = new AutoLog({
			settings: () => this.query(this.known.page.settingsPath, {}),
			waiting: () => sender.latest(AUTO_LOG)?.message,
			set: (on) => this.widget.post({ type: 'rc-adapter-update-auto-log-settings', call: on }),
			keep: (message) => this.logger.keep(message, Date.now(),
				{ call: AUTO_LOG, session: '', save: true }),
		});
		this.backfill = new Backfill({
			widget: { call: (path, body) => this.widget.call(path, body) },
			send: (body) => this.ask(requestOf(this.known.page.backfillPath, body), BACKFILL_MS),
			allowed: () => this.mayBackfill(),
			logged: (sessionIds) => { this.changed(sessionIds); this.trigger(sessionIds); },
			handed: (calls) => this.recordings.offer(calls),
			problem,
		});
	}

	/* ------------------------------------------------------ what the host is */

	/* The frame is needed once; another address counts from the next load on. */
	async haveWidget(url) {
		if (this.widget || this.waitsForFrame || !(url || this.selector))
			return;
		this.waitsForFrame = true;
		const frame = this.selector ? await frameThere(this.selector) : makeFrame(url);
		this.widget = new Widget(frame);
		this.widget.listen((message, posted) => this.hear(message, posted));
		/* One that was there before us may have said long ago who is logged in. */
		this.isOld = this.widget.isLoaded;
		if (this.isOld && this.known)
			this.register();
	}

	/* The host has said who it is; whether that is news. */
	async found(known, asked, answered) {
		known.page ??= {};
		const said = JSON.stringify([known.service, known.page, known.agent, known.account]);
		const isNews = said !== this.said;
		this.said = said;
		this.known = known;
		this.clock.learn(known.now, asked, answered);
		await this.own(known);
		return isNews;
	}

	/* From now on everything is that agent's. */
	async own(identity) {
		const before = this.sender.owner ?? (this.last ? ownerOf(this.last.known) : null);
		const owned = this.sender.own(identity);
		if (before !== null && before !== this.sender.owner) {
			this.last = null;
			this.logger.forgetAll();
			this.backfill.forgetAll();
			await this.matcher.changeFrom(before);
		}
		await owned;
		await this.countAside();
	}

	/* The host answers, for the first time or again, or says something new. */
	async back() {
		this.haveWidget(this.known.page.widgetUrl);
		this.listenToEvents();
		if (this.widget && (this.login?.loggedIn ?? this.isOld)) {
			if (this.registeredAs !== this.said || !this.registered)
				this.register();
			else
				this.authorize();
		}
		this.rememberHost();
		await this.catchUp();
	}

	/* What only works while the widget and the host are both there. */
	async catchUp() {
		if (!this.registered || this.sender.state !== 'online')
			return;
		await this.matcher.back();
		await this.autoLog.settle();
		this.runBackfill();
		this.recordings.find();
	}

	rememberHost() {
		if (this.login?.loggedIn && this.sender.state === 'online')
			this.store.say('host', { known: this.known, offset: this.clock.offset,
				loginNumber: this.login.loginNumber }).catch(console.warn);
	}

	listenToEvents() {
		const { owner } = this.sender;
		const mode = this.known.events;
		if (this.events?.owner === owner && this.events.mode === mode)
			return;
		this.events?.stop();
		this.events = new Events({
			host: this.host, store: this.store, owner, mode,
			tell: {
				message: (message) => this.fromHost(message),
				gap: () => this.matcher.doubtAll(),
				/* After a cut the clocks are compared anew. */
				alive: () => this.sender.probe(),
			},
		});
		this.events.run();
	}

	/* --------------------------------------------------------- registration */

	register() {
		const { service, page, agent } = this.known;
		const registration = { ...service };
		/* The agent's live token is for who fetches recordings with it. */
		if (!page.recordingsPath)
			delete registration.recordingWithToken;
		if (service.authorizationPath)
			Object.assign(registration, this.authorization());
		this.registered = this.serves = true;
		this.registeredAs = this.said;
		this.autoLog.begin(page.autoLog);
		this.widget.post({ type: 'rc-adapter-register-third-party-service', service: registration });
		emit('ready', { agent });
	}

	authorization() {
		const authorized = this.sender.state !== 'signed-out';
		return { authorized, authorizedAccount: authorized ? this.known.agent : '' };
	}

	/* While unauthorized the widget asks for no marks, and so loses none. It throws
	 * without authorizedAccount. */
	authorize() {
		if (this.registered && this.known.service.authorizationPath)
			this.widget.post({ type: 'rc-adapter-update-authorization-status',
				...this.authorization() });
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
		this.registered = false;
		await this.tried;
		if (this.login !== message || !message.loggedIn)
			return;
		/* What the host said last is for the agent who was signed in to the widget. */
		if (!this.known && this.last?.loginNumber === message.loginNumber) {
			this.known = this.last.known;
			this.clock.offset = this.last.offset;
			await this.own(this.known);
		}
		if (!this.known)
			return;
		this.rememberHost();
		this.register();
		this.report();
		await this.catchUp();
	}

	/* --------------------------------------------------- the widget's messages */

	hear(message, posted) {
		switch (message.type) {
		case 'rc-post-message-request':
			if (this.serves && typeof message.path === 'string')
				this.request(message, posted);
			break;
		case 'rc-login-status-notify':
			this.heardLogin(message);
			break;
		case AUTO_LOG:
			if (this.serves)
				this.autoLog.heard(message).then(() => this.runBackfill());
			break;
		case 'rc-call-history-synced-notify':
			this.runBackfill();
			this.recordings.find();
			break;
		}
	}

	async request(request, posted) {
		let response = { data: 'ok' };
		try {
			response = await this.responseTo(request, posted) ?? response;
		} catch (error) {
			this.problem({ session: request.body?.call?.sessionId, message: request },
				String(error));
		}
		this.widget.answer(request, response);
		this.report();
	}

	async responseTo(request, posted) {
		const { service } = this.known;
		switch (request.path) {
		case service.callLoggerPath:
			await this.logger.log(request, posted);
			this.recordings.offer([request.body?.call]);
			return undefined;
		case service.callLogEntityMatcherPath:
			return { data: await this.matcher.match(request) };
		case service.authorizationPath:
			return this.signIn();
		default: /* some other plugin's */
			return (await this.ask(request, OTHER_MS))?.value?.response;
		}
	}

	/* A message to the plugin; null when the host is known to be away. */
	async ask(message, timeoutMs) {
		return this.askSecret(withoutTokens(message), timeoutMs);
	}

	/* The same of one whose tokens are wanted; it is kept nowhere. */
	async askSecret(message, timeoutMs = REQUEST_MS) {
		if (this.sender.state !== 'online')
			return null;
		const { agent, account } = this.sender.identity;
		return this.sender.send({ expected_agent: agent, expected_account: account,
			message }, timeoutMs);
	}

	async query(path, body) {
		const result = path ? await this.ask(requestOf(path, body), REQUEST_MS) : null;
		return result?.kind === 'ok' ? result.value?.response?.data ?? null : null;
	}

	mayFetch() {
		return Boolean(this.registered && this.sender.state === 'online'
			&& this.known.page.recordingsPath);
	}

	mayBackfill() {
		return Boolean(this.registered && this.sender.state === 'online'
			&& this.known.page.backfillPath && this.autoLog.on);
	}

	runBackfill() {
		if (this.mayBackfill())
			this.backfill.run();
	}

	/* ------------------------------------------------------- the host's messages */

	/* A plugin's message, for the widget. */
	fromHost(message) {
		if (message?.type === WANTED) {
			this.recordings.find();
			return;
		}
		const sessionIds = Array.isArray(message?.sessionIds) ? message.sessionIds.map(String) : [];
		if (this.registered) {
			this.matcher.forget(sessionIds);
			this.widget.post(message);
		} else {
			this.matcher.owe(sessionIds);
		}
		emit('logged', { sessionIds });
	}

	trigger(sessionIds) {
		if (this.registered && sessionIds.length)
			this.widget.post({ type: 'rc-adapter-trigger-call-logger-match', sessionIds });
	}

	/* ------------------------------------------------------------ the page hears */

	/* The host has taken an event. */
	logged({ owner, session }) {
		if (session && owner === this.sender.owner) {
			this.changed([session]);
			this.matcher.taken(session);
		}
		this.report();
	}

	changed(sessionIds) {
		if (sessionIds.length === 0)
			return;
		this.matcher.forget(sessionIds);
		this.tabs.postMessage({ owner: this.sender.owner, sessionIds });
		emit('logged', { sessionIds });
	}

	changedElsewhere({ owner, sessionIds }) {
		if (!this.sender || owner !== this.sender.owner)
			return;
		this.matcher.forget(sessionIds);
		emit('logged', { sessionIds });
	}

	report() {
		const { state, waiting } = this.sender;
		if (state === 'signed-out' && this.reported !== state)
			this.authorize();
		this.reported = state;
		emit('state', { host: state, waiting, aside: this.asideCount,
			durable: this.store.isDurable });
	}

	async countAside() {
		const kept = await this.store.aside(this.sender.owner).catch(() => null);
		if (!kept)
			return;
		this.asideCount = kept.length;
		emit('aside', { list: kept.reverse().map(({ seq, session, why, at, message }) =>
			({ id: seq, sessionId: session, message: why, note: noteOf(message), at })) });
	}

	async forgetAside(id) {
		await this.store.forgetAside(this.sender.owner, id).catch(console.warn);
		await this.countAside();
		this.report();
	}

	problem({ session, message }, why) {
		const note = noteOf(message);
		console.warn('call-log:', session, why);
		emit('problem', { sessionId: session, message: why, ...(note && { note }) });
		this.report();
	}

	view(sessionId) {
		const values = { sessionId, agent: this.sender.identity.agent };
		const url = (this.known.page.callUrl ?? '').replace(/\{(\w+)\}/g,
			(whole, name) => Object.hasOwn(values, name) ? encodeURIComponent(values[name]) : whole);
		if (emit('view', { sessionId, url }, { cancelable: true }) && url)
			window.open(new URL(url, document.baseURI), '_blank', 'noopener');
	}
}

/* A module does not know its own tag, but its address; one that another module imports
 * has none. */
const tag = Array.from(document.scripts).find((script) => script.src === import.meta.url);
new Bridge(new URL('./', import.meta.url), tag?.dataset.frame).start();
