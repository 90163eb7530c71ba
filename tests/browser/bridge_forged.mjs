#!/usr/bin/env node
/* Nobody but the phone in its frame is heard, and nobody but the phone is told. */
import assert from 'node:assert/strict';
import { Crm, PAGE, signedIn, start } from './lib/crm.mjs';
import { Server } from './lib/server.mjs';
import { done, test, until } from './lib/tap.mjs';

const RECORD = `'use strict';
window.got = [];
window.addEventListener('message', ({ data }) => window.got.push(data));`;
const { stand, phones } = await start({ phone: { defaultAutoLogCallEnabled: 1 },
	plugin: { auto_log: 'agent_on', backfill: true } });
const evil = await Server.start({ csp: "default-src 'none'; script-src 'self'",
	pages: { '/record.js': RECORD, '/app2.html': '<!DOCTYPE html><script src="record.js"></script>' } });
phones.set('/record.js', RECORD);
phones.set('/other.html', '<!DOCTYPE html><script src="record.js"></script>');
const dana = await signedIn(stand, 'dana', PAGE.replace('<script ',
	`<iframe name="foreign" src="${evil.url('app2.html')}"></iframe>
	<iframe name="sibling" src="${phones.url('other.html')}"></iframe>
	<iframe name="own" src="/own"></iframe><script `));
await stand.crmPage(dana, '/own', '<!DOCTYPE html><script src="/record.js"></script>');
await stand.crmPage(dana, '/record.js', RECORD);
const posted = [];
dana.context.on('request', (request) => {
	if (request.method() === 'POST')
		posted.push(request.postDataJSON());
});
const crm = await Crm.open(stand, dana);
const known = await crm.play('missed');
await crm.marked(known);

const call = { sessionId: '666', direction: 'Inbound', from: {}, to: {}, result: 'Missed',
	action: 'Phone Call', startTime: Date.now(), duration: 1 };
const FORGED = [
	{ type: 'rc-post-message-request', requestId: 'f1', path: '/callLogger',
		body: { call, triggerType: 'callLogSync' } },
	{ type: 'rc-post-message-request', requestId: 'f2', path: '/callLogger/match',
		body: { sessionIds: [known] } },
	{ type: 'rc-post-message-request', requestId: 'f3', path: '/callLogger',
		body: { call, triggerType: 'viewLog' } },
	{ type: 'rc-login-status-notify', loggedIn: true, loginNumber: '+1666*6' },
	{ type: 'rc-login-status-notify', loggedIn: false },
	{ type: 'rc-callLogger-auto-log-notify', autoLog: false },
	{ type: 'rc-call-history-synced-notify' },
];

for (const name of ['foreign', 'sibling', 'own'])
	await test(`what another frame than the phone's posts does nothing: ${name}`, async () => {
		const frame = crm.page.frame({ name });
		const before = { posted: posted.length, ready: (await crm.heard('ready')).length,
			traffic: (await crm.phone.traffic()).length, pages: dana.context.pages().length };
		await frame.evaluate((messages) => {
			for (const message of messages)
				window.parent.postMessage(message, '*');
			window.parent.postMessage('text', '*');
			window.parent.postMessage(null, '*');
		}, FORGED);
		/* a message that goes all the way, sent after those */
		await crm.phone.frame.evaluate((name) => window.parent.postMessage({
			type: 'rc-post-message-request', requestId: 'real', path: '/callLogger/match',
			body: { sessionIds: [name] } }, '*'), name);
		await until('the answer to the real one', async () =>
			(await crm.phone.traffic()).slice(before.traffic).some(
				({ message }) => message.responseId === 'real'));
		assert.deepEqual(await frame.evaluate(() => window.got), []);
		assert.deepEqual(posted.slice(before.posted).map(({ message }) => message.body.sessionIds), [[name]]);
		assert.equal((await crm.heard('ready')).length, before.ready);
		assert.deepEqual(await crm.heard('view'), []);
		assert.equal(dana.context.pages().length, before.pages);
		assert.deepEqual((await crm.phone.traffic()).slice(before.traffic).map(
			({ message }) => message.responseId).filter(Boolean), ['real']);
	});

await test('a window that the page opened is not the phone either', async () => {
	const before = posted.length;
	const opened = dana.context.waitForEvent('page');
	await crm.page.evaluate((url) => { window.popup = window.open(url); }, phones.url('other.html'));
	const popup = await opened;
	await popup.waitForFunction(() => window.got);
	await popup.evaluate((messages) => {
		for (const message of messages)
			window.opener.postMessage(message, '*');
	}, FORGED);
	await crm.phone.do('settled');
	assert.deepEqual(await popup.evaluate(() => window.got), []);
	assert.equal(posted.length, before);
	await popup.close();
});

await test('forged lists of calls are not taken for the answer of the phone', async () => {
	const asked = [];
	await crm.page.exposeFunction('noteAsked', (id) => { asked.push(id); });
	/* the real phone leaves the question open until the forged answers were given */
	await crm.phone.frame.evaluate(() => {
		window.addEventListener('message', (event) => {
			if (event.data.type !== 'rc-adapter-message-request' || window.open_question)
				return;
			window.open_question = event.data.requestId;
			event.stopImmediatePropagation();
		}, { capture: true });
		window.parent.postMessage({ type: 'rc-call-history-synced-notify' }, '*');
	});
	const requestId = await until('the question', () =>
		crm.phone.frame.evaluate(() => window.open_question).catch(() => null));
	const before = posted.length;
	for (const name of ['foreign', 'sibling', 'own'])
		await crm.page.frame({ name }).evaluate(([responseId, calls]) => {
			window.parent.postMessage({ type: 'rc-adapter-message-response', responseId,
				response: { calls, hasMore: false } }, '*');
		}, [requestId, [call]]);
	await crm.phone.do('settled');
	assert.deepEqual(posted.slice(before).filter(({ message }) => message.path === 'call_log/backfill'), []);
	assert.equal(await stand.sql("SELECT count(*) FROM call_log.calls WHERE session_id = '666'"), '0');
});

await test('a frame that has left for another origin is told nothing', async () => {
	dana.allow(/target origin provided/);
	const frame = crm.phone.frame;
	await frame.evaluate((url) => { location.href = url; }, evil.url('app2.html')).catch(() => {});
	const left = await until('the other page', () => crm.page.frames().find(
		(one) => one.url() === evil.url('app2.html') && one.name() !== 'foreign'));
	await left.waitForFunction(() => window.got);
	const before = posted.length;
	await left.evaluate((messages) => {
		for (const message of messages)
			window.parent.postMessage(message, '*');
	}, FORGED);
	const heard = (await crm.heard('logged')).length;
	await stand.sql(`SELECT call_log.set_note('', 'dana', '${known}', 'by hand',
		call_log.note_version(c)) FROM call_log.calls c WHERE session_id = '${known}'`);
	await until('the event', async () => (await crm.heard('logged')).length > heard);
	assert.deepEqual(await left.evaluate(() => window.got), []);
	assert.equal(posted.length, before);
	assert.equal(await stand.sql("SELECT count(*) FROM call_log.calls WHERE session_id = '666'"), '0');
});
await done();
