#!/usr/bin/env node
/* Many at once: 300 calls in one match, 250 that nobody logged over pages that shift,
 * 500 times the same event. */
import assert from 'node:assert/strict';
import { answer, away, Crm, row, signedIn, start } from './lib/crm.mjs';
import { done, test, until } from './lib/tap.mjs';

const { stand } = await start({ plugin: { backfill: true } });
const dana = await signedIn(stand, 'dana');
const posted = [];
dana.context.on('request', (request) => {
	if (request.method() === 'POST')
		posted.push(request.postDataJSON().message);
});
const crm = await Crm.open(stand, dana);
const { phone } = crm;
const logged = async () => (await phone.state()).history.filter((call) => call.logged).length;
const backfilled = () => stand.sql("SELECT count(*) FROM call_log.calls WHERE logged_by = 'backfill'");

await test('300 calls in one match are answered from the host, and from memory alike', async () => {
	await phone.do('remember', 250);
	const [first] = (await phone.state()).history;
	await phone.do('log', first.sessionId);
	await phone.do('save');
	await crm.marked(first.sessionId);
	away(dana);
	for (const host of ['online', 'away']) {
		if (host === 'away')
			await stand.stopHost();
		await phone.frame.evaluate((id) => {
			window.asked = `many-${Math.random()}`;
			window.parent.postMessage({ type: 'rc-post-message-request', requestId: window.asked,
				path: '/callLogger/match', body: { activeSessionIds: [], sessionIds: [id,
					...Array.from({ length: 299 }, (_, i) => String(9_000_000 + i))] } }, '*');
		}, first.sessionId);
		const requestId = await phone.frame.evaluate(() => window.asked);
		const { message } = await until('the answer', async () => (await phone.traffic()).find(
			({ message }) => message.responseId === requestId));
		const { data } = message.response;
		assert.equal(Object.keys(data).length, 300);
		assert.equal(data[first.sessionId].length, 1);
		assert.equal(data['9000298'].length, 0);
	}
	await stand.startHost();
	await crm.is({ host: 'online' });
});

await test('what nobody logged is left alone while auto log is off', async () => {
	await phone.do('sync');
	await phone.do('settled');
	assert.equal(await backfilled(), '0');
	assert.ok(posted.every(({ path }) => path !== 'call_log/backfill'));
});

await test('250 calls that nobody logged are found over shifting pages, on a slow host', async () => {
	let slow = 2;
	/* slower than what RCAdapter allows its own questions */
	const end = await answer(dana, '/widget/messages', async (request, route) => {
		if (request.message.path === '/callLogger/match' && slow-- > 0)
			await new Promise((wake) => setTimeout(wake, 6_000));
		await route.continue();
	});
	await phone.do('autoLog', true);
	await until('all rows', async () => await backfilled() === '249');
	await until('all marks', async () => await logged() === 250);
	await end();
	const batches = posted.filter(({ path }) => path === 'call_log/backfill')
		.map(({ body }) => body.calls.length);
	assert.ok(Math.max(...batches) <= 50, String(batches));
});

await test('a call that the host refuses keeps no other from being handed over', async () => {
	dana.allow(/Failed to load resource/);
	await phone.do('remember', [{ number: '+12025550143', direction: 'Inbound', duration: 7,
		sessionId: '31', startTime: Date.now() - 500_000_000 }, { number: '+12025550144',
		sessionId: '32', direction: 'Inbound', duration: 7, startTime: Date.now() - 500_100_000 },
	{ number: '+12025550145', sessionId: '33', direction: 'Inbound', duration: 7,
		startTime: Date.now() - 500_200_000 }]);
	const end = await answer(dana, '/widget/messages', (request, route) =>
		request.message.body.calls?.some(({ sessionId }) => sessionId === '32')
			? { status: 413, contentType: 'application/json',
				body: '{"error":"too_large","message":"Too large."}' } : route.continue());
	await phone.frame.evaluate(() => window.parent.postMessage(
		{ type: 'rc-call-history-synced-notify' }, '*'));
	await until('the others', async () => await row(stand, '31', 'logged_by') === 'backfill'
		&& await row(stand, '33', 'logged_by') === 'backfill').finally(end);
	assert.equal(await row(stand, '32', 'logged_by'), '');
	await until('the page to hear', async () => (await crm.heard('problem')).some(
		({ sessionId, message }) => sessionId === '32' && message === 'Too large.'));
});

await test('500 times the same event reaches the host once each state, and all are answered', async () => {
	const from = posted.length;
	const answered = await phone.frame.evaluate(async () => {
		const waits = new Map();
		window.addEventListener('message', ({ data }) => waits.get(data.responseId)?.());
		const ask = (path, body) => new Promise((resolve) => {
			const requestId = crypto.randomUUID();
			waits.set(requestId, resolve);
			window.parent.postMessage({ type: 'rc-post-message-request', requestId, path, body }, '*');
		});
		const leg = (direction, status, i) => ({ call: { id: direction, partyId: direction,
			sessionId: '777', telephonySessionId: 's-777', direction, from: { phoneNumber: '101' },
			to: { phoneNumber: '101' }, telephonyStatus: status, result: status, duration: i,
			offset: -i, startTime: 1_795_301_000_000 }, triggerType: 'presenceUpdate' });
		let count = 0;
		for (const status of ['Ringing', 'CallConnected'])
			for (let i = 0; i < 125; i++) {
				await Promise.all(['Inbound', 'Outbound'].map((direction) =>
					ask('/callLogger', leg(direction, status, i)).then(() => { count++; })));
				await ask('/callLogger/match', { sessionIds: ['777', '777'], activeSessionIds: ['777'] });
			}
		return count;
	});
	assert.equal(answered, 500);
	const since = posted.slice(from);
	assert.equal(since.filter(({ path }) => path === '/callLogger').length, 4);
	const matches = since.filter(({ path }) => path === '/callLogger/match').length;
	assert.ok(matches < 100, `${matches} matches`);
	assert.equal(await row(stand, '777', 'count(*)'), '1');
});
await done();
