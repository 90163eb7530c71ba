/* main - starts the simulated phone in its frame. The address may say who it is:
 * ?agent=Dana%20Agent&number=%2B14155550101&extension=101, whether auto log is on
 * for a new agent (defaultAutoLogCallEnabled=1) and that nobody is signed in yet
 * (login=0). */
import { Clock } from './clock.mjs';
import { Exchange } from './exchange.mjs';
import { Phone } from './phone.mjs';
import { Simulation } from './simulation.mjs';
import { Store } from './store.mjs';
import { View } from './view.mjs';

const asked = new URLSearchParams(location.search);
const extension = asked.get('extension') || '101';
const me = {
	name: asked.get('agent') || 'Dana Agent',
	number: asked.get('number') || '+14155550101',
	extension,
	extensionId: String(62_288_000_000 + [...extension].reduce(
		(sum, digit) => sum * 11 + digit.codePointAt(0), 0) % 1_000_000),
};

/* A browser may keep nothing for a frame of another site. */
function storage() {
	try {
		return window.localStorage;
	} catch {
		return null;
	}
}

const clock = new Clock();
const store = new Store(extension, storage());
const exchange = new Exchange(clock, store, me);
const phone = new Phone({ clock, exchange, store,
	// to whoever embeds it, as the real widget does; alone it is its own parent
	post: (message) => window.parent.postMessage(message, '*'),
	options: { me, defaultAutoLog: asked.get('defaultAutoLogCallEnabled') === '1' } });
const simulation = new Simulation({ phone, exchange, store, clock });
window.simulation = simulation;

window.addEventListener('message', ({ data }) => {
	if (data && typeof data === 'object')
		phone.receive(data);
});
window.addEventListener('storage', ({ key }) => store.changed(key));
window.addEventListener('focus', () => phone.becomeMain());
window.addEventListener('pagehide', () => phone.leave());

phone.becomeMain();
new View({ phone, simulation, clock });
if (asked.get('login') !== '0')
	phone.login();
