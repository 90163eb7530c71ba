/* host - HTTP with the host that serves this page. It knows what an answer means, and
 * nothing of calls. */

/* What became of a request:
 *   ok          value: the answer's JSON object, undefined where there is none
 *   refused     the same request would be refused again; why: a sentence
 *   busy        the host is there and cannot take this one now
 *   late        no answer in time, so perhaps the same, perhaps it is away
 *   signed-out  nobody is signed in at the host
 *   other-agent somebody else is
 *   wait        anything else: no answer, a server's error, another server's page */
const KINDS = new Map([
	[400, 'refused'], [404, 'refused'], [413, 'refused'], [415, 'refused'], [429, 'busy'],
]);

async function jsonOf(response) {
	const type = response.headers.get('Content-Type') ?? '';
	if (!/^application\/json\s*(;|$)/i.test(type))
		throw new TypeError(`not JSON but ${type || 'nothing'}`);
	const value = await response.json();
	if (value === null || typeof value !== 'object' || Array.isArray(value))
		throw new TypeError('not a JSON object');
	return value;
}

async function judge(response) {
	const { status } = response;
	if (status === 204)
		return { kind: 'ok' };
	if (status === 200)
		return { kind: 'ok', value: await jsonOf(response) };
	if (status === 401)
		return { kind: 'signed-out' };
	/* What is not in the host's words is some other server's. */
	const said = await jsonOf(response).catch(() => ({}));
	const why = said.message ?? `status ${status}`;
	if (typeof said.error !== 'string')
		return { kind: 'wait', why };
	if (status === 409)
		return { kind: said.error === 'other_agent' ? 'other-agent' : 'busy', why };
	return { kind: KINDS.get(status) ?? (status >= 500 ? 'busy' : 'wait'), why };
}

export class Host {
	/* base: the URL of the host's folder /widget/, of this page's own origin. */
	constructor(base) {
		this.base = base;
	}

	async request(path, options, timeoutMs) {
		const limit = AbortSignal.timeout(timeoutMs);
		try {
			const response = await fetch(new URL(path, this.base), {
				credentials: 'same-origin', cache: 'no-store', redirect: 'manual',
				signal: limit, ...options,
			});
			return await judge(response);
		} catch (error) {
			return { kind: limit.aborted ? 'late' : 'wait', why: String(error) };
		}
	}

	/* What to register, who is signed in, what time it is. */
	service(timeoutMs = 5000) {
		return this.request('service.json', {}, timeoutMs);
	}

	/* envelope: {sent_at, expected_agent, expected_account, message}. */
	async send(envelope, timeoutMs) {
		const result = await this.request('messages', {
			method: 'POST', body: JSON.stringify(envelope),
			headers: { 'Content-Type': 'application/json' },
		}, timeoutMs);
		return result.value && result.value.type !== 'rc-post-message-response'
			? { kind: 'wait', why: 'not an answer to a message' } : result;
	}

	/* The events after a cursor, where the host has no stream. */
	events(cursor) {
		return this.request(`events?after=${encodeURIComponent(cursor)}`,
			{ headers: { Accept: 'application/json' } }, 10000);
	}

	/* The stream of events; see EventSource. */
	stream(cursor) {
		return new EventSource(new URL(`events?after=${encodeURIComponent(cursor)}`, this.base));
	}
}
