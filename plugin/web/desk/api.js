/* api - a page's questions to the plugin, through the host that serves this page.
 * It knows what an answer means and nothing of what is shown. */

const ANSWER_MS = 8000;

/* What became of a question:
 *   ok           data: the answer
 *   refused      it would be refused again; why: a sentence
 *   signed-out   nobody is signed in
 *   other-agent  somebody else is, than when this page began
 *   busy         the host is there, and cannot answer this now: ask again later
 *   away         anything else: the same */
const KINDS = { 400: 'refused', 404: 'refused', 413: 'refused', 415: 'refused',
	401: 'signed-out', 409: 'other-agent', 503: 'busy', 504: 'busy' };

async function jsonOf(response) {
	if (!/^application\/json\b/i.test(response.headers.get('Content-Type') ?? ''))
		throw new TypeError('not JSON');
	return response.json();
}

async function judge(response) {
	if (response.ok)
		return { kind: 'ok', value: await jsonOf(response) };
	const said = await jsonOf(response).catch(() => ({}));
	const kind = KINDS[response.status] ?? 'away';
	/* What is not in the host's words is some other server's. */
	return { kind: said.error ? kind : 'away',
		why: said.message ?? `status ${response.status}` };
}

async function request(path, options = {}, ms = ANSWER_MS) {
	try {
		return await judge(await fetch(path, { credentials: 'same-origin', cache: 'no-store',
			redirect: 'manual', signal: AbortSignal.timeout(ms), ...options }));
	} catch (error) {
		return { kind: 'away', why: String(error) };
	}
}

export class Api {
	/* heard(kind): what became of each question. */
	constructor(heard) {
		this.heard = heard;
		this.count = 0;
		this.service = null;
		this.offset = 0;  /* the host's clock, less this one's; ms */
	}

	/* Who is signed in, and what time it is there. False: not to be had now. */
	async begin() {
		const asked = Date.now();
		const { kind, value } = await request('widget/service.json');
		this.heard(kind);
		if (kind !== 'ok' || !value.agent)
			return false;
		this.offset = value.now - (asked + Date.now()) / 2;
		this.service = value;
		return true;
	}

	get agent() {
		return this.service.agent;
	}

	/* Names whose calls these are, for what is kept in the browser. */
	get owner() {
		return JSON.stringify([this.service.account, this.service.agent]);
	}

	now() {
		return Date.now() + this.offset;
	}

	async ask(path, body, ms) {
		const result = await request('widget/messages', {
			method: 'POST', headers: { 'Content-Type': 'application/json' },
			body: JSON.stringify({
				expected_agent: this.service.agent, expected_account: this.service.account,
				message: { type: 'rc-post-message-request', requestId: `desk-${++this.count}`,
					path, body },
			}),
		}, ms);
		const answer = this.understand(result);
		this.heard(answer.kind);
		return answer;
	}

	understand({ kind, value, why }) {
		if (kind !== 'ok')
			return { kind, why };
		const data = value?.response?.data;
		return data === undefined || data === null
			? { kind: 'away', why: value?.response?.error?.message ?? 'no answer' }
			: { kind, data };
	}

	/* -------------------------------------------------------------- agents */

	/* Who may be chosen, where the host lets anybody be anybody; else none. */
	async demoAgents() {
		if (!this.service.demo)
			return [];
		const { value } = await request('demo');
		return value?.agents ?? [];
	}

	async become(agent) {
		return (await request(`demo?agent=${encodeURIComponent(agent)}`)).kind === 'ok';
	}
}
