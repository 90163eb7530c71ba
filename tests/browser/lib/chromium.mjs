/* chromium - Debian's Chromium, headless, driven by playwright-core (installed below
 * build/browser by make). Whatever a page complains of fails the test at hand:
 * console errors, uncaught exceptions, violations of a Content-Security-Policy.
 *
 *   import { Agent } from './lib/chromium.mjs';
 *   const dana = await Agent.open();          a browser of its own: cookies, storage
 *   const page = await dana.page();           a tab; more of them share the storage
 *   await page.goto(url);
 *   dana.allow(/Failed to load resource/);    complaints that belong to this test
 *   await dana.shot(page, 'desk');            screenshots at 360 and 1280 px, light
 *                                             and dark: build/screenshots/desk-*.png
 */
import fs from 'node:fs';
import { createRequire } from 'node:module';
import path from 'node:path';
import { afterEach, atEnd, ROOT } from './tap.mjs';

const BUILD = path.join(ROOT, 'build');
const SHOTS = path.join(BUILD, 'screenshots');
const TOLD = 10; // different complaints
const PROGRAMS = ['/usr/bin/chromium', '/usr/bin/chromium-browser'];

let browser = null;

async function launch() {
	const require = createRequire(path.join(BUILD, 'browser/package.json'));
	const { chromium } = require('playwright-core');
	const program = PROGRAMS.find((file) => fs.existsSync(file));
	if (!program)
		throw new Error('chromium is not installed (packaging/install-deps check)');
	// Without a sandbox: root has none, containers neither, and only our own pages
	// are opened. Nothing but loopback can be reached.
	browser = await chromium.launch({
		executablePath: program,
		args: ['--disable-gpu', '--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1'
			+ ' , EXCLUDE localhost'],
		handleSIGINT: false, handleSIGTERM: false, handleSIGHUP: false,
	});
	atEnd(() => browser.close());
}

export class Agent {
	#context;
	#complaints = [];
	#allowed = [];

	static async open(options = {}) {
		if (!browser)
			await launch();
		return new Agent(await browser.newContext(
			{ viewport: { width: 1280, height: 900 }, locale: 'en-GB', timezoneId: 'UTC',
				...options }));
	}

	constructor(context) {
		this.#context = context;
		context.setDefaultTimeout(30_000);
		context.on('console', (message) => {
			if (message.type() === 'error')
				this.#complaints.push(`${message.text()} (${message.location().url})`);
		});
		context.on('weberror', (error) => this.#complaints.push(String(error.error())));
		afterEach(() => this.check());
	}

	/* Playwright's own BrowserContext, for what is not wrapped here. */
	get context() {
		return this.#context;
	}

	page() {
		return this.#context.newPage();
	}

	/* Complaints that match are expected until the end of the test at hand. */
	allow(pattern) {
		this.#allowed.push(pattern);
	}

	/* Everything complained of since the last check, allowed or not. */
	get complaints() {
		return this.#complaints;
	}

	/* Throws when a page complained; each test ends with it. */
	check() {
		const bad = this.#complaints.filter(
			(text) => !this.#allowed.some((pattern) => pattern.test(text)));
		this.#complaints = [];
		this.#allowed = [];
		if (bad.length)
			throw new Error(`the page complains ${bad.length} times:\n${
				[...new Set(bad)].slice(0, TOLD).join('\n')}`);
	}

	close() {
		return this.#context.close();
	}

	/* Pictures for people: never compared. */
	async shot(page, name) {
		fs.mkdirSync(SHOTS, { recursive: true });
		const before = page.viewportSize();
		for (const [width, height] of [[360, 740], [1280, 900]])
			for (const colorScheme of ['light', 'dark']) {
				await page.setViewportSize({ width, height });
				await page.emulateMedia({ colorScheme });
				await page.screenshot({ fullPage: true,
					path: path.join(SHOTS, `${name}-${width}-${colorScheme}.png`) });
			}
		await page.emulateMedia({ colorScheme: null });
		await page.setViewportSize(before);
	}
}
