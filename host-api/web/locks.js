/* locks - which of an agent's tabs does what only one needs to do. Browsers have Web
 * Locks on secure origins only; without, each tab works for itself, which costs the
 * host more and changes nothing else. */

/* Runs work() once this tab is the one, until the promise it returns is settled. */
export function whenAlone(name, work) {
	return navigator.locks ? navigator.locks.request(name, work) : work();
}

/* Runs work() now if no other tab is at it. */
export function ifAlone(name, work) {
	return navigator.locks
		? navigator.locks.request(name, { ifAvailable: true }, (lock) => lock && work())
		: work();
}

/* Shows, for as long as this tab lives, that it does. */
export function stayAlive(tab) {
	navigator.locks?.request(`call-log-tab:${tab}`, () => new Promise(() => {}));
}

/* The tabs that live; null where that cannot be known. */
export async function livingTabs() {
	if (!navigator.locks)
		return null;
	const { held, pending } = await navigator.locks.query();
	return new Set([...held, ...pending].map((lock) => lock.name)
		.filter((name) => name.startsWith('call-log-tab:'))
		.map((name) => name.slice('call-log-tab:'.length)));
}
