/* editor - the note of one call to be read and changed, what became of it, and the
 * choice where somebody else saved meanwhile. */

import { element, words } from './dom.js';

const SAYS = {
	saved: '', typed: 'Not saved yet. It is kept in this browser.', saving: 'Saving …',
	waiting: 'It cannot be saved now. The text is kept here, and saved as soon as it can be.',
	conflict: '',
};
/* Where the browser keeps nothing. */
const SAYS_UNKEPT = {
	typed: 'Not saved yet, and this browser cannot keep it.',
	waiting: 'It cannot be saved now, and this browser cannot keep the text. It is saved as '
		+ 'soon as it can be: leave this page open.',
};

export class Editor {
	constructor(note, notes) {
		Object.assign(this, { note, notes });
		this.text = element('textarea', { id: 'note', rows: 5, dir: 'auto',
			'aria-describedby': 'note-state', on: {
				input: () => notes.type(note, this.text.value),
				keydown: (event) => {
					if (event.key === 'Enter' && (event.ctrlKey || event.metaKey))
						this.save();
				},
			} });
		this.state = element('p', { id: 'note-state', role: 'status' });
		this.saving = this.button('Save note', () => this.save(), 'primary');
		this.saving.setAttribute('aria-keyshortcuts', 'Control+Enter');
		this.discarding = this.button('Discard changes', () => {
			notes.discard(note);
			this.text.focus();
		});
		this.choice = element('div', { class: 'conflict', role: 'alert' });
		this.element = element('section', { class: 'editor', 'aria-labelledby': 'note-label' },
			element('h3', {}, element('label', { for: 'note', id: 'note-label' }, 'Note')),
			this.text, this.choice,
			element('div', { class: 'buttons' }, this.saving, this.discarding, this.state));
		this.show();
	}

	button(label, click, look) {
		return element('button', { type: 'button', class: look, on: { click } }, label);
	}

	save() {
		if (this.note.isTyped && !['saving', 'conflict'].includes(this.note.state))
			this.notes.save(this.note);
	}

	show() {
		const { state, text, why, isKept } = this.note;
		if (this.text.value !== text)
			this.text.value = text;
		const before = this.element.dataset.state;
		this.element.dataset.state = state;
		this.saving.textContent = state === 'waiting' ? 'Try now' : 'Save note';
		/* Not `disabled`: that would lose the focus of who has just pressed it. */
		this.saving.setAttribute('aria-disabled', ['saved', 'saving', 'conflict'].includes(state));
		this.saving.hidden = state === 'conflict';
		this.discarding.hidden = !['typed', 'waiting', 'refused'].includes(state);
		const says = state === 'refused' ? `Not saved: ${why}`
			: state === 'saved' && before === 'saving' ? 'Saved.'
				: (isKept ? null : SAYS_UNKEPT[state]) ?? SAYS[state];
		if (before !== state || this.saysKept !== isKept)
			this.state.textContent = says;
		this.saysKept = isKept;
		this.showChoice();
	}

	showChoice() {
		const { theirs } = this.note;
		this.choice.hidden = !theirs;
		if (this.chosenOf === theirs)
			return;
		this.chosenOf = theirs;
		if (!theirs) {
			this.choice.replaceChildren();
			return;
		}
		const choose = (choice) => () => {
			this.notes.resolve(this.note, choice);
			this.text.focus();
		};
		this.choice.replaceChildren(
			element('p', {}, element('strong', {}, 'Somebody else changed this note meanwhile.'),
				' Nothing is lost: choose what it shall be. Your text stands above, theirs is:'),
			theirs.note ? words(theirs.note, { class: 'theirs' })
				: element('em', { class: 'theirs' }, 'No note: it was removed.'),
			element('div', { class: 'buttons' },
				this.button('Save mine', choose('mine'), 'primary'),
				this.button('Take theirs', choose('theirs')),
				this.button('Join both', choose('both'))));
	}
}
