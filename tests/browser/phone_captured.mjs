#!/usr/bin/env node
/* What the real widget was captured sending is what the simulated phone sends when
 * the same happens to it: the same messages with the same members in the same order,
 * at the same moments but for the time that services take. Here: calls that log
 * themselves. */
import { agreeInTime, captured, contactsIn, recordIn } from './lib/captured.mjs';
import { engine } from './lib/engine.mjs';
import { done, test } from './lib/tap.mjs';

console.error = () => {}; // the phone tells each timeout there, as the real one does

const ENDING = { Accepted: 'answered', 'Call connected': 'answered', Missed: 'missed',
	Voicemail: 'voicemail' };

/* What happened on the platform, read from what the widget told: [at, act]. */
function happenings(messages, phone, inLog) {
	const { exchange } = phone;
	const events = messages.filter(({ message }) => message.path === '/callLogger');
	const calls = new Map();
	const list = [];
	const finish = (at, sessionId, quiet) => {
		const [first, second] = events.filter(({ message: { body } }) =>
			body.triggerType === 'callLogSync' && body.call.sessionId === sessionId);
		const how = first ? { ending: ENDING[first.message.body.call.result],
			members: recordIn(first.message.body.call) }
			: { record: inLog !== undefined, sessionIdInLog: inLog };
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

/* Contacts are asked for once a number: the captured phone knew some already. */
function knownBefore(messages, phone) {
	const asked = messages.filter(({ message }) => message.path === '/contacts/match')
		.flatMap(({ message }) => message.body.phoneNumbers);
	const all = messages.filter(({ message }) => message.type === 'rc-active-call-notify')
		.flatMap(({ message: { call } }) => [call.from.phoneNumber, call.to.phoneNumber]);
	return phone.phone.contacts.ask([...new Set(all)].filter((number) =>
		/^\+?\d+$/.test(number) && !asked.includes(number)));
}

/* inLog: the session id of the record, where it is not the call's. */
async function replay(name, { autoLog = true, answers = true, inLog } = {}) {
	const messages = captured(name);
	const first = messages.find(({ message }) => message.type === 'rc-active-call-notify')
		.message.call;
	const phone = engine({ start: first.startTime + first.offset + 100, autoLog });
	const data = contactsIn(messages.map(
		({ message }) => message.body?.call ?? {}));
	phone.replies['/contacts/match'] = () => ({ data });
	phone.phone.syncNow();
	await phone.register();
	await knownBefore(messages, phone);
	if (!answers)
		phone.replies = {};
	phone.mark();
	const moments = new Map(); // what is at most 2 ms apart is one change of presence
	for (const [at, act] of happenings(messages, phone, inLog)) {
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
	agreeInTime(phone, messages);
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

await test('a record under another session id is asked for, and no event of the call',
	() => replay('44-sessionId-differs-in-call-log', { inLog: '1840999401004' }));

await done();
