/* clock - the host's time, and the moment of each event in it. Agents' PCs are wrong
 * by minutes; which event of a call came first is decided by these moments, so they
 * are stamped once, here, and in host time. */

const CALLS_MAX = 200;
/* The clock of the PC is slewed by less in a day. */
const SET_MS = 1000;
const KEPT = 'call-log-moments';

/* The tab remembers over a reload, when the offset is learned anew and may come out
 * a little different. */
function recall() {
	try {
		return JSON.parse(sessionStorage.getItem(KEPT) ?? '[]');
	} catch {
		return [];
	}
}

export class Clock {
	constructor() {
		this.offset = 0; /* host minus here, ms */
		this.trust();
		this.last = new Map(recall()); /* call -> its latest moment */
	}

	/* The host said its clock stands at hostNow, asked and answered at these local
	 * times; halfway between is the best guess of when it looked. */
	learn(hostNow, askedAt, answeredAt) {
		if (Number.isFinite(hostNow))
			this.offset = hostNow - (askedAt + answeredAt) / 2;
		this.trust();
	}

	/* Goes on with the clock as it stands. */
	trust() {
		this.began = Date.now() - performance.now();
	}

	/* Whether somebody has set it since; or the PC slept, which looks the same. */
	get wasSet() {
		return Math.abs(Date.now() - performance.now() - this.began) > SET_MS;
	}

	/* The moment, in host time, of what was posted at that local time; later than
	 * any moment given to that call before. */
	stamp(call, postedAt) {
		const earliest = (this.last.get(call) ?? -Infinity) + 1;
		const moment = Math.max(Math.round(postedAt + this.offset), earliest);
		this.last.delete(call);
		this.last.set(call, moment);
		if (this.last.size > CALLS_MAX)
			this.last.delete(this.last.keys().next().value);
		this.remember();
		return moment;
	}

	remember() {
		try {
			sessionStorage.setItem(KEPT, JSON.stringify([...this.last]));
		} catch {
			/* Then a reload within the inexactness of the offset may show. */
		}
	}
}

/* When the browser received a message, by the local clock: the page may have been
 * busy since. */
export function postedAt(event) {
	return Date.now() - Math.max(0, performance.now() - event.timeStamp);
}
