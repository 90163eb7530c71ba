#!/usr/bin/env node
/* What the real widget was captured sending is what the simulated phone sends when
 * the same happens to it: the same messages with the same members in the same order,
 * at the same moments but for the time that services take. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { engine } from './lib/engine.mjs';
import { done, ROOT, test } from './lib/tap.mjs';

const NEAR = 350; // ms: how long the captured services and pages took at most
const ADDED = ['fromName', 'toName', 'fromMatches', 'toMatches', 'activityMatches',
	'toNumberEntity', 'isTransferredCall', 'transferredMiddleNumber', 'recording'];

const ENDING = { Accepted: 'answered', 'Call connected': 'answered', Missed: 'missed',
	Voicemail: 'voicemail' };

function captured(name) {
	const file = path.join(ROOT, 'tests/messages/captured', `${name}.json`);
	return JSON.parse(fs.readFileSync(file)).messages.map(({ at_ms: at, message }) =>
		({ at, message }));
}

/* As both sides must agree on them: without what is new each time, and without the
 * page changes that a new call made the real one do. */
function comparable(messages) {
	return messages.filter(({ message }) => message.type !== 'rc-route-changed-notify')
		.map(({ message: { requestId, ...message } }) => JSON.parse(JSON.stringify(message)));
}

/* Compares the messages deeply, the order of members included. */
function agree(phone, wanted) {
	const got = comparable(phone.sent);
	const want = comparable(wanted);
	const brief = (list) => list.map((message) => `${message.path ?? message.type} ${
		message.body?.triggerType ?? ''} ${message.body?.call?.result
			?? message.call?.telephonyStatus ?? ''}`);
	assert.deepEqual(brief(got), brief(want));
	got.forEach((message, i) => assert.equal(JSON.stringify(message, null, 1),
		JSON.stringify(want[i], null, 1)));
	const times = (list) => list.filter(
		({ message }) => message.type !== 'rc-route-changed-notify').map(({ at }) => at);
	const gotAt = times(phone.sent);
	times(wanted).forEach((at, i) => assert.ok(Math.abs(at - gotAt[i]) < NEAR,
		`message ${i} at ${gotAt[i]} ms, captured at ${at} ms`));
}

/* The platform's record in a captured record shape. */
function recordIn(call) {
	return Object.fromEntries(Object.entries(call).filter(([name]) => !ADDED.includes(name)));
}

/* What happened on the platform, read from what the widget told: [at, act]. */
function happenings(messages, phone) {
	const { exchange } = phone;
	const events = messages.filter(({ message }) => message.path === '/callLogger');
	const calls = new Map();
	const list = [];
	const finish = (at, sessionId, quiet) => {
		const [first, second] = events.filter(({ message: { body } }) =>
			body.triggerType === 'callLogSync' && body.call.sessionId === sessionId);
		const how = first ? { ending: ENDING[first.message.body.call.result],
			members: recordIn(first.message.body.call) } : { record: false };
		list.push([at, () => exchange.end(sessionId, { ...how, quiet })]);
		if (second)
			list.push([second.at, () => {
				exchange.addRecording(sessionId, second.message.body.call.recording,
					{ lastModifiedTime: second.message.body.call.lastModifiedTime });
				phone.phone.syncNow();
			}]);
		calls.delete(sessionId);
	};
	for (const { at, message } of messages) {
		const { call } = message;
		if (message.type === 'rc-adapter-syncPresence' && message.telephonyStatus === 'NoCall') {
			const last = messages.some((other) => other.at - at < 5 && other.at >= at
				&& other.message.call?.telephonyStatus === 'NoCall');
			if (!last)
				for (const sessionId of [...calls.keys()])
					finish(at, sessionId, true);
		}
		if (message.type !== 'rc-active-call-notify')
			continue;
		const { sessionId, telephonyStatus: status } = call;
		if (status === 'NoCall')
			finish(at, sessionId, false);
		else if (calls.has(sessionId))
			list.push([at, () => exchange.change(sessionId, { status })]);
		else
			list.push([at, () => exchange.begin(call.direction, { ...given(call), status,
				id: events.find(({ message: { body } }) => body.call.sessionId === sessionId)
					?.message.body.call.id })]);
		calls.set(sessionId, call);
	}
	return list;
}

function given(call) {
	const other = call.direction === 'Inbound' ? [call.from, call.fromName]
		: [call.to, call.toName];
	return { number: other[0].phoneNumber, name: other[1], startTime: call.startTime,
		sessionId: call.sessionId, telephonySessionId: call.telephonySessionId,
		partyId: call.partyId, offset: call.offset };
}

/* The contacts the captured service knew, by number. */
function contactsIn(messages) {
	const data = {};
	for (const { message: { body } } of messages) {
		const { call } = body ?? {};
		for (const [side, matches] of [['from', call?.fromMatches], ['to', call?.toMatches]])
			if (matches?.length)
				data[call[side].phoneNumber] = matches.map(({ entityType, ...contact }) => contact);
	}
	return data;
}

/* Contacts are asked for once a number: the captured phone knew some already. */
function knownBefore(messages, phone) {
	const asked = messages.filter(({ message }) => message.path === '/contacts/match')
		.flatMap(({ message }) => message.body.phoneNumbers);
	const all = messages.filter(({ message }) => message.type === 'rc-active-call-notify')
		.flatMap(({ message: { call } }) => [call.from.phoneNumber, call.to.phoneNumber]);
	return phone.phone.contacts.ask([...new Set(all)].filter((number) =>
		/^\+?\d+$/.test(number) && !asked.includes(number)));
}

async function replay(name, { autoLog = true, answers = true } = {}) {
	const messages = captured(name);
	const first = messages.find(({ message }) => message.type === 'rc-active-call-notify')
		.message.call;
	const phone = engine({ start: first.startTime + first.offset + 100, autoLog });
	const data = contactsIn(messages);
	phone.replies['/contacts/match'] = () => ({ data });
	phone.phone.syncNow();
	await phone.register();
	await knownBefore(messages, phone);
	if (!answers)
		phone.replies = {};
	phone.mark();
	const moments = new Map(); // what is at most 2 ms apart is one change of presence
	for (const [at, act] of happenings(messages, phone)) {
		const moment = [...moments.keys()].find((other) => at - other <= 2) ?? at;
		moments.set(moment, [...moments.get(moment) ?? [], act]);
	}
	for (const [at, acts] of moments) {
		await phone.advance(at - (phone.clock.now() - phone.zero));
		phone.exchange.together(() => acts.forEach((act) => act()));
		await phone.simulation.settled(0);
	}
	const end = messages.at(-1).at;
	await phone.advance(end + 20 - (phone.clock.now() - phone.zero));
	agree(phone, messages);
}

for (const [name, what] of [
	['02-autolog-inbound-answered-hold-end-recording',
		'a call answered, held and recorded is sent as the real widget sends it'],
	['03-autolog-missed', 'so is a missed call of a known contact'],
	['04-autolog-outbound', 'so is an outgoing call that two contacts match'],
	['05-autolog-internal-extension', 'so is a call between extensions'],
	['06-autolog-anonymous-voicemail', 'so is an anonymous caller who leaves a voicemail'],
	['35-two-concurrent-calls', 'so are two calls at once'],
	['43-client-clock-behind', 'so is a call on a computer whose clock is behind'],
])
	await test(what, () => replay(name));

await test('with auto log off nothing is logged, and still asked for',
	() => replay('27-autolog-OFF-unmatched', { autoLog: false }));

await test('without answers events wait, are let go together, and the first comes last',
	() => replay('08-autolog-service-never-answers', { answers: false }));

await done();
