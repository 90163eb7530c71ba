/* phone - the simulated phone in a page, for tests. The page is any that has a frame
 * of the phone's app.html in it; without one, a recorder page is made (recorder.js).
 *
 *   const phones = await Server.ofPhone();
 *   const phone = await Phone.inRecorder(agent, phones, { defaultAutoLogCallEnabled: 1 });
 *   const phone = await Phone.of(page);            in a page of your own
 *   await phone.do('play', 'missed');              any method of window.simulation
 *   await phone.state();  await phone.traffic();   see plugin/web/phone/simulation.mjs
 *   await phone.clock('hold');  await phone.do('advance', 7_200_000);
 *   await phone.frame.getByRole('button', { name: 'Incoming call' }).click();
 *   await phone.events();                          the /callLogger bodies it has sent
 */
import { Server } from './server.mjs';
import { until } from './tap.mjs';

export class Phone {
	page;
	frame;

	/* The phone in a page that is there. */
	static async of(page) {
		const self = new Phone();
		self.page = page;
		self.frame = await until('the frame of the phone', () =>
			page.frames().find((frame) => /\/app\.html(\?|$)/.test(frame.url())));
		await self.frame.waitForFunction(() => window.simulation);
		return self;
	}

	/* The phone in a new recorder page; registered unless `register: false`. */
	static async inRecorder(agent, phones, { register = {}, ...address } = {}) {
		const server = await recorders();
		const query = new URLSearchParams(address);
		const page = await agent.page();
		await page.goto(server.url(`?${new URLSearchParams(
			{ phone: phones.url(`app.html?${query}`) })}`));
		const self = await Phone.of(page);
		if (register)
			await self.register(register);
		return self;
	}

	/* A method of window.simulation, or of its clock. */
	do(method, ...given) {
		return this.frame.evaluate(([method, given]) =>
			window.simulation[method](...given), [method, given]);
	}

	clock(method, ...given) {
		return this.frame.evaluate(([method, given]) =>
			window.simulation.clock[method](...given), [method, given]);
	}

	/* Makes this the tab last used, which the others know when it returns. */
	async use(...others) {
		await this.do('focus');
		for (const phone of others)
			await until('the other tab to know', async () => !(await phone.state()).main);
	}

	state() {
		return this.do('state');
	}

	traffic(since) {
		return this.do('traffic', since);
	}

	/* What it has sent to the logger's path. */
	async events() {
		return (await this.traffic()).map(({ message }) => message)
			.filter(({ path }) => path === '/callLogger').map(({ body }) => body);
	}

	/* ------------------------------------------------------ in a recorder page */

	register(service) {
		return this.page.evaluate((service) => window.recorder.register(service), service);
	}

	send(message) {
		return this.page.evaluate((message) => window.recorder.send(message), message);
	}

	/* What the page answers; undefined: nothing. */
	reply(path, response) {
		return this.page.evaluate(([path, response]) => {
			if (response === undefined)
				delete window.recorder.replies[path];
			else
				window.recorder.replies[path] = response;
		}, [path, response]);
	}

	messages() {
		return this.page.evaluate(() => window.recorder.messages.map(
			({ message }) => message));
	}
}

let server = null;

async function recorders() {
	server ??= await Server.start({
		folders: { '/lib/': 'tests/browser/lib' },
		csp: "default-src 'none'; script-src 'self'; style-src 'self'; frame-src *",
		pages: {
			'/recorder.css': 'body { margin: 0 } iframe { border: 0; width: 100%; '
				+ 'height: 100vh; display: block }',
			'/': '<!DOCTYPE html><html lang="en"><title>Recorder</title>'
				+ '<link rel="stylesheet" href="recorder.css"><body>'
				+ '<script src="lib/frame.js"></script><script src="lib/recorder.js"></script>',
		},
	});
	return server;
}
