/* stand - a private PostgreSQL and the reference host with the plugin, started and
 * commanded by tests/browser/lib/stand.pl; gone when the test ends.
 *
 *   const stand = await Stand.start();
 *   stand.url('/demo?agent=dana')             the host's origin is stand.origin
 *   await stand.signIn(agent, 'dana');        the browser is that agent's from now on
 *   await stand.sql('SELECT count(*) FROM call_log.calls');      text, as psql -At
 *   await stand.stopHost(); await stand.killHost(); await stand.startHost();
 *   await stand.pauseHost(); await stand.resumeHost();   it accepts, and says nothing
 *   await stand.stopDb(); await stand.startDb();
 *   await stand.log();                        what the host has logged
 *   await stand.ask('command', ...);          one that only another program has:
 *   Stand.start({ ... }, 'tests/helpdesk/stand.pl')
 *   Stand.start({ plugin: { call_page: '...' }, host: { ... } })    configuration keys
 *   await stand.crmPage(agent, '/crm', text, csp)   a CRM's own page on the host's
 *                                                   origin, or a file ('/crm.js')
 */
import { spawn } from 'node:child_process';
import path from 'node:path';
import readline from 'node:readline';
import { TYPES } from './server.mjs';
import { atEnd, ROOT } from './tap.mjs';

export class Stand {
	#child;
	#replies = [];
	#said = '';

	static async start(configuration = {}, program = 'tests/browser/lib/stand.pl') {
		const self = new Stand(program);
		self.origin = await self.ask('start', configuration);
		return self;
	}

	constructor(program) {
		this.#child = spawn('perl', [path.join(ROOT, program)],
			{ cwd: ROOT, stdio: ['pipe', 'pipe', 'pipe'], detached: true });
		this.#child.stderr.on('data', (text) => { this.#said += text; });
		readline.createInterface({ input: this.#child.stdout }).on('line', (line) =>
			this.#replies.shift()?.resolve(JSON.parse(line)));
		this.#child.on('close', () => {
			for (const { reject } of this.#replies)
				reject(new Error(`the stand ended: ${this.#said}`));
			this.#replies = [];
		});
		atEnd(() => this.stop());
	}

	/* One command at a time is carried out; each has one reply. */
	async ask(command, ...given) {
		const reply = await new Promise((resolve, reject) => {
			this.#replies.push({ resolve, reject });
			this.#child.stdin.write(`${JSON.stringify([command, ...given])}\n`);
		});
		if (reply.error)
			throw new Error(`${command}: ${reply.error}`);
		return reply.result;
	}

	url(name) {
		return this.origin + name;
	}

	async signIn(agent, name) {
		const answer = await agent.context.request.get(this.url(`/demo?agent=${name}`));
		if (!answer.ok())
			throw new Error(`sign in as ${name}: ${answer.status()}`);
	}

	sql(text) { return this.ask('sql', text); }
	log() { return this.ask('log'); }
	startHost() { return this.ask('start_host'); }
	stopHost() { return this.ask('stop_host'); }
	killHost() { return this.ask('kill_host'); }
	pauseHost() { return this.ask('pause_host'); }
	resumeHost() { return this.ask('resume_host'); }
	startDb() { return this.ask('start_db'); }
	stopDb() { return this.ask('stop_db'); }

	/* What some CRM has at this path of the host's origin, whatever the host itself
	 * would answer there. */
	async crmPage(agent, name, text, csp) {
		// what came from no address may not reach loopback without being told
		await agent.context.grantPermissions(['local-network-access']);
		return agent.context.route((url) => url.origin === this.origin
			&& url.pathname === name, (route) => route.fulfill({ body: text,
			contentType: TYPES[path.extname(name)] ?? TYPES['.html'],
			headers: csp ? { 'Content-Security-Policy': csp } : {} }));
	}

	/* The end of its input ends it, and it waits for what it started. */
	stop() {
		if (this.#child.exitCode !== null)
			return null;
		const ended = new Promise((closed) => this.#child.on('close', closed));
		this.#child.stdin.end();
		return ended;
	}
}
