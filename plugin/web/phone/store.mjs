/* store - what outlives a reload: one JSON value a name, shared by all tabs of one
 * extension in one browser. Where the browser keeps nothing for us, or there is
 * none, it lasts as long as the page. */
export class Store {
	#prefix;
	#area;
	#listeners = [];

	/* area: a Storage, or null for memory alone. */
	constructor(extension, area) {
		this.#prefix = `simulated-phone/${extension}/`;
		this.#area = area ?? memory();
	}

	get(name, otherwise = null) {
		const text = this.#area.getItem(this.#prefix + name);
		return text === null ? otherwise : JSON.parse(text);
	}

	set(name, value) {
		this.#area.setItem(this.#prefix + name, JSON.stringify(value));
	}

	remove(name) {
		this.#area.removeItem(this.#prefix + name);
	}

	clear() {
		for (const key of Object.keys(this.#area))
			if (key.startsWith(this.#prefix))
				this.#area.removeItem(key);
	}

	/* Calls back with the name of what another tab changed. */
	watch(callback) {
		this.#listeners.push(callback);
	}

	/* To be called with the browser's storage events. */
	changed(key) {
		if (key?.startsWith(this.#prefix))
			for (const listener of this.#listeners)
				listener(key.slice(this.#prefix.length));
	}
}

function memory() {
	const area = {};
	const hide = (name, value) => Object.defineProperty(area, name, { value });
	hide('getItem', (key) => area[key] ?? null);
	hide('setItem', (key, value) => { area[key] = value; });
	hide('removeItem', (key) => { delete area[key]; });
	return area;
}
