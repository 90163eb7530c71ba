/* calls - calls that a stand's host is told of over HTTP, as an agent's widget at some
 * other PC would tell of them, without a phone.
 *
 *   await post(stand, agent, message)              -> the answer's status and JSON
 *   await logged(stand, agent, { sessionId: '1', name: 'Zoë', number: '+1...', ... });
 *   await saved(stand, agent, '1', 'a note');      saved in the phone's form
 */

let count = 0;

export async function post(stand, agent, message, sentAt = Date.now()) {
	const answer = await agent.context.request.post(stand.url('/widget/messages'),
		{ data: { sent_at: sentAt, message } });
	return { status: answer.status(), value: await answer.json() };
}

function request(path, body) {
	return { type: 'rc-post-message-request', requestId: `calls-${++count}`, path, body };
}

async function log(stand, agent, body) {
	const { status, value } = await post(stand, agent, request('/callLogger', body));
	if (status !== 200)
		throw new Error(`not logged: ${status} ${JSON.stringify(value)}`);
}

function record({ sessionId, direction = 'Inbound', number = '+16505550199', name,
	startTime = Date.now(), duration = 60, result = 'Accepted', ...more }) {
	const other = { phoneNumber: number, name };
	const own = { phoneNumber: '+14155550101', name: 'Dana Agent' };
	return { sessionId, direction, startTime, duration, result, action: 'Phone Call', type: 'Voice',
		...direction === 'Inbound' ? { from: other, to: own } : { from: own, to: other }, ...more };
}

/* The call's record, as it comes after its end. */
export function logged(stand, agent, call) {
	return log(stand, agent, { triggerType: 'callLogSync', call: record(call) });
}

export function saved(stand, agent, sessionId, note) {
	return log(stand, agent, { triggerType: 'logForm', call: record({ sessionId }), note,
		formData: { note } });
}
