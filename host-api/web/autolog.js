/* autolog - the widget's auto-log switch: the agent's choice is kept at the host, so
 * that it follows the agent to another browser; the administrator may set what holds
 * before there is one, or force it. */

export class AutoLog {
	/* settings(): what the host keeps, {autoLog}, or null; set(on): moves the switch;
	 * keep(message): tells the host of the agent's choice. */
	constructor({ settings, set, keep }) {
		Object.assign(this, { settings, set, keep });
		this.on = false;
		this.rule = { forced: false, initial: null };
		this.settled = false; /* the switch stands where it should */
	}

	/* The widget is registered anew. */
	begin(rule) {
		this.rule = { forced: false, initial: null, ...rule };
		this.settled = false;
	}

	/* The widget says how its switch stands: once when it is ready, then at each
	 * change. */
	async heard(message) {
		this.on = message.autoLog === true;
		if (this.rule.forced) {
			if (this.on !== this.rule.initial)
				this.set(this.rule.initial === true);
			return;
		}
		if (this.settled) {
			this.keep(message);
			return;
		}
		const settings = await this.settings();
		if (!settings || this.settled)
			return; /* the host is away: the next time */
		this.settled = true;
		const wanted = settings.autoLog ?? this.rule.initial;
		if (wanted !== null && wanted !== this.on)
			this.set(wanted);
		else if (settings.autoLog === null)
			this.keep({ ...message, autoLog: this.on });
	}
}
