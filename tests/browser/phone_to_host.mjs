#!/usr/bin/env node
/* Whole calls of every kind, made by the simulated phone in Chromium, through the
 * host and the plugin into PostgreSQL: each becomes the row that it should. The page
 * between them only forwards. */
import assert from 'node:assert/strict';
import { Agent } from './lib/chromium.mjs';
import { Phone } from './lib/phone.mjs';
import { Server } from './lib/server.mjs';
import { Stand } from './lib/stand.mjs';
import { done, test, until } from './lib/tap.mjs';

const FORWARD = `'use strict';
const frame = document.querySelector('iframe');
const phone = new URL(frame.src).origin;
window.service = { name: 'Desk', callLoggerPath: '/callLogger',
	callLogEntityMatcherPath: '/callLogger/match' };
window.addEventListener('message', async ({ source, origin, data }) => {
	if (source !== frame.contentWindow || origin !== phone)
		return;
	const send = (message) => frame.contentWindow.postMessage(message, phone);
	if (data.type === 'rc-login-status-notify')
		send({ type: 'rc-adapter-register-third-party-service', service: window.service });
	if (data.type !== 'rc-post-message-request')
		return;
	const sent_at = await window.sent_at();
	const reply = await fetch('/widget/messages', { method: 'POST',
		headers: { 'Content-Type': 'application/json' },
		body: JSON.stringify({ sent_at, message: data }) });
	if (reply.ok)
		send(await reply.json());
	else
		console.error(data.path, reply.status, await reply.text());
});`;

const stand = await Stand.start();
const phones = await Server.ofPhone();
const dana = await Agent.open();
await stand.signIn(dana, 'dana');
await stand.crmPage(dana, '/crm.js', FORWARD);
await stand.crmPage(dana, '/crm', '<!DOCTYPE html><title>CRM</title>'
	+ `<iframe src="${phones.url('app.html?defaultAutoLogCallEnabled=1')}"></iframe>`
	+ '<script src="crm.js"></script>',
`default-src 'none'; script-src 'self'; connect-src 'self'; frame-src ${phones.origin}`);
const page = await dana.page();
// messages carry the time of the phone, which the test moves
await page.exposeFunction('sent_at', () => phone.frame.evaluate(() =>
	window.simulation.clock.now()));
await page.goto(stand.url('/crm'));
const phone = await Phone.of(page);
await until('the service', async () => (await phone.state()).ready);
await phone.clock('hold');

/* The rows of these session ids, as [state, outcome, ...]. */
async function rows(sessionIds, columns = 'state, outcome') {
	const text = await stand.sql(`SELECT ${columns} FROM call_log.calls WHERE agent = 'dana'
		AND session_id IN (${[sessionIds].flat().map((id) => `'${id}'`).join()})
		ORDER BY started_at, session_id`);
	return text.split('\n').map((line) => line.split('|'));
}

/* Plays it to its end, past the last sync; returns its session ids. */
async function play(name, given) {
	const ended = phone.do('play', name, given);
	await phone.do('advance', 60_000);
	await phone.do('settled', 30_000);
	return ended;
}

for (const [name, ...want] of [['answered', 'final', 'answered'], ['missed', 'final', 'missed'],
	['voicemail', 'final', 'voicemail'], ['rejected', 'final', 'rejected'],
	['elsewhere', 'final', 'other'], ['outbound', 'final', 'answered'],
	['unanswered', 'final', 'no_answer'], ['anonymous', 'final', 'voicemail'],
	['colleague', 'final', 'answered'], ['recorded', 'final', 'answered'],
	['transferred', 'final', 'answered'], ['flapping', 'final', 'answered'],
	['ringout', 'final', 'answered']])
	await test(`a call that is ${name} is ${want.join(', ')}, and marked as logged`, async () => {
		const id = await play(name);
		assert.deepEqual(await rows(id), [want]);
		assert.equal(await phone.do('loggedMark', id), true);
	});

await test('a conference, which has no session id of its own, is one row', async () => {
	const ended = phone.do('play', 'conference');
	await phone.do('advance', 10_000);
	await ended;
	const { call } = (await phone.events()).at(-1);
	assert.equal(call.sessionId, '0');
	assert.equal(await stand.sql(`SELECT state, outcome FROM call_log.calls
		WHERE telephony_session_id = '${call.telephonySessionId}'`), 'ended|answered');
});

await test('two calls at once are two rows', async () => {
	assert.deepEqual(await rows(await play('two')),
		[['final', 'answered'], ['final', 'answered']]);
});

await test('a late recording is kept without its token', async () => {
	await page.evaluate(() => { window.service.recordingWithToken = true; });
	await phone.do('login');
	const id = await play('recorded');
	const [[recording, link, uri, body]] = await rows(id,
		"recording_id <> '', recording_link, recording_uri, body");
	assert.equal(recording, 't');
	assert.doesNotMatch(`${link} ${uri} ${body}`, /token/i);
});

await test('a call to oneself is one row, however often it is sent', async () => {
	await play('oneself', { lasts: 3_000 });
	const sent = (await phone.events()).filter(({ call }) => call.to.phoneNumber
		=== call.from.phoneNumber);
	assert.ok(sent.length > 30, `${sent.length} events`);
	assert.deepEqual(await rows(sent[0].call.sessionId, 'count(*) OVER ()'), [['1']]);
});

await done();
