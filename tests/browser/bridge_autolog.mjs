#!/usr/bin/env node
/* The auto-log switch: where it stands first, whose choice is kept, and what an
 * administrator forces. And events where the host does not stream. */
import assert from 'node:assert/strict';
import { answer, away, Crm, said, signedIn, start } from './lib/crm.mjs';
import { done, test, until } from './lib/tap.mjs';

const { stand } = await start({ plugin: { auto_log: 'agent_on', backfill: false } });
const kept = (agent = 'dana') => stand.sql(
	`SELECT coalesce((SELECT auto_log::text FROM call_log.agents WHERE agent = '${agent}'), '-')`);
const stands = (crm, on) => until(`the switch to be ${on}`, async () =>
	(await crm.phone.state()).autoLog === on);

/* What the host says of itself, changed. */
const serviceAs = (agent, change) => answer(agent, '/widget/service.json', async (_, route) => {
	const response = await route.fetch();
	const json = await response.json();
	change(json);
	return { response, json };
});

const dana = await signedIn(stand, 'dana');
const crm = await Crm.open(stand, dana);

await test('the switch begins where the administrator says, and that is not a choice', async () => {
	await stands(crm, true);
	await crm.phone.do('settled');
	assert.equal(await kept(), '-');
});

await test("an agent's choice is kept, and holds in another browser", async () => {
	await crm.phone.do('autoLog', false);
	await until('the choice', async () => await kept() === 'false');
	const elsewhere = await signedIn(stand, 'dana');
	const other = await Crm.open(stand, elsewhere);
	await other.phone.do('settled');
	await crm.phone.do('autoLog', true);
	await until('the choice', async () => await kept() === 'true');
	await crm.phone.do('autoLog', false);
	await until('the choice', async () => await kept() === 'false');
	await other.reload();
	await stands(other, false);
	await elsewhere.close();
});

await test('a choice made while the host is away is kept later, also after a reload', async () => {
	away(dana);
	await stand.stopHost();
	await crm.phone.do('autoLog', true);
	await until('the choice to wait', async () => (await crm.state()).waiting === 1);
	await crm.reload();
	assert.equal((await crm.phone.state()).autoLog, true);
	await stand.startHost();
	await until('the choice', async () => await kept() === 'true');
	await crm.is({ host: 'online', waiting: 0 });
	await stands(crm, true);
});

await test('a choice on its way to the host counts for more than what the host keeps', async () => {
	dana.allow(/Failed to load resource/);
	let told = false;
	const end = await answer(dana, '/widget/messages', async ({ message }, route) => {
		if (message.type === 'rc-callLogger-auto-log-notify')
			return said(503, 'busy');
		await route.continue();
		told ||= message.path === '/callLogger/match';
	});
	await crm.phone.do('autoLog', false);
	await until('the choice to wait', async () => (await crm.state()).waiting === 1);
	await crm.reload();
	await crm.phone.do('ring');
	await until('a match', () => told);
	assert.equal((await crm.phone.state()).autoLog, false);
	await end();
	await until('the choice', async () => await kept() === 'false');
	await stands(crm, false);
	await crm.phone.do('autoLog', true);
	await until('the choice', async () => await kept() === 'true');
});

await test("another agent's switch is the other's", async () => {
	const browser = await signedIn(stand, 'sam');
	const sam = await Crm.open(stand, browser);
	await stands(sam, true);
	await sam.phone.do('autoLog', false);
	await until('the choice', async () => await kept('sam') === 'false');
	assert.equal(await kept(), 'true');
	await browser.close();
});

await test('where it is forced nobody moves it, and no choice is kept', async () => {
	const before = await kept();
	const end = await serviceAs(dana, ({ page, service }) => {
		page.autoLog = { forced: true, initial: false };
		service.callLoggerAutoSettingReadOnly = true;
		service.callLoggerAutoSettingReadOnlyValue = false;
	});
	await crm.reload();
	await stands(crm, false);
	await crm.phone.frame.evaluate(() => window.postMessage(
		{ type: 'rc-adapter-update-auto-log-settings', call: true }, '*'));
	await until('the try', async () => (await crm.phone.traffic()).some(({ message }) =>
		message.type === 'rc-callLogger-auto-log-notify' && message.autoLog));
	await stands(crm, false);
	assert.equal(await kept(), before);
	await end();
});

await test('a host that does not stream is asked for its events every half minute', async () => {
	const end = await serviceAs(dana, (said) => { said.events = 'poll'; });
	const asked = [];
	const news = [];
	const endEvents = await answer(dana, '/widget/events', (_, route) => {
		asked.push(new URL(route.request().url()).searchParams.get('after'));
		assert.match(route.request().headers().accept, /^application\/json/);
		return { contentType: 'application/json', body: JSON.stringify(
			{ cursor: `c${asked.length}`, gap: false, messages: news.splice(0) }) };
	});
	await crm.page.clock.install();
	await crm.reload();
	await until('the first question', () => asked.length === 1);
	const id = await crm.phone.do('ring');
	await until('its match', async () => (await crm.entries(id)) !== undefined);
	news.push({ type: 'rc-adapter-trigger-call-logger-match', sessionIds: [id] });
	await crm.pass(31_000);
	await until('the second question', () => asked.length > 1);
	assert.equal(asked[1], 'c1');
	await until('the message', async () => (await crm.phone.traffic()).some(({ way, message }) =>
		way === 'in' && message.sessionIds?.[0] === id));
	await end();
	await endEvents();
});
await done();
