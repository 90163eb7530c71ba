/* wait - promises and time. */

export const pause = (ms, signal) => new Promise((resolve) => {
	const timer = setTimeout(resolve, ms);
	signal?.addEventListener('abort', () => { clearTimeout(timer); resolve(); }, { once: true });
});

/* What the promise resolves to, or after that time what late() says. */
export function within(ms, promise, late = () => undefined) {
	let timer;
	const over = new Promise((resolve, reject) => {
		timer = setTimeout(() => {
			try {
				resolve(late());
			} catch (error) {
				reject(error);
			}
		}, ms);
	});
	return Promise.race([promise, over]).finally(() => clearTimeout(timer));
}
