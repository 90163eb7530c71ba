/* captured - tests/messages/captured for comparison: what the real widget sent, and
 * whether a simulated phone (engine.mjs) has sent the same. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { ROOT } from './tap.mjs';

const NEAR = 350; // ms: how long the captured services and pages took at most
const ADDED = ['fromName', 'toName', 'fromMatches', 'toMatches', 'activityMatches',
	'toNumberEntity', 'isTransferredCall', 'transferredMiddleNumber', 'recording',
	'transcript', 'aiNote'];

/* [{ at, message }], or whatever else the file holds. */
export function captured(name) {
	const file = path.join(ROOT, 'tests/messages/captured', `${name}.json`);
	const content = JSON.parse(fs.readFileSync(file));
	return content.messages?.map(({ at_ms: at, message }) => ({ at, message })) ?? content;
}

/* As both sides must agree on them: without what is new each time, and without the
 * page changes that a new call made the real one do. */
function comparable(messages) {
	return messages.filter(({ message }) => message.type !== 'rc-route-changed-notify')
		.map(({ message: { requestId, ...message } }) => JSON.parse(JSON.stringify(message)));
}

/* Compares the messages deeply, the order of members included. */
export function agree(phone, wanted) {
	const got = comparable(phone.sent);
	const want = comparable(wanted);
	const brief = (list) => list.map((message) => `${message.path ?? message.type} ${
		message.body?.triggerType ?? message.body?.keys ?? ''} ${
		message.body?.call?.result ?? message.call?.telephonyStatus ?? ''}`);
	assert.deepEqual(brief(got), brief(want));
	got.forEach((message, i) => assert.equal(JSON.stringify(message, null, 1),
		JSON.stringify(want[i], null, 1)));
}

/* The same, and that each came when the captured one did. */
export function agreeInTime(phone, wanted) {
	agree(phone, wanted);
	const times = (list) => list.filter(
		({ message }) => message.type !== 'rc-route-changed-notify').map(({ at }) => at);
	const gotAt = times(phone.sent);
	times(wanted).forEach((at, i) => assert.ok(Math.abs(at - gotAt[i]) < NEAR,
		`message ${i} at ${gotAt[i]} ms, captured at ${at} ms`));
}

/* The platform's record in a captured record shape. */
export function recordIn(call) {
	return Object.fromEntries(Object.entries(call).filter(([name]) => !ADDED.includes(name)));
}

/* The contacts the captured service knew, by number. */
export function contactsIn(calls) {
	const data = {};
	for (const call of calls)
		for (const [side, matches] of [['from', call.fromMatches], ['to', call.toMatches]])
			if (matches?.length)
				data[call[side].phoneNumber] = matches.map(({ entityType, ...contact }) => contact);
	return data;
}
