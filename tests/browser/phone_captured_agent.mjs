#!/usr/bin/env node
/* The simulated phone beside the captured real widget: what the agent does by hand,
 * what registering does, and what the page may ask. */
import assert from 'node:assert/strict';
import { agree, captured, contactsIn, recordIn } from './lib/captured.mjs';
import { DANA, engine } from './lib/engine.mjs';
import { done, test } from './lib/tap.mjs';

console.error = () => {}; // the phone tells each timeout there, as the real one does

const requests = (messages, name) => messages.map(({ message }) => message)
	.filter(({ path }) => path === name).map(({ body }) => body);

/* A phone whose call log holds these captured calls, newest first, registered; the
 * service answers what they show as matched. */
async function withCalls(calls, { register = {}, ...options } = {}) {
	const phone = engine({ start: 1_795_310_000_000, ...options });
	const entries = {};
	phone.exchange.remember(calls.map((call) => ({ direction: call.direction,
		ending: call.message && 'voicemail', startTime: call.startTime,
		members: recordIn(call) })));
	for (const call of calls) {
		entries[call.sessionId] = call.activityMatches;
		if (call.recording)
			phone.exchange.addRecording(call.sessionId, { ...call.recording,
				contentUri: call.recording.contentUri.replace(/\?.*/, '') });
	}
	phone.replies['/contacts/match'] = () => ({ data: contactsIn(calls) });
	phone.replies['/callLogger/match'] = () => ({ data: entries });
	phone.phone.syncNow();
	await phone.register(register);
	phone.entries = entries;
	phone.mark();
	return phone;
}

/* The call of the first request that carries one. */
function callIn(messages) {
	return messages.find(({ message }) => message.body?.call).message.body.call;
}

for (const [name, what] of [
	['10-manual-log-click-createLog', 'a click on Log sends createLog, then asks'],
	['12-manual-log-click-editLog', 'on a logged call it sends editLog'],
	['31-log-ringout-two-leg', 'a call of two legs is sent with both'],
])
	await test(what, async () => {
		const messages = captured(name);
		const call = callIn(messages);
		const phone = await withCalls([call]);
		await phone.simulation.log(call.sessionId);
		await phone.simulation.settled();
		agree(phone, messages);
	});

await test('a click that is not answered is given up after 15 seconds, and no more asked',
	async () => {
		const messages = captured('32-manual-log-no-answer');
		const call = callIn(messages);
		const phone = await withCalls([call]);
		delete phone.replies['/callLogger'];
		const logged = phone.simulation.log(call.sessionId);
		await phone.advance(14_999);
		assert.equal(phone.phone.wire.waiting, 1);
		await phone.advance(1);
		await logged;
		agree(phone, messages);
	});

await test('View log details sends viewLog with what the agent has of the call', async () => {
	const messages = captured('25-viewLog');
	const { call, aiNote, transcript } = messages[0].message.body;
	const token = /access_token=(.*)/.exec(call.recording.contentUri)[1];
	const phone = await withCalls([call], { register: { recordingWithToken: true } });
	phone.phone.logger.picks.set(call.sessionId, call.toNumberEntity);
	phone.simulation.aiNote(call.sessionId, aiNote, transcript);
	await phone.simulation.settled();
	phone.mark();
	await phone.simulation.view(call.sessionId);
	await phone.simulation.settled();
	for (const { message } of phone.sent)
		if (message.body.call)
			message.body.call.recording.contentUri = message.body.call.recording.contentUri
				.replace(/access_token=.*/, `access_token=${token}`);
	agree(phone, messages);
});

await test('with auto log on, another contact picked is sent as contactUpdated', async () => {
	const messages = captured('24-contactUpdated');
	const { call, fromEntity } = messages[0].message.body;
	const phone = await withCalls([call], { autoLog: true });
	await phone.simulation.pick(call.sessionId, fromEntity.id);
	await phone.simulation.settled();
	agree(phone, messages);
});

await test('with showLogModal a click only asks; each key is sent, and Save is one logForm; '
	+ 'edited at once, the form opens empty', async () => {
	const first = captured('14-showLogModal-click-then-save');
	const second = captured('15-showLogModal-edit-note-save');
	const call = callIn(first);
	const phone = await withCalls([call], { register: { showLogModal: true } });
	for (const messages of [first, second]) {
		phone.entries[call.sessionId] = callIn(messages).activityMatches;
		await phone.phone.calls.ask([call.sessionId]);
		phone.mark();
		await phone.simulation.log(call.sessionId);
		await phone.simulation.settled();
		phone.simulation.note(requests(messages, '/callLogger')[0].note);
		await phone.simulation.save();
		await phone.simulation.settled();
		agree(phone, messages);
	}
});

await test('the form of a logged call opens with its note after a load', async () => {
	const messages = captured('22-edit-form-prefill-fresh');
	const call = callIn(messages);
	const phone = await withCalls([call], { register: { showLogModal: true } });
	phone.receive({ type: 'rc-adapter-navigate-to', path: `/log/call/${call.sessionId}` });
	await phone.simulation.settled();
	await phone.simulation.save();
	await phone.simulation.settled();
	agree(phone, messages);
});

await test('a form drawn by the service is filled in, sent with its page, and saved',
	async () => {
		const messages = captured('16-custom-log-page');
		const call = callIn(messages);
		const other = { ...call, id: 'other', startTime: call.startTime + 1000,
			sessionId: messages[0].message.body.sessionIds[0] };
		const phone = await withCalls([other, call], { register: { showLogModal: true } });
		const { id, ...page } = requests(messages, '/callLogger/inputChanged')[0].page;
		for (const { sessionId } of [other, call]) {
			phone.receive({ type: 'rc-adapter-update-call-log-page', page });
			phone.receive({ type: 'rc-adapter-navigate-to', path: `/log/call/${sessionId}` });
			await phone.simulation.settled();
		}
		phone.simulation.note('n1');
		await phone.simulation.save();
		await phone.simulation.settled();
		agree(phone, messages);
	});

await test('a trigger asks anew for those calls only that the phone knows', async () => {
	const messages = captured('11-trigger-call-logger-match');
	const [known] = messages[0].message.body.sessionIds;
	const call = callIn(captured('10-manual-log-click-createLog'));
	const phone = await withCalls([{ ...call, sessionId: known }]);
	phone.receive({ type: 'rc-adapter-trigger-call-logger-match',
		sessionIds: [known, '1', Number(known)] });
	await phone.simulation.settled();
	agree(phone, messages);
});

/* --------------------------------------------------------------- registering */

/* Past calls with these session ids, newest first, from these numbers. */
function past(sessionIds, numbers) {
	return sessionIds.map((sessionId, i) => ({ sessionId,
		number: numbers[i % numbers.length], startTime: 1_795_200_000_000 - i * 60_000 }));
}

/* What a phone with the calls of that capture sends when `act` is done to it; both
 * as [path or type, ids asked for]. */
async function registering(name, act, options) {
	const messages = captured(name);
	const ids = [...new Set(requests(messages, '/callLogger/match').flatMap(
		({ sessionIds }) => sessionIds))];
	const numbers = [...new Set(requests(messages, '/contacts/match').flatMap(
		({ phoneNumbers }) => phoneNumbers))].filter((number) => number !== DANA.number);
	const phone = engine({ autoLog: true, ...options });
	phone.exchange.remember(past(ids, numbers.length ? numbers : ['+16505551000']));
	phone.phone.syncNow();
	phone.mark();
	await act(phone);
	await phone.simulation.settled();
	const brief = (list) => list.map(({ message }) => message)
		.filter(({ type }) => !/history|route/.test(type)).map(
			({ path, type, autoLog, body }) => [path ?? type, autoLog ?? body.sessionIds
				?? [...body.phoneNumbers].sort()]);
	return { got: brief(phone.sent), want: brief(messages), phone };
}

await test('a first registration asks for all calls and numbers, then tells auto log',
	async () => {
		for (const name of ['01-register-and-initial-match', '30-register-with-125-calls']) {
			const { got, want } = await registering(name, (phone) => phone.register());
			assert.deepEqual(got.slice(-2), want.slice(-2), name);
			assert.deepEqual(new Set(got[0][1]), new Set([...want[0][1]]), name);
			assert.equal(got[0][0], '/contacts/match');
		}
	});

await test('an unauthorized service is asked nothing; authorized, the first thirty come '
	+ 'first and the rest in a second request', async () => {
	const { got, want, phone } = await registering('20-register-unauthorized-then-authorize',
		async (phone) => {
			await phone.register({ authorizationPath: '/authorize', authorized: false });
			phone.receive({ type: 'rc-adapter-update-authorization-status', authorized: true,
				authorizedAccount: 'dana@example.test' });
		});
	const matches = (list) => list.filter(([name]) => !/contacts/.test(name));
	assert.deepEqual(matches(got), matches(want));
	assert.equal(phone.phone.authorizedAccount, 'dana@example.test');
});

await test('registered again, the first thirty are asked for again and nothing told',
	async () => {
		const { got, want } = await registering('21-re-register-same-service',
			async (phone) => {
				await phone.register();
				phone.mark();
				await phone.register();
			});
		assert.deepEqual(got, want);
	});

await test('a forced auto log counts at the first registration; the page may change it',
	async () => {
		const forced = (value) => ({ callLoggerAutoSettingReadOnly: true,
			callLoggerAutoSettingReadOnlyValue: value });
		const { got, want, phone } = await registering('40-readonly-autolog-registration',
			async (phone) => {
				await phone.register(forced(true));
				await phone.register(forced(false));
				phone.simulation.autoLog(false);
				assert.equal(phone.phone.autoLog, true);
				phone.receive({ type: 'rc-adapter-update-auto-log-settings', call: false });
			}, { autoLog: false });
		assert.deepEqual(got.slice(1), want.slice(1));
		assert.equal(phone.phone.autoLog, false);
	});

await test('setAutoLog before the logger is ready is ignored, later it is told', async () => {
	const phone = engine();
	phone.receive({ type: 'rc-adapter-update-auto-log-settings', call: true });
	await phone.register();
	phone.mark();
	for (const call of [true, true, false])
		phone.receive({ type: 'rc-adapter-update-auto-log-settings', call });
	agree(phone, captured('18-setAutoLog'));
});

/* -------------------------------------------------------------- un-logged calls */

await test('un-logged calls and single ones are answered as captured', async () => {
	const results = captured('17b-getUnloggedCalls-results');
	const calls = [...results.p1.calls, ...results.p2.calls];
	const more = { ...calls.at(-1), sessionId: '1', id: '1', activityMatches: [],
		startTime: calls.at(-1).startTime - 60_000 };
	const logged = results.one.call;
	logged.recording = undefined;
	const phone = await withCalls([logged, ...calls, more].sort(
		(a, b) => b.startTime - a.startTime));
	const ask = async (path, body) => {
		phone.mark();
		phone.receive({ type: 'rc-adapter-message-request', requestId: 'q', path, body });
		await phone.simulation.settled();
		return JSON.parse(JSON.stringify(phone.of('rc-adapter-message-response')[0].response));
	};
	logged.recording = null;
	for (const [page, want] of [[1, results.p1], [2, results.p2]])
		assert.deepEqual(await ask('/unlogged-calls', { perPage: 5, page }), want);
	assert.deepEqual(await ask('/get-call-log', { sessionId: logged.sessionId }), results.one);
	assert.deepEqual(await ask('/get-call-log',
		{ telephonySessionId: logged.telephonySessionId }), results.one);
	assert.deepEqual(await ask('/get-call-log', { sessionId: 'none' }), results.none);
	assert.deepEqual(await ask('/get-call-log', {}), results.err);
});

await done();
