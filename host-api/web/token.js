/* token - takes the live token of the agent's login out of messages. The widget puts
 * it into addresses of recordings, and those into addresses; nothing here needs it,
 * and it may reach neither the disk nor the host. */

/* One character as it is, or percent-encoded, once or again and again. */
const encoded = (codes) => `%(?:25)*(?:${codes})`;

const NAME = `access(?:[_-]|${encoded('5F|2D')})?token`;
const LEFT = `([?&]|${encoded('3F|26')})?`;
const END = '&#\\s"\'<>';
/* An encoded parameter ends where an encoded separator is; within a plain one such a
 * thing is part of the value. */
const PLAIN = new RegExp(`${LEFT}${NAME}=[^${END}]*(&)?`, 'gi');
const ENCODED = new RegExp(`${LEFT}${NAME}${encoded('3D')}`
	+ `(?:(?!${encoded('26|23|20|22')})[^${END}])*(${encoded('26')}|&)?`, 'gi');
const NAMED = new RegExp(NAME, 'i');
const PASSES = 8; /* what is left of one may be another */

function strip(text) {
	/* Of the separators on either side one stays if something follows. */
	const one = (whole, left = '', right = '') => right ? left : '';
	let before;
	for (let pass = 0; pass < PASSES && text !== before; pass++) {
		before = text;
		text = text.replace(PLAIN, one).replace(ENCODED, one);
	}
	return text;
}

/* A copy without tokens, as JSON would carry it. */
export function withoutTokens(message) {
	return JSON.parse(JSON.stringify(message, (key, value) => {
		if (NAMED.test(key))
			return undefined;
		return typeof value === 'string' && NAMED.test(value) ? strip(value) : value;
	}));
}
