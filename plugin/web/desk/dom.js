/* dom - elements from data. Text goes in as text only, so that nothing a caller, a
 * contact or a note is called can become markup. */

/* attributes: name to value; false, null and undefined leave it out, true makes it
 * empty; `on` is a Map-like object of listeners. Children: nodes, texts, nothing. */
export function element(name, attributes = {}, ...children) {
	const made = document.createElement(name);
	for (const [key, value] of Object.entries(attributes)) {
		if (key === 'on')
			Object.entries(value).forEach(([type, hear]) => made.addEventListener(type, hear));
		else if (value !== false && value !== null && value !== undefined)
			made.setAttribute(key, value === true ? '' : value);
	}
	made.append(...children.filter((child) => child !== null && child !== undefined
		&& child !== false));
	return made;
}

/* One of the symbols at the head of index.html. */
export function icon(name) {
	const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
	const use = document.createElementNS('http://www.w3.org/2000/svg', 'use');
	svg.setAttribute('class', 'icon');
	svg.setAttribute('aria-hidden', 'true');
	use.setAttribute('href', `#icon-${name}`);
	svg.append(use);
	return svg;
}

/* Text of people: in any script, in its own direction, whatever stands around it. */
export function words(text, attributes = {}) {
	return element('bdi', { dir: 'auto', ...attributes }, text);
}

export function number(text) {
	return element('bdi', { dir: 'ltr', class: 'number' }, text);
}

/* For those who cannot see it only. */
export function unseen(text) {
	return element('span', { class: 'unseen' }, text);
}

/* Makes these the children of parent, in this order, and moves none that is in its
 * place already: what moves would lose the focus. */
export function arrange(parent, children) {
	const wanted = new Set(children);
	for (const child of [...parent.children])
		if (!wanted.has(child))
			child.remove();
	children.forEach((child, i) => {
		if (parent.children[i] !== child)
			parent.insertBefore(child, parent.children[i] ?? null);
	});
}

function urlOf(address) {
	try {
		return new URL(address);
	} catch {
		return null;
	}
}

/* A link to an address that a message named, if it is one of the web; else its text. */
export function linkTo(address, label) {
	const url = urlOf(address);
	return url && /^https?:$/.test(url.protocol)
		? element('a', { href: url.href, target: '_blank', rel: 'noopener noreferrer' }, label)
		: words(address);
}
