/* recordings - brings the host addresses of recordings while their token lives: of each
 * call when it is logged, and of those that the host still wants, which the widget is
 * asked for again. What it hands over is kept nowhere, and never told to anybody else. */

import { ifAlone } from './locks.js';

/* What a host posts when it wants addresses. */
export const WANTED = 'call-log-recordings';

/* What is larger a proxy before the host may put into a file, the token with it: nginx
 * does with more than 8 kB, and there is an envelope around it. */
const MESSAGE_BYTES = 7000;

/* In messages of that size, those that are larger alone. */
function* portions(recordings) {
	const encoder = new TextEncoder();
	let portion = [];
	let bytes = 0;
	for (const recording of recordings) {
		const more = encoder.encode(JSON.stringify(recording)).length + 1;
		if (portion.length > 0 && bytes + more > MESSAGE_BYTES) {
			yield portion;
			portion = [];
			bytes = 0;
		}
		portion.push(recording);
		bytes += more;
	}
	if (portion.length > 0)
		yield portion;
}

/* Each stays with its own name: the host may know a call by another one. */
function offerOf(call) {
	const { id, contentUri } = call?.recording ?? {};
	if (!id || typeof contentUri !== 'string' || !/[?&]access_token=./.test(contentUri))
		return [];
	return [{ sessionId: String(call.sessionId), recordingId: String(id), contentUri }];
}

export class Recordings {
	/* widget: see widget.js; send({recordings}): see host.js, null while the host is
	 * away; allowed(): whether the host fetches recordings, and may be asked. */
	constructor({ widget, send, allowed }) {
		Object.assign(this, { widget, send, allowed });
		this.running = false;
	}

	/* Calls that the host has been told of. What is lost is asked for again. */
	async offer(calls) {
		for (const recordings of portions(calls.flatMap(offerOf)))
			if (this.allowed())
				await this.send({ recordings });
	}

	/* Looks for what the host wants; one tab is enough. */
	async find() {
		if (this.running || !this.allowed())
			return;
		this.running = true;
		try {
			await ifAlone('call-log-recordings', () => this.findAll());
		} catch (error) {
			console.warn('call-log: recordings wait for the next time:', error.message);
		} finally {
			this.running = false;
		}
	}

	async findAll() {
		const result = await this.send({ recordings: [] });
		for (const wanted of result?.value?.response?.data?.wanted ?? [])
			await this.findOne(wanted).catch((error) =>
				console.warn('call-log: a recording waits for the next time:', error.message));
	}

	async findOne({ sessionId, telephonySessionId, recordingId }) {
		const answer = await this.widget.call('/get-call-log',
			{ sessionId, telephonySessionId: telephonySessionId ?? undefined });
		const offers = offerOf(answer?.call).filter((offer) => offer.recordingId === recordingId);
		if (offers.length > 0 && this.allowed())
			await this.send({ recordings: [{ ...offers[0], sessionId }] });
	}
}
