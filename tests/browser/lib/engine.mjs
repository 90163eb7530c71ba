/* engine - the simulated phone without a browser: its parts in plain Node, on a held
 * clock, with a service that answers at once. For tests of what it sends and when.
 *
 *   const phone = engine({ start: ms, autoLog: true });
 *   phone.replies['/callLogger/match'] = (body) => ({ data: {} });   undefined: silence
 *   phone.register({ ... });  phone.simulation.ring();  await phone.advance(5_000);
 *   phone.sent            [{ at, message }], `at` counted from `start`
 */
import { webcrypto } from 'node:crypto';
import { Clock } from '../../../plugin/web/phone/clock.mjs';
import { Exchange } from '../../../plugin/web/phone/exchange.mjs';
import { Phone } from '../../../plugin/web/phone/phone.mjs';
import { Simulation } from '../../../plugin/web/phone/simulation.mjs';
import { Store } from '../../../plugin/web/phone/store.mjs';

globalThis.crypto ??= webcrypto; // as Debian's Node lacks it

/* The paths that the captured services registered. */
export const SERVICE = { name: 'Recorder', callLoggerPath: '/callLogger',
	callLogEntityMatcherPath: '/callLogger/match', contactMatchPath: '/contacts/match',
	callLogPageInputChangedEventPath: '/callLogger/inputChanged' };

export const DANA = { name: 'Dana Agent', number: '+14155550101', extension: '101',
	extensionId: '62288329016' };

/* area: what an earlier phone kept, for a reload: engine({ area: before.area }). */
export function engine({ start = 1_795_301_000_000, autoLog = false, area = {},
	login = true, me = DANA } = {}) {
	const clock = new Clock(start);
	const store = new Store(me.extension, storageOf(area));
	const exchange = new Exchange(clock, store, me);
	const self = {
		clock, exchange, store, area, sent: [],
		replies: {
			'/callLogger': () => ({ data: 'ok' }),
			'/callLogger/match': () => ({ data: {} }),
			'/contacts/match': () => ({ data: {} }),
			'/callLogger/inputChanged': () => ({ data: 'ok' }),
		},
		register(members = {}) {
			self.receive({ type: 'rc-adapter-register-third-party-service',
				service: { ...SERVICE, ...members } });
			return self.simulation.settled();
		},
		receive(message) {
			self.phone.receive(structuredClone(message));
		},
		advance(ms, options = { settle: false }) {
			return self.simulation.advance(ms, options);
		},
		/* Forgets what was sent; `at` counts from here. */
		mark() {
			self.sent.length = 0;
			self.zero = clock.now();
		},
		/* The sent messages of that path, or of that type. */
		of(name) {
			return self.sent.map(({ message }) => message)
				.filter(({ path, type }) => path === name || type === name);
		},
		zero: start,
	};
	const post = (message) => {
		self.sent.push({ at: clock.now() - self.zero, message: structuredClone(message) });
		const reply = self.replies[message.path]?.(message.body);
		if (reply !== undefined)
			Promise.resolve(reply).then((response) => self.receive(
				{ type: 'rc-post-message-response', responseId: message.requestId, response }));
	};
	self.phone = new Phone({ clock, exchange, store, post,
		options: { me, defaultAutoLog: autoLog } });
	self.simulation = new Simulation({ phone: self.phone, exchange, store, clock });
	if (login)
		self.phone.login();
	return self;
}

/* What a Storage is to the phone, over a plain object. */
function storageOf(area) {
	return new Proxy(area, {
		get: (_, name) => ({
			getItem: (key) => area[key] ?? null,
			setItem: (key, value) => { area[key] = value; },
			removeItem: (key) => { delete area[key]; },
		})[name] ?? area[name],
	});
}
