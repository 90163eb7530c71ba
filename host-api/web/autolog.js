/* autolog - the widget's auto-log switch: the agent's choice is kept at the host, so
 * that it follows the agent to another browser; the administrator may set what holds
 * before there is one, or force it. */

export class AutoLog {
	/* settings(): what the host keeps, {autoLog}, or null; waiting(): the choice that
	 * is still on its way there, if one is; set(on): moves the switch; keep(message):
	 * tells the host of the agent's choice. */
	constructor({ settings, waiting, set, keep }) {
		Object.assign(this, { settings, waiting, set, keep });
		this.position = null; /* of the switch; null: not heard of yet */
		this.moved = null;    /* where we have just moved it */
		this.begin();
	}

	get on() {
		return this.position === true;
	}

	/* The widget is registered, perhaps anew, perhaps for another agent. */
	begin(rule) {
		this.rule = { forced: false, initial: null, ...rule };
		this.settled = false; /* the switch stands where it should */
	}

	/* The widget says how its switch stands: when it is ready, then at each change. */
	async heard(message) {
		const on = message.autoLog === true;
		const isChange = this.position !== null && on !== this.position;
		const isOurs = on === this.moved;
		this.position = on;
		this.moved = null;
		if (isOurs)
			return;
		if (this.rule.forced) {
			this.settled = false;
		} else if (isChange) {
			this.settled = true;
			this.keep(message);
		}
		await this.settle();
	}

	/* Moves the switch where it should stand, once that is known. */
	async settle() {
		const { rule } = this;
		if (this.position === null || this.settled)
			return;
		const wanted = rule.forced ? rule.initial : await this.wanted(rule.initial);
		if (wanted === undefined || this.settled || rule !== this.rule)
			return; /* the host is away, or the agent was faster */
		this.settled = true;
		if (wanted !== null && wanted !== this.position) {
			this.moved = wanted;
			this.set(wanted);
		}
	}

	async wanted(initial) {
		const choice = this.waiting() ?? await this.settings();
		return choice ? choice.autoLog ?? initial : undefined;
	}
}
