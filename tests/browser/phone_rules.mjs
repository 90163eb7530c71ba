#!/usr/bin/env node
/* The simulated phone keeps the real widget's rules that no capture shows, traps
 * included: what it remembers of matches, when it waits and for how long, what it
 * sends of odd calls. In plain Node, on a held clock. */
import assert from 'node:assert/strict';
import { engine } from './lib/engine.mjs';
import { done, test } from './lib/tap.mjs';

const MINUTE = 60_000;
console.error = () => {}; // the phone tells each timeout there, as the real one does

/* What was sent to the logger: [trigger, result], and the session ids asked for. */
const events = (phone) => phone.of('/callLogger').map(({ body }) =>
	[body.triggerType, body.call.result]);
const asked = (phone) => phone.of('/callLogger/match').map(({ body }) => body.sessionIds);

async function withPast(count, options) {
	const phone = engine(options);
	phone.simulation.remember(count);
	await phone.register();
	phone.ids = phone.phone.history.map(({ sessionId }) => sessionId);
	phone.mark();
	return phone;
}

/* ------------------------------------------------------------------------ match */

await test('a match answer is remembered for two hours, found or not, across a reload',
	async () => {
		const phone = engine();
		phone.simulation.remember(2);
		const ids = phone.phone.history.map(({ sessionId }) => sessionId);
		phone.replies['/callLogger/match'] = () => ({ data: { [ids[0]]: [{ id: '1' }] } });
		await phone.register();
		assert.deepEqual(asked(phone), [ids]);
		await phone.advance(119 * MINUTE);
		const later = engine({ start: phone.clock.now(), area: phone.area });
		await later.register();
		assert.deepEqual(asked(later), []);
		assert.equal(later.simulation.loggedMark(ids[0]), true);
		assert.equal(later.simulation.loggedMark(ids[1]), false);
		const tooLate = engine({ start: later.clock.now() + MINUTE, area: later.area });
		await tooLate.register();
		assert.deepEqual(asked(tooLate), [ids]);
	});

for (const [what, response] of [['no data', {}], ['null', null], ['an empty answer', { data: {} }],
	['an error', { error: 'database away' }], ['data that is no object', { data: 'yes' }],
	['an answer without lists', ({ sessionIds }) => ({
		data: Object.fromEntries(sessionIds.map((id) => [id, { id }])) })]])
	await test(`${what} un-logs all that was asked for`, async () => {
		const phone = await withPast(2);
		phone.replies['/callLogger/match'] = ({ sessionIds }) => ({
			data: Object.fromEntries(sessionIds.map((id) => [id, [{ id }]])) });
		const trigger = async () => {
			phone.receive({ type: 'rc-adapter-trigger-call-logger-match', sessionIds: phone.ids });
			await phone.simulation.settled();
			return phone.ids.map((id) => phone.simulation.loggedMark(id));
		};
		assert.deepEqual(await trigger(), [true, true]);
		phone.replies['/callLogger/match'] = typeof response === 'function' ? response
			: () => response;
		assert.deepEqual(await trigger(), [false, false]);
		phone.mark();
		await phone.register({});
		assert.deepEqual(asked(phone), [phone.ids], 'only because the page registered again');
	});

await test('silence for 30 seconds un-logs just so, and a late answer is dropped', async () => {
	const phone = await withPast(1);
	const [id] = phone.ids;
	phone.replies['/callLogger/match'] = () => ({ data: { [id]: [{ id: '1' }] } });
	const trigger = () => phone.receive(
		{ type: 'rc-adapter-trigger-call-logger-match', sessionIds: [id] });
	trigger();
	await phone.simulation.settled();
	assert.equal(phone.simulation.loggedMark(id), true);
	delete phone.replies['/callLogger/match'];
	phone.mark();
	trigger();
	await phone.advance(29_999);
	assert.equal(phone.simulation.loggedMark(id), true);
	await phone.advance(1);
	assert.equal(phone.simulation.loggedMark(id), false);
	phone.receive({ type: 'rc-post-message-response', response: { data: { [id]: [{}] } },
		responseId: phone.of('/callLogger/match')[0].requestId });
	assert.equal(phone.simulation.loggedMark(id), false);
});

await test('the first of two answers counts, from wherever it comes', async () => {
	const phone = await withPast(1);
	const [id] = phone.ids;
	phone.replies['/callLogger/match'] = () => undefined;
	phone.receive({ type: 'rc-adapter-trigger-call-logger-match', sessionIds: [id] });
	const responseId = phone.of('/callLogger/match')[0].requestId;
	for (const data of [{ [id]: [{ id: 'first' }] }, { [id]: [{ id: 'second' }] }])
		phone.receive({ type: 'rc-post-message-response', responseId, response: { data } });
	await phone.simulation.settled();
	assert.equal(phone.phone.calls.of(id)[0].id, 'first');
});

await test('without a matcher path no call is ever logged', async () => {
	const phone = await withPast(1);
	await phone.register({ callLogEntityMatcherPath: undefined });
	phone.mark();
	await phone.simulation.log(phone.ids[0]);
	await phone.simulation.settled();
	assert.deepEqual(events(phone), [['createLog', 'Accepted']]);
	assert.deepEqual(asked(phone), []);
});

await test('a status entry is shown and no log; a pending one disables nothing but history',
	async () => {
		const phone = engine();
		const entry = { type: 'status', status: 'pending', message: 'Waiting' };
		phone.replies['/callLogger/match'] = ({ sessionIds }) => ({
			data: Object.fromEntries(sessionIds.map((id) => [id, [entry]])) });
		phone.simulation.remember(1);
		await phone.register();
		const id = phone.simulation.ring();
		await phone.simulation.settled();
		phone.mark();
		phone.simulation.answer(id);
		await phone.simulation.settled();
		assert.deepEqual(events(phone), [['presenceUpdate', 'CallConnected']],
			'any entry lets a call log itself, though auto log is off');
		const { history: [past], active: [live] } = phone.simulation.state();
		assert.deepEqual([past.logged, past.message], [false, 'Waiting']);
		assert.equal(live.logged, true);
	});

/* ------------------------------------------------------------------------- calls */

await test('with auto log off a call logged by hand streams on', async () => {
	const phone = engine();
	await phone.register();
	const id = phone.simulation.ring();
	await phone.simulation.settled();
	phone.simulation.answer(id);
	await phone.simulation.settled();
	assert.deepEqual(events(phone), []);
	phone.replies['/callLogger/match'] = () => ({ data: { [id]: [{ id: '1' }] } });
	await phone.simulation.log(id);
	await phone.simulation.settled();
	phone.simulation.hangUp(id);
	await phone.advance(5_000, {});
	assert.deepEqual(events(phone), [['createLog', 'CallConnected'],
		['presenceUpdate', 'Disconnected'], ['callLogSync', 'Accepted']]);
});

await test('any answer to a log request is a success, and a match follows', async () => {
	for (const response of [{ error: 'refused' }, null, 'no', { data: 'ok' }]) {
		const phone = await withPast(1);
		phone.replies['/callLogger'] = () => response;
		await phone.simulation.log(phone.ids[0]);
		await phone.simulation.settled();
		assert.deepEqual(asked(phone), [phone.ids], JSON.stringify(response));
	}
});

await test('a record that comes before the end: the last status again, and no sync',
	async () => {
		const phone = engine({ autoLog: true });
		await phone.register();
		phone.simulation.play('early');
		await phone.advance(60_000, {});
		assert.deepEqual(events(phone), [['presenceUpdate', 'Ringing'],
			['presenceUpdate', 'CallConnected'], ['presenceUpdate', 'CallConnected']]);
	});

await test('presence may flap: after Disconnected the call is there again', async () => {
	const phone = engine({ autoLog: true });
	await phone.register();
	phone.simulation.play('flapping');
	await phone.advance(30_000, {});
	assert.deepEqual(events(phone).map(([, result]) => result), ['Ringing', 'CallConnected',
		'Disconnected', 'CallConnected', 'Disconnected', 'Accepted']);
	const ids = phone.of('/callLogger').map(({ body }) => body.call.sessionId);
	assert.equal(new Set(ids).size, 1);
});

await test('a call to oneself repeats one event about 12 times a second until it ends',
	async () => {
		const phone = engine({ autoLog: true });
		await phone.register();
		phone.mark();
		phone.simulation.play('oneself', { lasts: 10_000 });
		await phone.advance(9_999, {});
		const count = events(phone).length;
		assert.ok(count > 110 && count < 130, `${count} events in 10 s`);
		const ids = asked(phone).at(-1);
		assert.deepEqual(ids, [ids[0], ids[0]]);
		assert.deepEqual(phone.of('/callLogger/match').at(-1).body.activeSessionIds, ids);
		const last = phone.of('/callLogger').slice(-5).map(({ body }) => body);
		for (const body of last)
			assert.deepEqual({ ...body, call: { ...body.call, duration: 0 } },
				{ ...last[0], call: { ...last[0].call, duration: 0 } });
		await phone.advance(20_000, {});
		phone.mark();
		await phone.advance(20_000, {});
		assert.deepEqual(events(phone), []);
	});

await test('another caller number: with a status two events, without one', async () => {
	const phone = engine({ autoLog: true });
	await phone.register();
	const id = phone.simulation.ring({ number: '+16505550101' });
	await phone.simulation.settled();
	phone.mark();
	phone.simulation.transfer(id, '+16505550102', 'Other', { status: 'CallConnected' });
	await phone.simulation.settled();
	phone.simulation.transfer(id, '+16505550103');
	await phone.simulation.settled();
	assert.deepEqual(phone.of('/callLogger').map(({ body: { call } }) => [call.from.phoneNumber,
		call.isTransferredCall, call.transferredMiddleNumber, call.phoneNumberUpdated]), [
		['+16505550102', false, null, undefined],
		['+16505550102', true, '+16505550101', true],
		['+16505550103', true, '+16505550102', true]]);
});

await test('a call in the browser starts anew when answered, and is told by rc-call-*',
	async () => {
		const phone = engine({ autoLog: true });
		await phone.register();
		const id = phone.simulation.ring({ browser: true });
		await phone.simulation.settled();
		for (const [act, ms] of [['answer', 4_000], ['hold', 2_000], ['resume', 1_000],
			['hangUp', 1_000]]) {
			await phone.advance(ms, {});
			phone.simulation[act](id);
			await phone.simulation.settled();
		}
		await phone.advance(5_000, {});
		const calls = phone.of('/callLogger').map(({ body }) => body.call);
		assert.deepEqual(calls.map(({ duration }) => duration), [0, 0, 2, 3, 4, 4]);
		assert.deepEqual(calls.map(({ startTime }) => startTime - calls[0].startTime),
			[0, 4_000, 4_000, 4_000, 4_000, 0]);
		assert.equal(calls[0].webphoneSession.partyData.sessionId, calls[0].telephonySessionId);
		assert.deepEqual(phone.sent.map(({ message }) => message.type).filter(
			(type) => /^rc-call-[a-z]+-notify$/.test(type)), ['rc-call-ring-notify',
			'rc-call-start-notify', 'rc-call-hold-notify', 'rc-call-resume-notify',
			'rc-call-end-notify']);
	});

await test('a conference has session 0, no number, and no record', async () => {
	const phone = engine({ autoLog: true });
	await phone.register();
	phone.simulation.play('conference');
	await phone.advance(60_000, {});
	const calls = phone.of('/callLogger').map(({ body }) => body.call);
	assert.deepEqual(calls.map(({ result }) => result),
		['Ringing', 'CallConnected', 'Disconnected']);
	assert.deepEqual([calls[0].sessionId, calls[0].to.phoneNumber], ['0', '']);
});

await test('a RingOut call is merged under its outbound leg; the other one just ends',
	async () => {
		const phone = engine({ autoLog: true });
		await phone.register();
		phone.simulation.play('ringout');
		await phone.advance(30_000, {});
		const calls = phone.of('/callLogger').map(({ body }) => body.call);
		const first = calls[0].sessionId;
		const merged = String(Number(first) - 1_000);
		assert.deepEqual(calls.map(({ sessionId, result }) => [sessionId, result]), [
			[first, 'Ringing'], [first, 'Disconnected'], [merged, 'CallConnected'],
			[merged, 'Disconnected'], [merged, 'Call connected']]);
		for (const call of calls.slice(2))
			assert.deepEqual([call.outboundLeg.sessionId, call.inboundLeg.sessionId],
				[merged, first]);
	});

await test('records that the widget drops are in no list', async () => {
	const phone = engine();
	const startTime = phone.clock.now() - 60_000;
	const record = (members, more) => ({ startTime, members, ...more });
	phone.simulation.remember([record({ type: 'Fax' }), record({ result: 'Busy' }),
		record({ result: 'Call Failed' }), record({ action: 'FindMe' }),
		record({}, { startTime: startTime - 8 * 24 * 60 * MINUTE }), record({ result: 'Odd' })]);
	assert.deepEqual(phone.phone.history.map(({ result }) => result), ['Odd']);
});

await test('a service may put buttons beside a call and preset its contact', async () => {
	const phone = await withPast(1);
	const contacts = [{ id: 'c-1', name: 'One', type: 'CRM' }, { id: 'c-2', name: 'Two' }];
	phone.replies['/contacts/match'] = () => ({ data: { '+16505550107': contacts } });
	await phone.register({ buttonEventPath: '/button',
		buttons: [{ id: 'b', type: 'callAction', label: 'Ticket', icon: 'x' }] });
	const id = phone.simulation.ring({ number: '+16505550107' });
	await phone.simulation.settled();
	const { telephonySessionId } = phone.exchange.active[0];
	phone.receive({ type: 'rc-adapter-set-call-contact-matches-select', telephonySessionId,
		contactId: 'c-2' });
	phone.mark();
	await phone.simulation.log(id);
	assert.equal(phone.of('/callLogger')[0].body.fromEntity.id, 'c-2');
	phone.simulation.press(phone.ids[0], 'b');
	const [{ body }] = phone.of('/button');
	assert.deepEqual(body.button, { id: 'b', type: 'callAction', label: 'Ticket' });
	assert.equal(body.resource.sessionId, phone.ids[0]);
});

await test('a call that was there when the service came is sent from its next change on',
	async () => {
		const phone = engine({ autoLog: true });
		const id = phone.simulation.ring();
		await phone.simulation.settled();
		await phone.register();
		await phone.simulation.settled();
		assert.deepEqual(events(phone), []);
		phone.simulation.answer(id);
		await phone.simulation.settled();
		assert.deepEqual(events(phone), [['presenceUpdate', 'CallConnected']]);
	});

await test('reloaded before the sync there is no callLogSync; the call is un-logged',
	async () => {
		const before = engine({ autoLog: true });
		await before.register();
		before.simulation.play('answered');
		await before.advance(13_000, {});
		assert.equal(events(before).at(-1)[1], 'Disconnected');
		const phone = engine({ start: before.clock.now() + 4 * MINUTE, area: before.area,
			autoLog: true });
		await phone.register();
		await phone.advance(1, {});
		assert.deepEqual(events(phone), []);
		assert.equal(phone.of('rc-call-history-synced-notify').length, 1);
		phone.receive({ type: 'rc-adapter-message-request', requestId: 'q',
			path: '/unlogged-calls', body: {} });
		await phone.simulation.settled();
		const [{ response }] = phone.of('rc-adapter-message-response');
		assert.deepEqual(response.calls.map(({ result }) => result), ['Accepted']);
	});

/* ---------------------------------------------------------------- other requests */

await test('un-logged calls come in pages that shift as calls are logged', async () => {
	const phone = await withPast(250);
	const page = async (number) => {
		phone.mark();
		phone.receive({ type: 'rc-adapter-message-request', requestId: 'q',
			path: '/unlogged-calls', body: { perPage: 100, page: number } });
		await phone.simulation.settled();
		const { calls, hasMore } = phone.of('rc-adapter-message-response')[0].response;
		return [calls.map(({ sessionId }) => phone.ids.indexOf(sessionId)), hasMore];
	};
	const [first, more] = await page(1);
	assert.deepEqual([first[0], first.at(-1), more], [0, 99, true]);
	phone.replies['/callLogger/match'] = () => ({ data: Object.fromEntries(
		phone.ids.slice(0, 100).map((id) => [id, [{ id }]])) });
	phone.receive({ type: 'rc-adapter-trigger-call-logger-match',
		sessionIds: phone.ids.slice(0, 100) });
	await phone.simulation.settled();
	const [second] = await page(2);
	assert.equal(second[0], 200, 'page 2 now skips a hundred calls');
	const [again, rest] = await page(1);
	assert.deepEqual([again[0], rest], [100, true]);
});

await test('a call is un-logged twenty seconds after its end', async () => {
	const phone = engine();
	await phone.register();
	phone.simulation.play('missed');
	const count = async () => {
		phone.mark();
		phone.receive({ type: 'rc-adapter-message-request', requestId: 'q',
			path: '/unlogged-calls', body: {} });
		await phone.simulation.settled();
		return phone.of('rc-adapter-message-response')[0].response.calls.length;
	};
	await phone.advance(4_000 + 20_000, {});
	assert.equal(await count(), 0);
	await phone.advance(1, {});
	assert.equal(await count(), 1);
});

await test('an authorization status without an account changes nothing', async () => {
	const phone = await withPast(1);
	await phone.register({ authorizationPath: '/authorize', authorized: false });
	const say = (more) => phone.receive({ authorized: true, ...more,
		type: 'rc-adapter-update-authorization-status' });
	say({});
	assert.equal(phone.phone.authorized, false);
	say({ authorizedAccount: '' });
	assert.equal(phone.phone.authorized, true);
});

await test('unauthorized, calls are logged and nothing is asked', async () => {
	const phone = engine({ autoLog: true });
	await phone.register({ authorizationPath: '/authorize', authorized: false });
	phone.simulation.play('missed');
	await phone.advance(20_000, {});
	assert.deepEqual(events(phone).map(([, result]) => result),
		['Ringing', 'Disconnected', 'Missed']);
	assert.deepEqual(asked(phone), []);
});

await test('the sign-in button asks with the status that is, for three seconds', async () => {
	const phone = engine();
	await phone.register({ authorizationPath: '/authorize', authorized: false });
	phone.simulation.authorize();
	assert.deepEqual(phone.of('/authorize')[0].body, { authorized: false });
	await phone.advance(2_999);
	assert.equal(phone.phone.wire.waiting, 1);
	await phone.advance(1);
	assert.equal(phone.phone.wire.waiting, 0);
});

await test('the live token is in the address of a recording only when asked for', async () => {
	for (const [recordingWithToken, like] of [[true, /\?access_token=/], [false, /content$/]]) {
		const phone = await withPast(1);
		phone.exchange.addRecording(phone.ids[0]);
		phone.simulation.sync();
		await phone.register({ recordingWithToken });
		phone.mark();
		await phone.simulation.log(phone.ids[0]);
		const [{ body: { call } }] = phone.of('/callLogger');
		assert.match(call.recording.contentUri, like);
		assert.doesNotMatch(call.recording.link, /token/);
	}
});

await test('an empty text does not clear the one registered before', async () => {
	const phone = engine();
	await phone.register({ callLoggerAutoSettingLabel: 'Log all' });
	await phone.register({ callLoggerAutoSettingLabel: '' });
	assert.equal(phone.phone.service.callLoggerAutoSettingLabel, 'Log all');
});

await test('a service without a name is ignored', async () => {
	const phone = engine();
	await phone.register({ name: '' });
	assert.equal(phone.phone.service, null);
	assert.deepEqual(phone.of('rc-callLogger-auto-log-notify'), []);
});

await done();
