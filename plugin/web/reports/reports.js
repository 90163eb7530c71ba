/* reports - the page of figures: what is looked at stands in the address (place.js), is
 * asked of the plugin and shown by the parts; each figure links to its calls. This file
 * joins them:
 *
 *   place.js ──► ../api.js ── the plugin ──► figures.js days.js load.js agents.js
 *                                            waiting.js   or, for nothing, empty.js
 *            └─► list.js                     the calls behind one figure
 */

import { Api } from '../api.js';
import { offerDemo } from '../demo.js';
import { element } from '../dom.js';
import { State } from '../state.js';
import { momentOf } from '../words.js';
import { Agents } from './agents.js';
import { Days } from './days.js';
import { whyEmpty } from './empty.js';
import { Figures } from './figures.js';
import { List } from './list.js';
import { Load } from './load.js';
import { addressOf, PERIODS, placeOf, questionOf, withoutList } from './place.js';
import { clockOf, span } from './say.js';
import { Waiting } from './waiting.js';

const REFRESH_MS = 60_000;
const RETRY_MS = 5000;
const ANSWER_MS = 16_000; /* more than the host takes */
const NO_TEAM = 'none';

const part = (id) => document.getElementById(id);

class Reports {
	constructor() {
		this.state = new State(part('state-words'), part('notices'));
		this.state.told({ host: 'unknown', waiting: 0 });
		this.api = new Api((kind) => {
			this.state.told({ host: kind === 'away' ? 'away' : 'online', waiting: 0 });
			this.state.heard(kind);
		});
		this.asked = 0;
		this.shown = new Map(); /* part: what it shows, as JSON */
	}

	async start() {
		part('skip').addEventListener('click', (event) => {
			event.preventDefault();
			part('main').focus();
		});
		while (!await this.api.begin())
			await new Promise((wake) => setTimeout(wake, 2000));
		part('who').textContent = this.api.agent;
		document.title = `Reports – ${this.api.agent}`;
		offerDemo(this.api);
		this.make();
		this.hear();
		this.route();
	}

	make() {
		const given = {
			api: this.api,
			now: () => this.api.now(),
			said: (text) => { part('said').textContent = text; },
			linkTo: (figure, more = {}) => addressOf({ ...this.place, figure, ...more }),
			linkToAgent: (agent) => addressOf({ ...this.place, agent, team: undefined }),
			/* Only an agent's own calls have a page. */
			linkToCall: (sessionId, agents) => agents.includes(this.api.agent)
				? `./#call/${encodeURIComponent(sessionId)}` : null,
			closed: (place) => {
				if (addressOf(place) === addressOf(placeOf(location.hash)))
					this.go(withoutList(place));
			},
		};
		this.parts = [['figures', new Figures(part('figures'), given)],
			['by-day', new Days(part('by-day'), given)], ['by-hour', new Load(part('by-hour'), given)],
			['by-agent', new Agents(part('by-agent'), given)],
			['waiting', this.waiting = new Waiting(part('waiting'), given)]];
		this.list = new List(part('list'), given);
		part('period').append(...PERIODS.map(([value, text]) => element('option', { value }, text)));
	}

	hear() {
		addEventListener('hashchange', () => this.route());
		document.addEventListener('visibilitychange', () => this.refresh());
		setInterval(() => this.refresh(), REFRESH_MS);
		part('period').addEventListener('change', () => this.choosePeriod(part('period').value));
		part('whose').addEventListener('change', () => this.chooseWhose(part('whose').value));
		part('pick').addEventListener('submit', (event) => {
			event.preventDefault();
			const [from, until] = [part('from').value, part('until').value].sort();
			this.go({ ...withoutList(this.place), period: 'days', from, until });
		});
	}

	/* ---------------------------------------------------------- what is looked at */

	go(place) {
		const address = addressOf(place);
		if (address !== location.hash)
			location.hash = address;
	}

	choosePeriod(period) {
		if (period !== 'days') {
			this.go({ ...withoutList(this.place), period });
			return;
		}
		part('days').hidden = false;
		part('from').value ||= this.report?.from ?? '';
		part('until').value ||= this.report?.until ?? '';
		part('from').focus();
	}

	chooseWhose(value) {
		const [kind, name] = [value.slice(0, 1), value.slice(2)];
		const whose = { a: { agent: name }, t: { team: name }, [NO_TEAM[0]]: { team: null } }[kind] ?? {};
		this.go({ ...withoutList(this.place), agent: undefined, team: undefined, ...whose });
	}

	route() {
		const before = this.place && JSON.stringify(questionOf(this.place));
		const place = placeOf(location.hash);
		this.place = withoutList(place);
		this.wanted = place;
		if (JSON.stringify(questionOf(place)) === before)
			this.showList();
		else
			this.load();
	}

	refresh() {
		if (document.visibilityState === 'visible')
			this.load();
	}

	async load() {
		const asked = ++this.asked;
		clearTimeout(this.retrying);
		const main = part('main');
		main.setAttribute('aria-busy', 'true');
		const answer = await this.api.ask('call_log/report', questionOf(this.place), ANSWER_MS);
		if (asked !== this.asked)
			return;
		main.setAttribute('aria-busy', 'false');
		if (answer.kind === 'ok')
			this.take(answer.data);
		else
			this.fail(answer.kind);
	}

	fail(kind) {
		const stale = part('stale');
		stale.hidden = false;
		const why = kind === 'refused' ? 'There is no such period: one has at most 366 days.'
			: kind === 'busy' ? 'The database cannot be reached, or takes too long for so long a period.'
				: 'The host cannot be reached.';
		stale.textContent = this.known && kind !== 'refused'
			? `As it was at ${momentOf(this.known)}. ${why} It is tried again.`
			: `Nothing can be counted now. ${why}${kind === 'refused' ? '' : ' It is tried again.'}`;
		if (kind === 'refused')
			this.hideAll();
		else
			this.retrying = setTimeout(() => this.refresh(), RETRY_MS);
	}

	/* ------------------------------------------------------------ what is shown */

	take(report) {
		this.report = report;
		this.known = this.api.now();
		this.clock = clockOf(report.zone);
		part('stale').hidden = true;
		this.showPickers(report);
		if (report.empty)
			this.showNothing(report);
		else
			this.showFigures(report);
		this.showList();
		part('main').dataset.shows = addressOf(this.place);
	}

	hideAll() {
		for (const [id] of this.parts)
			part(id).hidden = true;
		part('none').hidden = true;
	}

	showNothing(report) {
		this.hideAll();
		part('none').hidden = false;
		part('none').replaceChildren(...whyEmpty(report, {
			linkToDays: (from, until) => addressOf({ ...this.place, period: 'days', from, until }),
			linkToAll: addressOf({ ...this.place, agent: undefined, team: undefined }),
		}));
	}

	/* What is the same stays as it is, and what has the focus keeps it. */
	showFigures(report) {
		part('none').hidden = true;
		for (const [id, shows] of this.parts) {
			const place = part(id);
			place.hidden = id === 'by-agent' && report.agent !== null;
			const ageless = { ...report, waiting: { ...report.waiting,
				list: report.waiting.list.map((call) => ({ ...call, waiting_s: 0 })) } };
			const as = addressOf(this.place) + JSON.stringify(ageless);
			if (place.hidden || this.shown.get(id) === as)
				continue;
			this.shown.set(id, as);
			keepFocus(place, () => shows.show(report, this.clock));
		}
		this.waiting.tick();
	}

	showPickers({ period, from, until, before, sees_all: seesAll, agent, by_team: byTeam, team, teams,
		zone }) {
		part('period').value = period;
		part('days').hidden = period !== 'days';
		part('from').value = from;
		part('until').value = until;
		const names = [...new Set([...teams, ...byTeam && team !== null ? [team] : []])];
		const option = (value, text, selected) => element('option', { value, selected }, text);
		part('whose-label').hidden = !seesAll;
		part('whose').replaceChildren(option('', 'Everybody', !agent && !byTeam),
			...names.map((name) => option(`t ${name}`, `Team ${name}`, byTeam && team === name)),
			names.length || byTeam ? option(NO_TEAM, 'Agents of no team', byTeam && team === null) : '',
			agent ? option(`a ${agent}`, agent, true) : '');
		part('what').replaceChildren(
			element('strong', {}, span(from, until)),
			` compared with ${span(before.from, before.until)}. Days and times of ${zone}.`,
			seesAll ? '' : ' These are your own calls.');
	}

	showList() {
		if (this.report)
			this.list.show(this.wanted.figure ? this.wanted : null, this.report, this.clock);
	}
}

function keepFocus(place, change) {
	const had = place.contains(document.activeElement) ? document.activeElement : null;
	const href = had?.getAttribute('href');
	change();
	if (had && !had.isConnected && href)
		[...place.querySelectorAll('a')].find((link) => link.getAttribute('href') === href)?.focus();
}

new Reports().start();
