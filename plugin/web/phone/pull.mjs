/* pull - what the page may ask the phone for: un-logged calls and single ones. The
 * page's own five seconds for an answer are counted there (adapter.js). */

const ENDED_BEFORE = 20_000; // a call is un-logged that long after its end

/* The response to a question, or undefined for one the phone does not know. */
export async function answer(phone, now, path, body = {}) {
	if (path === '/unlogged-calls')
		return unlogged(phone, now(), body);
	if (path === '/get-call-log')
		return callLog(phone, body);
	return undefined;
}

/* It asks the service first, and so is as slow as that one. Pages are cut anew each
 * time: calls that were logged in between move the rest forward. */
async function unlogged(phone, now, { perPage = 100, page = 1 }) {
	await phone.calls.match(phone.history.map(({ sessionId }) => sessionId));
	const all = phone.history.filter(({ sessionId, startTime, duration }) =>
		startTime + duration * 1000 < now - ENDED_BEFORE
		&& !phone.calls.of(sessionId).some(({ type }) => type !== 'status'));
	return {
		calls: all.slice((page - 1) * perPage, page * perPage).map((record) => ({
			...phone.logger.recordOf(record),
			transcript: null, ...phone.logger.smartNote(record.sessionId) })),
		hasMore: all.length > page * perPage,
	};
}

function callLog(phone, { sessionId, telephonySessionId }) {
	if (!sessionId && !telephonySessionId)
		return { error: 'sessionId or telephonySessionId is required' };
	const record = phone.history.find((record) => record.sessionId === sessionId
		|| record.telephonySessionId === telephonySessionId);
	if (!record)
		return { call: null };
	const call = phone.logger.recordOf(record);
	return { call: { ...call, aiNote: null, recording: call.recording ?? null,
		transcript: null, ...phone.logger.smartNote(record.sessionId) } };
}
