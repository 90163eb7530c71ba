/* clock - the simulated phone's time: it runs with the browser's, or is held and
 * moved by a test. Every wait of the phone goes through it. It is not the time of
 * the page around the phone. */
export class Clock {
	#offset = 0; // ahead of the browser's clock
	#held = null; // the moment at which it stands, or null
	#timers = []; // by due time, then by order of making
	#wake = null;
	#order = 0;

	/* at: the moment at which it stands from the start; without, it runs. */
	constructor(at = null) {
		this.#held = at;
	}

	now() {
		return this.#held ?? Date.now() + this.#offset;
	}

	get held() {
		return this.#held !== null;
	}

	/* Calls back after that many milliseconds; returns what cancel() takes. */
	after(ms, callback) {
		const timer = { due: this.now() + ms, order: this.#order++, callback };
		this.#timers.push(timer);
		this.#timers.sort((a, b) => a.due - b.due || a.order - b.order);
		this.#plan();
		return timer;
	}

	cancel(timer) {
		this.#timers = this.#timers.filter((other) => other !== timer);
	}

	sleep(ms) {
		return new Promise((done) => this.after(ms, done));
	}

	/* Stops time; timers wait until advance() or run(). */
	hold() {
		this.#held ??= this.now();
		this.#plan();
	}

	/* Lets time flow on from where it stands. */
	run() {
		if (this.#held === null)
			return;
		this.#offset = this.#held - Date.now();
		this.#held = null;
		this.#plan();
	}

	/* Moves time forward, firing what becomes due in order and each at its own
	 * moment. `before` is awaited before each of these steps, so that answers
	 * under way in real time may come in first. */
	async advance(ms, before = async () => {}) {
		const flowing = this.#held === null;
		this.hold();
		const end = this.#held + ms;
		await before();
		while (this.#timers.length && this.#timers[0].due <= end) {
			const timer = this.#timers.shift();
			this.#held = Math.max(this.#held, timer.due);
			timer.callback();
			await turn();
			await before();
		}
		this.#held = end;
		if (flowing)
			this.run();
	}

	#plan() {
		clearTimeout(this.#wake);
		if (this.#held !== null || !this.#timers.length)
			return;
		const wait = Math.max(0, this.#timers[0].due - this.now());
		this.#wake = setTimeout(() => this.#fire(), Math.min(wait, 60_000));
	}

	#fire() {
		while (this.#held === null && this.#timers[0]?.due <= this.now())
			this.#timers.shift().callback();
		this.#plan();
	}
}

/* Lets everything run that is ready to. */
export function turn() {
	return new Promise((done) => setTimeout(done, 0));
}
