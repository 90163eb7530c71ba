/* player - the recordings of a call that are to be had here: to be played, sought in
 * and saved. It stays what it is while the call is shown anew, so that nothing stops
 * playing; and nothing is fetched before somebody wants to hear it, since who listens
 * is written down. */

import { arrange, element } from './dom.js';

export class Player {
	constructor() {
		this.made = new Map();
		this.title = element('h3');
		this.list = element('ul');
		this.element = element('section', { class: 'player', 'aria-label': 'Recordings' },
			this.title, this.list);
	}

	/* recordings: of a call, as the host tells of them. */
	show(recordings = []) {
		const stored = storedOf(recordings);
		const items = stored.map(({ id }, i) => {
			const item = this.made.get(id) ?? itemOf(id);
			const name = stored.length > 1 ? `recording ${i + 1}` : 'recording';
			item.querySelector('audio').setAttribute('aria-label', `The ${name}`);
			item.querySelector('a').textContent = `Save ${name}`;
			return item;
		});
		this.made = new Map(stored.map(({ id }, i) => [id, items[i]]));
		this.title.textContent = stored.length > 1 ? 'Recordings' : 'Recording';
		this.element.hidden = stored.length === 0;
		arrange(this.list, items);
	}

	/* As somebody has just asked for. */
	play() {
		const audio = this.element.querySelector('audio');
		audio.focus();
		/* What goes wrong is told by its events. */
		audio.play().catch(() => {});
	}
}

function storedOf(recordings) {
	return recordings.filter(({ state }) => state === 'stored');
}

function itemOf(id) {
	const address = `recordings/${encodeURIComponent(id)}`;
	const problem = element('p', { class: 'problem', role: 'alert' });
	const audio = element('audio', { controls: true, preload: 'none', src: address, on: {
		error: () => {
			problem.textContent = 'It cannot be played now. Perhaps it was erased, or the host is away.';
		},
		playing: () => {
			problem.textContent = '';
		},
	} });
	return element('li', {}, audio,
		element('p', {}, element('a', { href: address, download: true })), problem);
}

/* Where there is not room for a player of each: a button that becomes one; null
 * without a recording. of: whose, for those who do not see what stands beside it. */
export function listenButton(recordings, of) {
	if (storedOf(recordings).length === 0)
		return null;
	const button = element('button', { type: 'button', class: 'listen', 'aria-label': `Listen to ${of}`,
		on: { click: () => {
			const player = new Player();
			player.show(recordings);
			button.replaceWith(player.element);
			player.play();
		} } }, 'Listen');
	return button;
}
