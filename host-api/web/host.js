/* host - HTTP with the host that serves this page. It knows what an answer means, and
 * nothing of calls. */

/* What became of a request:
 *   ok          value: the answer's JSON, undefined where there is none
 *   refused     the same request would be refused again; why: a sentence
 *   signed-out  nobody is signed in at the host
 *   other-agent somebody else is
 *   wait        anything else: no answer, a server's error, another server's page */
const KINDS = new Map([
	[400, 'refused'], [404, 'refused'], [413, 'refused'], [415, 'refused'],
	[401, 'signed-out'], [409, 'other-agent'],
]);

async function jsonOf(response) {
	const type = response.headers.get('Content-Type') ?? '';
	if (!/^application\/json\s*(;|$)/i.test(type))
		throw new TypeError(`not JSON but ${type || 'nothing'}`);
	return response.json();
}

async function judge(response) {
	if (response.status === 204)
		return { kind: 'ok' };
	if (response.status === 200)
		return { kind: 'ok', value: await jsonOf(response) };
	const kind = KINDS.get(response.status) ?? 'wait';
	const said = await jsonOf(response).catch(() => ({}));
	/* A refusal that is not in the host's words is some other server's. */
	return kind === 'refused' && !said.error
		? { kind: 'wait', why: `status ${response.status}` }
		: { kind, why: said.message ?? `status ${response.status}` };
}

export class Host {
	/* base: the URL of the host's folder /widget/, of this page's own origin. */
	constructor(base) {
		this.base = base;
	}

	async request(path, options, timeoutMs) {
		try {
			const response = await fetch(new URL(path, this.base), {
				credentials: 'same-origin', cache: 'no-store', redirect: 'manual',
				signal: AbortSignal.timeout(timeoutMs), ...options,
			});
			return await judge(response);
		} catch (error) {
			return { kind: 'wait', why: String(error) };
		}
	}

	/* What to register, who is signed in, what time it is. */
	service(timeoutMs = 5000) {
		return this.request('service.json', {}, timeoutMs);
	}

	/* envelope: {sent_at, expected_agent, expected_account, message}. */
	send(envelope, timeoutMs) {
		return this.request('messages', {
			method: 'POST', body: JSON.stringify(envelope),
			headers: { 'Content-Type': 'application/json' },
		}, timeoutMs);
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
