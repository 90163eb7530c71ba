/* view - shows the phone and its calls, and turns clicks into what the agent or the
 * simulation does. Everything foreign goes into the page as text. It holds no state
 * but what is being typed. */
import { SCENARIOS } from './scenarios.mjs';

const STATUS = { Ringing: 'Ringing', CallConnected: 'Connected', OnHold: 'On hold',
	ParkedCall: 'Parked', Disconnected: 'Ended' };

const by = (id) => document.getElementById(id);

/* An element: h('button', { type: 'button', onclick }, 'text', more elements). */
function h(tag, members = {}, ...content) {
	const element = document.createElement(tag);
	for (const [name, value] of Object.entries(members)) {
		if (name.startsWith('on'))
			element.addEventListener(name.slice(2), value);
		else if (value !== false && value !== undefined && value !== null)
			element.setAttribute(name, value === true ? '' : value);
	}
	element.append(...content.filter((part) => part !== null));
	return element;
}

export class View {
	#phone;
	#simulation;
	#clock;
	#due = false;
	#pressed = false;
	#shown = new Map(); // list => the rows as last drawn

	constructor({ phone, simulation, clock }) {
		this.#phone = phone;
		this.#simulation = simulation;
		this.#clock = clock;
		this.#wire();
		this.#watchPresses();
		phone.watch(() => this.#soon());
		setInterval(() => this.#tick(), 1_000);
		this.draw();
	}

	/* However much changes at once, it is drawn once; and not under a finger, since a
	 * button that is drawn anew between press and release is not clicked. */
	#soon() {
		if (this.#due)
			return;
		this.#due = true;
		requestAnimationFrame(() => {
			this.#due = false;
			if (!this.#pressed)
				this.draw();
		});
	}

	#watchPresses() {
		const press = () => { this.#pressed = true; };
		const release = () => {
			this.#pressed = false;
			this.#soon();
		};
		for (const name of ['pointerdown', 'keydown'])
			window.addEventListener(name, press, true);
		for (const name of ['pointerup', 'pointercancel', 'keyup'])
			window.addEventListener(name, release, true);
		window.addEventListener('blur', release); // of the window: elsewhere it does not come
	}

	#wire() {
		const simulation = this.#simulation;
		const given = () => {
			const number = by('number').value.trim();
			return number ? { number, name: by('name').value.trim() } : {};
		};
		by('make').addEventListener('submit', (event) => {
			event.preventDefault();
			simulation.ring(given());
		});
		by('dial').addEventListener('click', () => simulation.dial(given()));
		by('scenarios').append(...Object.entries(SCENARIOS).map(([name, { label }]) =>
			h('button', { type: 'button', id: `play-${name}`,
				onclick: () => simulation.play(name) }, label)));
		by('login').addEventListener('click', () => this.#phone.loggedIn
			? simulation.logout() : simulation.login());
		by('auto-log').addEventListener('change', (event) =>
			simulation.autoLog(event.target.checked));
		by('authorize').addEventListener('click', () => simulation.authorize());
		by('log').addEventListener('submit', (event) => {
			event.preventDefault();
			simulation.save();
			this.#say('Saved.');
		});
		by('cancel').addEventListener('click', () => simulation.cancel());
		by('form').addEventListener('cancel', (event) => {
			event.preventDefault();
			simulation.cancel();
		});
	}

	#say(text) {
		by('said').textContent = text;
	}

	/* ----------------------------------------------------------------- drawing */

	draw() {
		const phone = this.#phone;
		by('who').textContent = phone.me.name;
		by('login-state').textContent = phone.loggedIn
			? `${phone.me.number} · ${phone.me.extension}` : 'signed out';
		by('login').textContent = phone.loggedIn ? 'Sign out' : 'Sign in';
		const { active, ended, history } = this.#simulation.state();
		const live = [...active, ...ended].filter(({ sessionId }, i, all) =>
			all.findIndex((other) => other.sessionId === sessionId) === i);
		this.#list(by('active'), live.map((row) => this.#live(row)));
		this.#list(by('history'), history.slice(0, 100).map((row) => this.#past(row)));
		by('no-active').hidden = live.length > 0;
		by('no-history').hidden = history.length > 0;
		this.#drawSettings();
		this.#drawForm();
		this.#tick();
	}

	/* Draws only the rows that changed, and leaves the focus where it was. */
	#list(list, rows) {
		const before = this.#shown.get(list) ?? new Map();
		const focused = document.activeElement?.dataset?.key;
		const now = new Map(rows.map(({ key, text, make }) => {
			const old = before.get(key);
			return [key, old?.text === text ? old : { text, element: make() }];
		}));
		list.replaceChildren(...[...now.values()].map(({ element }) => element));
		this.#shown.set(list, now);
		if (focused && document.activeElement?.dataset?.key !== focused)
			list.querySelector(`[data-key="${CSS.escape(focused)}"]`)?.focus();
	}

	#row(row, extra, make) {
		const { call } = this.#phone.look(row.sessionId);
		const { service } = this.#phone;
		const text = JSON.stringify([row, extra, call.fromName, call.toName, call.from, call.to,
			call.fromMatches, call.toMatches, call.toNumberEntity, service]);
		return { key: row.sessionId, text, make: () => make(call) };
	}

	#live(row) {
		return this.#row(row, row.status, (call) => h('li', { 'data-session': row.sessionId },
			this.#top(call, h('span', { class: 'when', 'data-since': row.status
				? call.startTime : null })),
			h('p', { class: 'muted' },
				h('span', { class: `mark ${row.status ?? ''}` },
					STATUS[row.status ?? 'Disconnected']), ' ', this.#mark(row)),
			h('div', { class: 'row' }, ...this.#controls(row, call)),
			h('div', { class: 'row' }, ...this.#logButtons(row, true))));
	}

	#controls({ sessionId, status, direction }) {
		const button = (label, act, kind) => h('button', { type: 'button', class: kind,
			'data-key': `${label}-${sessionId}`,
			onclick: () => this.#simulation[act](sessionId) }, label);
		if (!status)
			return [];
		const end = button('Hang up', 'hangUp', 'danger');
		if (status === 'Ringing' && direction === 'Inbound')
			return [button('Answer', 'answer', 'primary'), button('Reject', 'reject', 'danger'),
				button('To voicemail', 'voicemail'), button('Caller gives up', 'giveUp')];
		if (status === 'Ringing')
			return [button('They answer', 'answer', 'primary'),
				button('Nobody answers', 'giveUp'), end];
		const hold = status === 'CallConnected' ? button('Hold', 'hold')
			: button('Resume', 'resume');
		return [hold, status === 'ParkedCall' ? null : button('Park', 'park'), end]
			.filter(Boolean);
	}

	#past(row) {
		return this.#row(row, null, (call) => h('li', { 'data-session': row.sessionId },
			this.#top(call, h('time', { class: 'when',
				datetime: new Date(call.startTime).toISOString() }, clockTime(call.startTime))),
			h('div', { class: 'under' }, `${call.direction} · ${call.result} · `
				+ `${minutes(call.duration)} `, this.#mark(row)),
			this.#contactPick(row, call),
			h('div', { class: 'row' }, ...this.#logButtons(row, false))));
	}

	#top(call, when) {
		const inbound = call.direction === 'Inbound';
		const number = (side) => side.phoneNumber || side.extensionNumber || '';
		const [match] = inbound ? call.fromMatches : call.toMatches;
		const name = match?.name || (inbound ? call.fromName : call.toName);
		const other = number(inbound ? call.from : call.to);
		return h('div', { class: 'top' },
			h('span', { 'aria-hidden': 'true' }, inbound ? '↙' : '↗'),
			h('span', { class: 'unseen' }, inbound ? 'Incoming' : 'Outgoing'),
			h('span', {}, h('bdi', { class: 'name' }, name || other || 'Anonymous'), ' ',
				h('span', { class: 'under number' }, name && name !== other ? other : '')), when);
	}

	#mark({ logged, message, entries }) {
		if (message)
			return h('span', { class: `mark ${entries.find(({ type }) =>
				type === 'status').status ?? ''}` }, message);
		return h('span', { class: `mark ${logged ? 'logged' : ''}` },
			logged ? '✓ Logged' : 'Not logged');
	}

	#logButtons({ sessionId, logged, entries }, active) {
		const { service } = this.#phone;
		if (!service?.callLoggerPath)
			return [];
		const pending = !active && entries.some(({ type, status }) => type === 'status'
			&& status === 'pending');
		const hidden = logged && !active && service.callLoggerHideEditLogButton;
		const button = (key, label, onclick) => h('button', { type: 'button',
			'data-key': `${key}-${sessionId}`, disabled: pending && key === 'log', onclick },
		label);
		return [
			hidden ? null : button('log', logged ? 'Edit log'
				: service.callLoggerTitle || 'Log call', () => this.#simulation.log(sessionId)),
			logged && !active ? button('view', 'View log details',
				() => this.#simulation.view(sessionId)) : null,
			...(active ? [] : (service.buttons ?? []).filter(({ type }) => type === 'callAction')
				.map(({ id, label }) => button(`extra-${id}`, label,
					() => this.#simulation.press(sessionId, id)))),
		].filter(Boolean);
	}

	#contactPick({ sessionId }, call) {
		const list = call.direction === 'Inbound' ? call.fromMatches : call.toMatches;
		if (list.length < 2)
			return null;
		return h('select', { 'aria-label': 'Contact', 'data-key': `pick-${sessionId}`,
			onchange: (event) => this.#simulation.pick(sessionId, event.target.value) },
		h('option', { value: '' }, 'Several contacts match'),
		...list.map(({ id, name }) => h('option', { value: id,
			selected: id === call.toNumberEntity }, name)));
	}

	/* How long each active call lasts. */
	#tick() {
		for (const element of document.querySelectorAll('[data-since]'))
			element.textContent = minutes(
				Math.max(0, Math.round((this.#clock.now() - element.dataset.since) / 1000)));
	}

	/* ---------------------------------------------------------------- settings */

	#drawSettings() {
		const { service, authorized, authorizedAccount, ready, autoLog } = this.#phone;
		by('service').textContent = service
			? service.displayName || service.name : 'No page has registered a service.';
		by('sign-in').hidden = !service?.authorizationPath;
		by('account').textContent = authorized ? authorizedAccount : 'Not signed in';
		by('authorize').textContent = authorized
			? service?.authorizedTitle || 'Sign out' : service?.unauthorizedTitle || 'Sign in';
		by('auto').hidden = !ready || Boolean(service.callLoggerAutoLogSettingHidden);
		by('auto-log').checked = autoLog;
		by('auto-log').disabled = Boolean(service?.callLoggerAutoSettingReadOnly);
		by('auto-label').textContent = service?.callLoggerAutoSettingLabel
			|| 'Log all calls automatically';
		by('auto-description').textContent = [service?.callLoggerAutoSettingDescription,
			service?.callLoggerAutoSettingReadOnly
				&& service.callLoggerAutoSettingReadOnlyReason].filter(Boolean).join(' ');
		by('auto-warning').textContent = service?.callLoggerAutoSettingWarning ?? '';
	}

	/* -------------------------------------------------------------------- form */

	#formShown = null;

	#drawForm() {
		const form = this.#phone.form.open;
		const key = form && `${form.sessionId} ${JSON.stringify(form.page)}`;
		if (key === this.#formShown) {
			this.#refill(form);
			return;
		}
		this.#formShown = key;
		if (!form) {
			by('form').close();
			return;
		}
		const { call } = this.#phone.look(form.sessionId);
		by('form-title').textContent = form.page?.title || this.#phone.service.callLoggerTitle
			|| 'Log call';
		by('form-call').textContent = `${call.direction} · ${call.fromName ?? ''} → `
			+ `${call.toName ?? ''}`;
		const contacts = [...call.fromMatches, ...call.toMatches].map(
			({ id, name }) => ({ const: id, title: name }));
		const properties = form.page?.schema?.properties ?? {
			note: { type: 'string', title: 'Note' },
			...(contacts.length && { contactId: { title: 'Contact',
				oneOf: [{ const: '', title: 'Nobody' }, ...contacts] } }) };
		by('fields').replaceChildren(...Object.entries(properties).map(
			([name, schema]) => this.#field(name, schema, form)));
		if (!by('form').open)
			by('form').showModal();
		by('fields').querySelector('input, select, textarea')?.focus();
	}

	/* What was typed by a script shows, too. */
	#refill(form) {
		for (const input of by('fields').querySelectorAll('textarea, input:not([type])')) {
			const text = String(form?.data[input.name] ?? '');
			if (input.value !== text)
				input.value = text;
		}
	}

	#field(name, schema, form) {
		const value = form.data[name];
		const change = (event) => this.#phone.form.input(name,
			event.target.type === 'checkbox' ? event.target.checked
				: schema.type === 'number' ? Number(event.target.value) : event.target.value);
		const members = { id: `field-${name}`, name, oninput: change };
		const long = name === 'note'
			|| form.page?.uiSchema?.[name]?.['ui:widget'] === 'textarea';
		let input;
		if (schema.oneOf)
			input = h('select', members, ...schema.oneOf.map((choice) => h('option',
				{ value: choice.const, selected: choice.const === value }, choice.title)));
		else if (schema.type === 'boolean')
			input = h('input', { ...members, type: 'checkbox', checked: Boolean(value) });
		else
			input = h(long ? 'textarea' : 'input', { ...members,
				required: form.page?.schema?.required?.includes(name) });
		if (!schema.oneOf && schema.type !== 'boolean')
			input.value = value ?? '';
		return h('label', {}, `${schema.title ?? name} `, input);
	}
}

function minutes(seconds) {
	return `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, '0')}`;
}

function clockTime(ms) {
	return new Date(ms).toLocaleTimeString([], { hour: '2-digit', minute: '2-digit' });
}
