/* form - the log form: one at a time, for one call, either the note alone or the
 * page that the service drew. It sends what the agent types and saves. */
import { TIMEOUT } from './wire.mjs';

export class LogForm {
	#phone;
	#saved = new Set(); // by form since the load: edited again, they open empty
	#open = null; // { sessionId, data, page }
	#page = null; // once the service drew one, for all calls

	constructor(phone) {
		this.#phone = phone;
	}

	get open() {
		return this.#open;
	}

	/* rc-adapter-update-call-log-page */
	draw(page) {
		this.#page = { ...page, id: '$LOG-CALL' };
	}

	/* Opens it for a call that the phone knows; closes it for any other. */
	show(sessionId) {
		const seen = this.#phone.look(sessionId);
		if (!seen) {
			this.close();
			return;
		}
		this.#open = { sessionId, page: this.#page,
			data: this.#page ? { ...this.#page.formData } : this.#prefill(sessionId, seen) };
		this.#phone.route(`/log/call/${sessionId}`);
		this.#phone.calls.ask([sessionId]);
		this.#phone.tell();
	}

	#prefill(sessionId, { call, entries: [entry] }) {
		const picked = entry?.contact?.id ?? entry?.contact ?? call.toNumberEntity;
		const there = [...call.fromMatches, ...call.toMatches].some(({ id }) => id === picked);
		return { note: this.#saved.has(sessionId) ? '' : entry?.note ?? '',
			...(there && { contactId: picked }) };
	}

	close() {
		this.#open = null;
		this.#phone.route('/history');
		this.#phone.tell();
	}

	/* One keystroke or choice. */
	input(key, value) {
		const open = this.#open;
		open.data = { ...open.data, [key]: value };
		const path = this.#phone.service.callLogPageInputChangedEventPath;
		if (path)
			this.#phone.wire.request(path, {
				call: this.#phone.look(open.sessionId).call,
				formData: open.data, keys: [key], ...(open.page && { page: open.page }),
			}, TIMEOUT.other).catch(() => {});
		this.#phone.tell();
	}

	save() {
		const { sessionId, data } = this.#open;
		this.#saved.add(sessionId);
		this.close();
		return this.#phone.logger.byHand(this.#phone.look(sessionId).call, 'logForm',
			{ note: data.note, formData: data });
	}
}
