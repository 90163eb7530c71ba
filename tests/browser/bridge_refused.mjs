#!/usr/bin/env node
/* Each answer that is no acknowledgement: the event waits, or is set aside and shown;
 * the phone hears in time in any case. */
import assert from 'node:assert/strict';
import { answer, Crm, row, said, signedIn, start } from './lib/crm.mjs';
import { done, test, until } from './lib/tap.mjs';

const { stand } = await start({ phone: { defaultAutoLogCallEnabled: 1 },
	plugin: { auto_log: 'agent_on', backfill: false, sign_in_url: '/demo?agent=dana' } });
const dana = await signedIn(stand, 'dana');
const crm = await Crm.open(stand, dana);
const { phone } = crm;
await phone.do('remember', 30);
const past = (await phone.state()).history.map(({ sessionId }) => sessionId);

async function save(id, note) {
	await phone.do('log', id);
	await phone.do('note', note);
	await phone.do('save');
}

const html = { contentType: 'text/html', body: '<!DOCTYPE html><p>Sign in here' };
const json = (value) => ({ status: 200, contentType: 'application/json', body: JSON.stringify(value) });
for (const [what, given] of Object.entries({
	'429': said(429, 'busy'), '500': said(500, 'failed'), '503': said(503, 'busy'),
	"a front server's 502": { status: 502, ...html },
	"another server's 404": { status: 404, ...html },
	"another server's 400 in JSON": { ...json({ fault: 1 }), status: 400 },
	'a redirect': { status: 302, headers: { Location: '/elsewhere' } },
	'a page of HTML': { status: 200, ...html },
	'JSON that is no object': json('ok'), 'JSON that is no answer': json({ ok: true }),
	"somebody else's 409": said(409, 'conflict'),
	'no answer at all': (_, route) => route.abort('connectionreset'),
}))
	await test(`with ${what} the event waits, and is sent again`, async () => {
		dana.allow(/Failed to load resource|ERR_/);
		const id = past.pop();
		let asked = 0;
		const end = await answer(dana, '/widget/messages', (request, route) => {
			asked++;
			return typeof given === 'function' ? given(request, route) : given;
		});
		await save(id, what);
		await until('the event to wait', async () => asked > 0
			&& (await crm.entries(id))[0]?.note === what).finally(end);
		assert.equal((await crm.entries(id))[0].type, 'status');
		await until('the row', async () => await row(stand, id, 'note') === what);
		await crm.marked(id);
		await crm.is({ host: 'online', waiting: 0, aside: 0 });
	});

let aside = 0;
for (const status of [400, 404, 413, 415])
	await test(`with ${status} the event is set aside and shown, and others go on`, async () => {
		dana.allow(/Failed to load resource/);
		const [bad, good] = [past.pop(), past.pop()];
		const end = await answer(dana, '/widget/messages', (request, route) =>
			request.message.body.call?.sessionId === bad ? said(status, 'no', `No: ${status}.`)
				: route.continue());
		await save(bad, `<b>${status}</b>`);
		await save(good, 'good');
		await crm.marked(good);
		await crm.is({ waiting: 0, aside: ++aside });
		await end();
		assert.deepEqual((await crm.heard('problem')).at(-1),
			{ sessionId: bad, message: `No: ${status}.`, note: `<b>${status}</b>` });
		assert.equal(await row(stand, bad), '');
	});

await test('a call on which the host fails again and again keeps no other from it', async () => {
	dana.allow(/Failed to load resource/);
	const [bad, ...good] = past.splice(-6);
	const end = await answer(dana, '/widget/messages', (request, route) =>
		request.message.body.call?.sessionId === bad ? said(500, 'failed') : route.continue());
	for (const id of [bad, ...good])
		await save(id, 'one of many');
	await Promise.all(good.map((id) => crm.marked(id))).finally(end);
	assert.equal((await crm.state()).host, 'online');
	await crm.marked(bad);
	await crm.is({ waiting: 0, aside });
});

await test('nobody signed in: events wait, the phone says so and leads to the sign-in', async () => {
	dana.allow(/Failed to load resource/);
	const [id, known] = [past.pop(), (await phone.state()).history.find(({ logged }) => logged)];
	await dana.context.clearCookies();
	await save(id, 'signed out');
	await crm.is({ host: 'signed-out' });
	await until('the phone', async () => !(await phone.state()).authorized);
	assert.equal((await phone.state()).authorizedAccount, '');
	assert.equal((await crm.entries(known.sessionId)).length, 1);
	const opened = dana.context.waitForEvent('page');
	await phone.do('authorize');
	await (await opened).close();
	await crm.is({ host: 'online', waiting: 0 });
	await until('the phone', async () => (await phone.state()).authorizedAccount === 'dana');
	await crm.marked(id);
	assert.equal(await row(stand, id, 'note'), 'signed out');
});

await test('with a slow host the events of a call arrive in order, one at a time', async () => {
	const arrived = [];
	const under = new Map();
	let most = 0;
	const end = await answer(dana, '/widget/messages', async ({ sent_at: at, message }, route) => {
		if (message.path === '/callLogger') {
			const id = message.body.call.sessionId;
			arrived.push({ id, at, under: under.get(id) ?? 0 });
			under.set(id, 1);
			most = Math.max(most, [...under.values()].filter(Boolean).length);
			await new Promise((wake) => setTimeout(wake, 300));
			under.set(id, 0);
		}
		await route.continue();
	});
	await phone.clock('run');
	const ids = [await phone.do('ring'), await phone.do('ring')];
	for (const step of ['answer', 'hold', 'resume', 'hangUp'])
		for (const id of ids)
			await phone.do(step, id);
	for (const id of ids)
		await until('the row', async () => await row(stand, id) === 'final|answered');
	await end();
	for (const id of ids) {
		const moments = arrived.filter((one) => one.id === id).map(({ at }) => at);
		assert.ok(moments.length >= 5);
		assert.deepEqual(moments, [...new Set(moments)].sort((a, b) => a - b));
	}
	assert.ok(arrived.every(({ under }) => under === 0));
	assert.equal(most, 2);
});

await test('with a host that hangs each request is answered once, and in time', async () => {
	dana.allow(/Failed to load resource/);
	const held = [];
	const end = await answer(dana, '/widget/messages', (_, route) => { held.push(route); });
	const since = Date.now();
	const id = await phone.do('ring');
	await phone.do('hangUp', id, { ending: 'missed' });
	const pairs = await until('the answers', async () => {
		const traffic = (await phone.traffic(since)).map(({ at, message }) => ({ at, ...message }));
		const asked = traffic.filter(({ type }) => type === 'rc-post-message-request');
		const all = asked.map(({ at, path, requestId }) => ({ path, took: traffic.filter(
			({ responseId }) => responseId === requestId).map((answer) => answer.at - at) }));
		return asked.filter(({ path }) => path === '/callLogger').length >= 2
			&& all.every(({ took }) => took.length > 0) && all;
	});
	for (const { path, took } of pairs) {
		assert.equal(took.length, 1);
		assert.ok(took[0] < (path === '/callLogger' ? 15_000 : 5_000), `${path} ${took}`);
	}
	await end();
	for (const route of held)
		await route.abort().catch(() => {});
	await until('the row', async () => await row(stand, id) === 'final|missed');
	await crm.marked(id);
});
await done();
