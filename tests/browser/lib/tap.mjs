/* tap - one browser test program: its tests run in order, each is one TAP line, and
 * what went wrong is told below it. Knows nothing of browsers.
 *
 *   await test('a sentence of behaviour', async () => { assert.equal(a, b); });
 *   await done();     closes what was opened, prints the plan, sets the status
 */
import path from 'node:path';
import { fileURLToPath } from 'node:url';

export const ROOT = path.resolve(path.dirname(fileURLToPath(import.meta.url)), '../../..');

const LIMIT = 120_000; // ends only a test that hangs
const closers = [];
const checks = [];
let count = 0;
let failed = 0;

/* To be called when the program ends, last one first. */
export function atEnd(close) {
	closers.unshift(close);
}

/* To be called after each test; what it throws fails that test. */
export function afterEach(check) {
	checks.push(check);
}

export function note(text) {
	console.log(String(text).replace(/^/gm, '# '));
}

export async function test(name, body) {
	const number = ++count;
	try {
		await within(LIMIT, name, body());
		for (const check of checks)
			await check(name);
		console.log(`ok ${number} - ${name}`);
	} catch (error) {
		failed++;
		console.log(`not ok ${number} - ${name}`);
		note(error?.stack ?? error);
		await tell(name);
	}
}

/* What else the checks have to say of a failure. */
async function tell(name) {
	for (const check of checks)
		await (async () => check(name))().catch((more) => note(more.message));
}

export async function done() {
	for (const close of closers)
		await close();
	console.log(`1..${count}`);
	process.exit(failed ? 1 : 0);
}

/* Waits until the condition gives something true, which is returned; fails after 30
 * seconds. What it throws counts as "not yet" and is told at the end. */
export async function until(what, condition, ms = 30_000) {
	const end = Date.now() + ms;
	let last;
	while (true) {
		try {
			const got = await condition();
			if (got)
				return got;
			last = got;
		} catch (error) {
			last = error.message;
		}
		if (Date.now() > end)
			throw new Error(`gave up after ${ms} ms waiting for: ${what} (${last})`);
		await new Promise((wake) => setTimeout(wake, 20));
	}
}

async function within(ms, name, promise) {
	let timer;
	const late = new Promise((_, reject) => {
		timer = setTimeout(() => reject(new Error(`hangs: ${name}`)), ms);
	});
	try {
		return await Promise.race([promise, late]);
	} finally {
		clearTimeout(timer);
	}
}

/* A program that dies says so, and leaves nothing behind. */
for (const event of ['uncaughtException', 'unhandledRejection'])
	process.on(event, async (error) => {
		failed++;
		note(error?.stack ?? error);
		await tell('the end');
		await done();
	});
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'])
	process.on(signal, async () => {
		failed++;
		await done();
	});
