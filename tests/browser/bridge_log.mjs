#!/usr/bin/env node
/* The page bridge while all is well: calls that are logged by hand, by form and by
 * themselves, what the widget is registered with, and what the page is told. */
import assert from 'node:assert/strict';
import { Crm, row, signedIn, start } from './lib/crm.mjs';
import { done, test, until } from './lib/tap.mjs';

const TEXTS = { auto_log_label: 'Log every call', auto_log_text: 'All of them',
	auto_log_warning: 'Mind the law', auto_log_hidden: true, edit_log_hidden: true };
const { stand, phones } = await start({ plugin: { ...TEXTS, backfill: false,
	call_url: '/calls/{sessionId}?of={agent}&{other}' } });
const dana = await signedIn(stand, 'dana');
const sent = [];
dana.context.on('request', (request) => {
	if (request.method() === 'POST')
		sent.push(request.postDataJSON());
});
const crm = await Crm.open(stand, dana);
const { page, phone } = crm;

async function called(name = 'missed') {
	const id = await crm.play(name);
	await until('the end', async () => (await phone.state()).history.some(
		({ sessionId }) => sessionId === id));
	return id;
}

await test('the phone is registered with all that the configuration says', async () => {
	const { service, authorized, authorizedAccount } = await phone.state();
	const { name, callLoggerPath, callLogEntityMatcherPath, showLogModal, authorizationPath } = service;
	assert.deepEqual([name, callLoggerPath, callLogEntityMatcherPath, showLogModal,
		authorizationPath], ['call-log', '/callLogger', '/callLogger/match', true, '/authorize']);
	assert.equal(service.callLoggerAutoSettingLabel, TEXTS.auto_log_label);
	assert.equal(service.callLoggerAutoSettingDescription, TEXTS.auto_log_text);
	assert.equal(service.callLoggerAutoSettingWarning, TEXTS.auto_log_warning);
	assert.equal(service.callLoggerAutoLogSettingHidden, true);
	assert.equal(service.callLoggerHideEditLogButton, true);
	assert.deepEqual([authorized, authorizedAccount], [true, 'dana']);
	assert.ok(!('recordingWithToken' in service));
	assert.deepEqual(await crm.heard('ready'), [{ agent: 'dana' }]);
	await crm.is({ host: 'online', waiting: 0, aside: 0, durable: true });
});

await test('a call nobody logs is not logged', async () => {
	const id = await called();
	assert.equal(await row(stand, id), '');
	assert.equal((await crm.entries(id)).length, 0);
});

/* Calls of the past, whose turn comes one by one. */
await phone.do('remember', 6);
const past = (await phone.state()).history.map(({ sessionId }) => sessionId).slice(-6);

for (const note of ['Zeile 1\nZeile 2 – „Angebot“ €', '山田さんから電話', 'مكالمة من مريم',
	'<script>alert(1)</script> $1 \\ \' " &amp;', '🙂 e\u0301 \u200f'])
	await test(`a note is kept to the letter: ${JSON.stringify(note)}`, async () => {
		const id = past.pop();
		await phone.do('log', id);
		await phone.do('note', note);
		await phone.do('save');
		await crm.marked(id);
		assert.equal(await row(stand, id, "encode(convert_to(note, 'UTF8'), 'hex')"),
			Buffer.from(note).toString('hex'));
		assert.equal((await crm.entries(id))[0].note, note);
	});

await test('the page hears of each call that was logged', async () => {
	const id = past.pop();
	await phone.do('log', id);
	await phone.do('save');
	await crm.marked(id);
	assert.ok((await crm.heard('logged')).some(({ sessionIds }) => sessionIds.includes(id)));
});

await test('a call is logged by itself where the agent wants that', async () => {
	await phone.do('autoLog', true);
	const id = await called('answered');
	await crm.marked(id);
	assert.equal(await row(stand, id), 'final|answered');
	assert.equal(await row(stand, id, 'logged_by'), 'auto');
});

await test('marks are right after a reload, and the service is registered anew', async () => {
	const { history } = await phone.state();
	const marks = ({ sessionId, entries }) => [sessionId, entries.length];
	await crm.reload();
	const after = await until('the marks', async () => (await crm.phone.state()).history);
	assert.deepEqual(after.map(marks), history.map(marks));
	assert.deepEqual(await crm.heard('ready'), [{ agent: 'dana' }]);
});

await test('the phone is registered again when only its frame was loaded anew', async () => {
	await crm.phone.frame.evaluate(() => location.reload()).catch(() => {});
	await until('the service', async () => {
		await crm.ready();
		return (await crm.heard('ready')).length === 2;
	});
	const id = await crm.play('missed');
	await until('the row', async () => await row(stand, id) === 'final|missed');
});

await test('the page of a call opens in a tab of its own', async () => {
	const id = (await crm.phone.state()).history[0].sessionId;
	const opened = dana.context.waitForEvent('page');
	await crm.phone.do('view', id);
	const tab = await opened;
	await tab.waitForURL(stand.url(`/calls/${id}?of=dana&{other}`)).catch(() => {});
	assert.match(decodeURI(tab.url()), new RegExp(`/calls/${id}\\?of=dana&\\{other\\}$`));
	dana.allow(/404/);
	await tab.close();
	assert.deepEqual(sent.filter(({ message }) => message.body?.triggerType === 'viewLog'), []);
});

await test("the CRM's own script may show the call in its way", async () => {
	const id = (await crm.phone.state()).history[0].sessionId;
	await page.evaluate(() => document.addEventListener('call-log:view',
		(event) => event.preventDefault(), { once: true }));
	const before = dana.context.pages().length;
	await crm.phone.do('view', id);
	assert.equal((await crm.heard('view')).at(-1).sessionId, id);
	await crm.phone.do('settled');
	assert.equal(dana.context.pages().length, before);
});

await test('every request says who it is for and when it was posted', async () => {
	const now = Date.now();
	assert.ok(sent.length > 10);
	for (const { sent_at: at, expected_agent: agent, expected_account: account, message } of sent) {
		assert.deepEqual([agent, account], ['dana', '']);
		if (message.path === '/callLogger')
			assert.ok(at > now - 120_000 && at <= now + 1_000, `${at} ${now}`);
	}
});

await test('the token of the agent reaches neither the host nor the disk', async () => {
	const id = await crm.play('recorded');
	await crm.advance(20_000); /* it comes later than the end */
	await until('the recording', async () => await row(stand, id, "recording_id <> ''") === 't');
	/* a widget that was told otherwise by somebody */
	await page.evaluate(([origin, token]) => {
		const call = { sessionId: '77001', direction: 'Inbound', from: {}, to: {}, result: 'Missed',
			action: 'Phone Call', startTime: Date.now(), duration: 3, accessToken: token,
			recording: { id: '1', uri: `https://x/r?access_token=${token}`,
				contentUri: `https://x/r?a=1&access_token=${token}&b=2#c`,
				link: `https://y/?media=https%3A%2F%2Fx%2Fr%3Faccess_token%3D${token}%26d%3D1`
					+ `&again=https%253A%252F%252Fx%253Faccess%255Ftoken%253D${token}` } };
		window.forward = { type: 'rc-post-message-request', requestId: 'token-1',
			path: '/callLogger', body: { call, triggerType: 'logForm', redirect: true,
				note: `What is access_token? See https://x/?access_token=${token}`, formData: {} } };
	}, [phones.origin, 'LIVE-SECRET']);
	const message = await page.evaluate(() => window.forward);
	await crm.phone.frame.evaluate((message) => window.parent.postMessage(message, '*'), message);
	await until('the row', async () => await row(stand, '77001') !== '');
	const request = sent.find(({ message }) => message.requestId === 'token-1');
	assert.doesNotMatch(JSON.stringify(sent), /LIVE-SECRET|SIMULATED-LIVE/);
	assert.deepEqual(request.message.body.call.recording, { id: '1', uri: 'https://x/r',
		contentUri: 'https://x/r?a=1&b=2#c',
		link: 'https://y/?media=https%3A%2F%2Fx%2Fr%3Fd%3D1&again=https%253A%252F%252Fx' });
	assert.equal(request.message.body.note, 'What is access_token? See https://x/');
});
await done();
