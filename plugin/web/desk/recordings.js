/* recordings - what became of each recording of a call, in words: one that is to be had
 * is never silently missing. */

import { element, linkTo, words } from './dom.js';
import { momentOf } from './words.js';

const MB = 1 << 20;

function sizeOf(bytes) {
	return bytes < MB / 10 ? `${Math.ceil(bytes / 1024)} kB` : `${(bytes / MB).toFixed(1)} MB`;
}

/* What is told of one, by its state: [word, what follows]. */
const TOLD = {
	stored: (r) => ['stored', `${sizeOf(r.bytes)}, ${momentOf(r.storedAt)}`],
	fetching: (r) => ['being fetched', `since ${momentOf(r.stateAt)}`],
	waiting: (r) => ['waiting', `since ${momentOf(r.stateAt)}`],
	expired: () => ['expired', 'the phone service has it no more'],
	refused: () => ['failed', 'it is not fetched from where it lies'],
	failed: () => ['failed', null],
};

function itemOf(recording) {
	const [state, more] = (TOLD[recording.state] ?? (() => [recording.state, null]))(recording);
	return element('li', { 'data-recording': recording.id, 'data-state': recording.state },
		element('span', {}, state), more ? element('span', { class: 'soft' }, ` ${more}`) : null,
		recording.error ? element('span', { class: 'soft' }, ': ', words(recording.error)) : null);
}

/* The recordings of a call; null when it has none. */
export function recordingsOf(call) {
	const { recordings = [], recordingLink } = call;
	const isHere = recordings.some(({ state }) => state === 'stored');
	const parts = [
		recordings.length ? element('ul', { class: 'recordings' }, ...recordings.map(itemOf)) : null,
		recordingLink ? linkTo(recordingLink,
			isHere ? 'At the phone service' : 'Listen to the recording') : null,
	].filter((part) => part !== null);
	return parts.length ? parts : null;
}
