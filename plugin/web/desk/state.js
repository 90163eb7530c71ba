/* state - how it stands between this page and the host: one line, and below it what a
 * person has to look at: what the host refused for good, that nobody or somebody else
 * is signed in now. */

import { arrange, element, words } from './dom.js';
import { addressOf } from './list.js';
import { momentOf } from './words.js';

const WORDS = {
	unknown: 'Connecting …', online: 'Connected', away: 'The host cannot be reached',
	busy: 'Connected; the database is away', 'signed-out': 'Signed out',
	'other-agent': 'Somebody else is signed in',
};
const SIGN_IN = {
	'signed-out': 'Nobody is signed in at the host any more. What you type is kept here.',
	'other-agent': 'Somebody else is signed in now, in another tab perhaps. These calls are no '
		+ 'longer yours to see or change. What you typed is kept for you.',
};

export class State {
	/* line: the element of the words; notices: for what stands below. */
	constructor(line, notices) {
		Object.assign(this, { line, notices, bridge: 'unknown', answers: 'ok', waiting: 0,
			durable: true, aside: [], problems: [] });
		this.refused = element('section', { class: 'notice bad', 'aria-label': 'Set aside' });
		this.sign = element('p', { class: 'notice wait', role: 'alert' });
		this.show();
	}

	/* The detail of call-log:state. */
	told({ host, waiting, durable = true }) {
		Object.assign(this, { bridge: host, waiting, durable });
		this.show();
	}

	/* What became of the page's own last question. */
	heard(kind) {
		this.answers = kind === 'refused' ? 'ok' : kind;
		this.show();
	}

	/* The detail of call-log:aside. */
	keeps({ list }) {
		this.aside = list;
		this.show();
	}

	/* The detail of call-log:problem. Most of these are among what is set aside. */
	problem({ sessionId, message, note }) {
		if (this.aside.some((one) => one.sessionId === sessionId && one.message === message))
			return;
		this.problems = [{ sessionId, message, note, at: Date.now() }, ...this.problems];
		this.show();
	}

	get kind() {
		return this.answers === 'ok' || this.answers === 'busy' && this.bridge !== 'online'
			? this.bridge : this.answers;
	}

	show() {
		const { kind, waiting } = this;
		const text = WORDS[kind] + (waiting === 0 ? ''
			: waiting === 1 ? '; 1 event waits in this browser'
				: `; ${waiting} events wait in this browser`)
			+ (waiting && !this.durable ? ', which forgets them with this page' : '');
		this.line.parentElement.dataset.kind = kind;
		if (this.line.textContent !== text)
			this.line.textContent = text;
		this.showSign(SIGN_IN[kind]);
		this.showProblems();
		arrange(this.notices, [SIGN_IN[kind] && this.sign,
			this.shown !== '[]' && this.refused].filter(Boolean));
	}

	showSign(text) {
		if (text && this.sign.firstChild?.data !== `${text} `)
			this.sign.replaceChildren(`${text} `, element('button',
				{ type: 'button', on: { click: () => location.reload() } }, 'Load the page anew'));
	}

	showProblems() {
		const all = [...this.problems, ...this.aside];
		const as = JSON.stringify(all);
		if (as === this.shown)
			return;
		this.shown = as;
		this.refused.replaceChildren(
			element('h2', {}, 'Refused by the host, and set aside in this browser'),
			element('ul', {}, ...all.map((problem) => this.problemItem(problem))));
	}

	forget(id) {
		document.dispatchEvent(new CustomEvent('call-log:forget', { detail: { id } }));
	}

	problemItem({ id, sessionId, message, at, note }) {
		return element('li', {},
			at ? element('time', { datetime: new Date(at).toISOString() }, `${momentOf(at)}: `) : '',
			words(message),
			note ? element('p', { class: 'text', dir: 'auto' }, note) : '', ' ',
			sessionId ? element('a', { href: addressOf(sessionId) }, 'The call') : '', ' ',
			id === undefined ? '' : element('button', { type: 'button',
				on: { click: () => this.forget(id) } }, 'Forget it'));
	}
}
