#!/usr/bin/env node
/* The harness itself: it starts what it promises, and it notices what it is there to
 * notice. */
import assert from 'node:assert/strict';
import { Agent } from './lib/chromium.mjs';
import { Server } from './lib/server.mjs';
import { Stand } from './lib/stand.mjs';
import { done, test, until } from './lib/tap.mjs';

const agent = await Agent.open();
const page = await agent.page();
const strict = "default-src 'none'; script-src 'self'; style-src 'self'; frame-src 'self'";
const server = await Server.start({ csp: strict, pages: {
	'/good': '<!DOCTYPE html><title>good</title><p>good',
	'/inline': '<!DOCTYPE html><p style="color:red">styled<script>window.ran = 1</script>',
	'/throws': '<!DOCTYPE html><script src="throws.js"></script>',
	'/throws.js': 'setTimeout(() => { throw new Error("thrown on purpose"); })',
	'/framing': '<!DOCTYPE html><iframe src="/throws"></iframe>',
} });

/* What check() throws about the page, or ''. */
async function complaint(like) {
	if (like)
		await until(`a complaint like ${like}`, () =>
			agent.complaints.some((text) => like.test(text)));
	try {
		agent.check();
		return '';
	} catch (error) {
		return error.message;
	}
}

await test('a page that is all right is not complained of', async () => {
	await page.goto(server.url('good'));
	assert.equal(await complaint(), '');
});

await test('an inline script or style is a violation, and so a failure', async () => {
	await page.goto(server.url('inline'));
	assert.match(await complaint(/inline script/), /inline style/);
	assert.equal(await page.evaluate(() => window.ran), undefined);
});

await test('an uncaught exception is a failure, also in a frame', async () => {
	for (const name of ['throws', 'framing']) {
		await page.goto(server.url(name));
		assert.match(await complaint(/thrown on purpose/), /thrown on purpose/);
	}
});

await test('a complaint that belongs to the test is allowed until its end', async () => {
	await page.goto(server.url('throws'));
	await until('the exception', () => agent.complaints.length);
	agent.allow(/thrown on purpose/);
});

await test('a stand signs agents in, is asked by SQL, and comes back after an outage',
	async () => {
		const stand = await Stand.start();
		await stand.signIn(agent, 'dana');
		const service = async () => (await agent.context.request.get(
			stand.url('/widget/service.json'))).json();
		assert.equal((await service()).agent, 'dana');
		assert.equal(await stand.sql('SELECT count(*) FROM call_log.calls'), '0');
		await stand.stopHost();
		await assert.rejects(service());
		await stand.startHost();
		assert.equal((await service()).agent, 'dana');
		await stand.pauseHost();
		let answered = false;
		const late = service().then(() => { answered = true; });
		assert.equal(await stand.sql('SELECT 1'), '1');
		assert.equal(answered, false);
		await stand.resumeHost();
		await late;
		await stand.crmPage(agent, '/crm', '<!DOCTYPE html><title>CRM</title>', strict);
		await page.goto(stand.url('/crm'));
		assert.equal(await page.title(), 'CRM');
		await assert.rejects(stand.sql('SELECT nonsense'), /nonsense/);
		await stand.stop();
	});

await done();
