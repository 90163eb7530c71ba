/* crm - a CRM's page with the page bridge and the simulated phone in it, which loads
 * also while the host is stopped: the page, the bridge's files and the phone come from
 * elsewhere. What the bridge tells the page is kept.
 *
 *   const { stand, phones } = await start({ plugin: { ... }, host: { ... } });
 *   const dana = await signedIn(stand, 'dana');   an Agent
 *   const crm = await Crm.open(stand, dana);      crm.page, crm.phone; registered
 *   await crm.heard('logged');                    the details of those DOM events
 *   await crm.state();                            the last call-log:state
 *   await crm.marked(id, true);                   waits for the phone's mark
 *   await crm.reload();                           waits until it is registered again
 *   away(dana);                                   the host may be away in this test
 *   await answer(dana, '/widget/messages', { status: 500 })   instead of the host;
 *                                                 returns what ends that
 *   await row(stand, id, 'state, note')           one row of call_log.calls as text
 */
import fs from 'node:fs';
import path from 'node:path';
import { Agent } from './chromium.mjs';
import { Phone } from './phone.mjs';
import { Server } from './server.mjs';
import { Stand } from './stand.mjs';
import { ROOT, until } from './tap.mjs';

const BRIDGE = path.join(ROOT, 'host-api/web');
export const PAGE = '<!DOCTYPE html><html lang="en"><title>CRM</title>'
	+ '<link rel="icon" href="data:,"><div id="call-log-phone"></div>'
	+ '<script type="module" src="/widget/bridge.js"></script></html>';
const EVENTS = ['ready', 'logged', 'state', 'view', 'problem'];

/* phone: parameters of the phone's address. */
export async function start({ plugin = {}, host = {}, phone = {} } = {}) {
	const phones = await Server.ofPhone();
	const stand = await Stand.start({ host, plugin: {
		widget_url: phones.url(`app.html?${new URLSearchParams(phone)}`), ...plugin } });
	return { stand, phones };
}

/* A browser of that agent's; page: the CRM's, at /crm. */
export async function signedIn(stand, name, page = PAGE) {
	const agent = await Agent.open();
	await stand.signIn(agent, name);
	await stand.crmPage(agent, '/crm', page);
	for (const file of fs.readdirSync(BRIDGE))
		await stand.crmPage(agent, `/widget/${file}`,
			fs.readFileSync(path.join(BRIDGE, file), 'utf8'));
	await agent.context.addInitScript((names) => {
		window.heard = [];
		for (const name of names)
			document.addEventListener(`call-log:${name}`, (event) =>
				window.heard.push({ name, detail: event.detail }));
	}, EVENTS);
	return agent;
}

/* What a browser complains of while the host is away belongs to the test at hand. */
export function away(agent) {
	agent.allow(/Failed to load resource|ERR_CONNECTION|EventSource/);
}

/* Answers in the host's place: a function of the request's JSON, or what fulfills. */
export async function answer(agent, name, given) {
	const matches = (url) => url.pathname === name;
	const handle = async (route) => {
		const made = typeof given === 'function'
			? await given(route.request().postDataJSON?.(), route) : given;
		if (made)
			await route.fulfill(made);
	};
	await agent.context.route(matches, handle);
	return () => agent.context.unroute(matches, handle);
}

/* An answer of the host's own, as libcrm-host's hosts put it. */
export function said(status, error, message = error) {
	return { status, contentType: 'application/json', body: JSON.stringify({ error, message }) };
}

export async function row(stand, sessionId, columns = 'state, outcome', agent = 'dana') {
	return stand.sql(`SELECT ${columns} FROM call_log.calls
		WHERE agent = '${agent}' AND session_id = '${sessionId}'`);
}

export class Crm {
	static async open(stand, agent, { ready = true, address = '/crm' } = {}) {
		const self = new Crm();
		self.page = await agent.page();
		await self.page.goto(stand.url(address));
		if (ready)
			await self.ready();
		return self;
	}

	/* The phone is there and knows the service. */
	async ready() {
		this.phone = await Phone.of(this.page);
		await until('the service', async () => (await this.phone.state()).ready);
	}

	async reload({ ready = true } = {}) {
		await this.page.reload();
		if (ready)
			await this.ready();
	}

	async heard(name) {
		return (await this.page.evaluate(() => window.heard))
			.filter((one) => one.name === name).map(({ detail }) => detail);
	}

	async state() {
		return (await this.heard('state')).at(-1);
	}

	/* Waits for the bridge to say so: {host: 'online', waiting: 0}. */
	is(wanted) {
		return until(`the bridge to be ${JSON.stringify(wanted)}`, async () => {
			const state = await this.state();
			return Object.entries(wanted).every(([name, value]) => state?.[name] === value)
				|| Promise.reject(new Error(JSON.stringify(state)));
		});
	}

	/* The entries the phone has of a call. */
	async entries(sessionId) {
		const { active, ended, history } = await this.phone.state();
		return [...active, ...ended, ...history].find((call) =>
			call.sessionId === sessionId)?.entries;
	}

	/* Waits until the call is in the phone and marked as logged for good, or not. */
	marked(sessionId, mark = true) {
		return until(`the mark of ${sessionId} to be ${mark}`, async () => {
			const entries = await this.entries(sessionId);
			return entries && entries.some(({ type }) => type !== 'status') === mark
				|| Promise.reject(new Error(JSON.stringify(entries)));
		});
	}

	/* Looks at all marks of the phone every few moments from now on. */
	watchMarks() {
		return this.phone.frame.evaluate(() => {
			const marked = new Set();
			window.lost = [];
			setInterval(() => {
				const { active, ended, history } = window.simulation.state();
				for (const { sessionId, entries } of [...active, ...ended, ...history])
					if (entries.length)
						marked.add(sessionId);
					else if (marked.has(sessionId))
						window.lost.push(sessionId);
			}, 20);
		});
	}

	/* The calls that had a mark since then, and later none. */
	lostMarks() {
		return this.phone.frame.evaluate(() => [...new Set(window.lost)]);
	}

	/* Plays a whole call to past its last sync, by the phone's clock; its session id. */
	async play(name, given) {
		const { phone } = this;
		await phone.clock('hold');
		const ended = phone.do('play', name, given);
		await this.advance(40_000);
		return ended;
	}

	/* Moves the time of a page with an installed clock, the phone's own with it, once
	 * nothing waits for an answer that would come too late then. */
	async pass(ms) {
		await until('all answers', () => this.phone.do('settled'));
		await this.page.clock.fastForward(ms);
	}

	/* Moves the phone's time by small steps, each of which waits for its answers, so
	 * that none is late on a busy machine. */
	advance(ms) {
		return this.phone.frame.evaluate(async (ms) => {
			const { simulation } = window;
			for (let left = ms; left > 0; left -= 1_000) {
				await simulation.advance(Math.min(left, 1_000), { settle: false });
				await simulation.settled(30_000);
			}
		}, ms);
	}
}
