#!/usr/bin/env node
/* The simulated phone in real Chromium, in a frame of another origin: what it shows,
 * what its buttons do, that it lives through reloads and in several tabs. What it
 * sends is compared in phone_captured*.mjs and phone_rules.mjs. */
import assert from 'node:assert/strict';
import { Agent } from './lib/chromium.mjs';
import { Phone } from './lib/phone.mjs';
import { PHONE_CSP, Server } from './lib/server.mjs';
import { done, test, until } from './lib/tap.mjs';

const phones = await Server.ofPhone();
const NASTY = '<script>alert(1)</script><img src=x onerror=alert(2)> $1 " \' & مريم';

const results = async (phone) => (await phone.events()).map(({ call }) => call.result);
const button = (phone, name) => phone.frame.getByRole('button', { name, exact: true });

/* A phone in a browser of its own, on a held clock. */
async function fresh(options) {
	const agent = await Agent.open();
	const phone = await Phone.inRecorder(agent, phones, options);
	await phone.clock('hold');
	await phone.do('settled');
	return [agent, phone];
}

await test('it says that it is a simulation, and who the agent is', async () => {
	const [agent, phone] = await fresh({ agent: 'Sam <b>Agent</b>', extension: '102' });
	await phone.frame.getByText('Simulated phone', { exact: true }).waitFor();
	await phone.frame.getByText('Sam <b>Agent</b>').waitFor();
	assert.notEqual(new URL(phone.frame.url()).origin, new URL(phone.page.url()).origin);
	const [login] = (await phone.messages());
	assert.equal(login.type, 'rc-login-status-notify');
	assert.equal(login.loginNumber, '+14155550101*102');
	await agent.close();
});

await test('a call made with the buttons alone reaches the page in order', async () => {
	const [agent, phone] = await fresh({ defaultAutoLogCallEnabled: 1 });
	await phone.frame.getByLabel('Number').fill('+16505550123');
	await phone.frame.getByLabel('Name').fill('Ada');
	for (const [name, result] of [['Incoming call', 'Ringing'], ['Answer', 'CallConnected'],
		['Hold', 'OnHold'], ['Resume', 'CallConnected'], ['Hang up', 'Disconnected']]) {
		await button(phone, name).click();
		await until(`the event ${result}`, async () =>
			(await results(phone)).at(-1) === result);
	}
	await phone.do('advance', 5_000);
	assert.deepEqual(await results(phone), ['Ringing', 'CallConnected', 'OnHold',
		'CallConnected', 'Disconnected', 'Accepted']);
	const messages = await phone.messages();
	assert.deepEqual(messages, (await phone.traffic()).filter(({ way }) => way === 'out')
		.map(({ message }) => message), 'the page got what the phone sent');
	await agent.close();
});

await test('everything works by keyboard, and redrawing leaves the focus alone', async () => {
	const [agent, phone] = await fresh({ defaultAutoLogCallEnabled: 1 });
	const { keyboard } = phone.page;
	await phone.frame.getByLabel('Number').focus();
	await keyboard.type('+16505550123');
	await keyboard.press('Enter');
	await button(phone, 'Answer').focus();
	await keyboard.press('Enter');
	await button(phone, 'Hang up').waitFor();
	await button(phone, 'Hold').focus();
	await phone.reply('/callLogger/match', { data: {} });
	await phone.do('ring', { number: '+16505550124' });
	await button(phone, 'Answer').waitFor();
	assert.equal(await phone.frame.evaluate(() => document.activeElement.textContent), 'Hold');
	await keyboard.press('Space');
	await button(phone, 'Resume').waitFor();
	await agent.close();
});

await test('what is pressed while something else changes is not lost', async () => {
	const [agent, phone] = await fresh();
	const { keyboard, mouse } = phone.page;
	const id = await phone.do('ring');
	const drawn = () => phone.frame.evaluate(() => new Promise((done) => {
		requestAnimationFrame(() => requestAnimationFrame(done));
	}));
	await button(phone, 'Answer').hover();
	await mouse.down();
	await phone.reply('/callLogger/match', { data: { [id]: [{ id: '1' }] } });
	await phone.send({ type: 'rc-adapter-trigger-call-logger-match', sessionIds: [id] });
	await phone.do('settled');
	await drawn();
	await mouse.up();
	await phone.frame.getByText('✓ Logged').waitFor();
	await button(phone, 'Hold').focus();
	await keyboard.down('Space');
	await phone.do('ring', { number: '+16505550124' });
	await drawn();
	await keyboard.up('Space');
	await button(phone, 'Resume').waitFor();
	await agent.close();
});

await test('the log form takes typing key by key, is cancelled by Escape, saved once',
	async () => {
		const [agent, phone] = await fresh({ register: { showLogModal: true,
			callLoggerTitle: 'Log to desk',
			callLogPageInputChangedEventPath: '/callLogger/inputChanged' } });
		await phone.do('remember', 1);
		await phone.do('settled');
		await button(phone, 'Log to desk').click();
		const note = phone.frame.getByLabel('Note');
		await note.waitFor();
		await phone.page.keyboard.type('gone');
		await phone.page.keyboard.press('Escape');
		await note.waitFor({ state: 'hidden' });
		assert.deepEqual(await phone.events(), []);
		await button(phone, 'Log to desk').click();
		await note.waitFor();
		await phone.page.keyboard.type('Prix: 価格 – $1');
		await button(phone, 'Save').click();
		await phone.do('settled');
		const [event, ...more] = await phone.events();
		assert.deepEqual([event.triggerType, event.note, more],
			['logForm', 'Prix: 価格 – $1', []]);
		const typed = (await phone.messages())
			.filter(({ path }) => path === '/callLogger/inputChanged')
			.map(({ body }) => body.formData.note);
		assert.deepEqual(typed.slice(0, 6), ['g', 'go', 'gon', 'gone', 'P', 'Pr']);
		await agent.close();
	});

await test('in the form one of several contacts is picked', async () => {
	const [agent, phone] = await fresh({ register: { showLogModal: true } });
	await phone.reply('/contacts/match', { data: { '+16505550123': [
		{ id: 'c-1', name: 'Acme One', type: 'CRM' }, { id: 'c-2', name: 'Acme Two' }] } });
	await phone.do('ring', { number: '+16505550123' });
	await phone.do('settled');
	await button(phone, 'Log call').click();
	await phone.frame.getByRole('dialog').getByLabel('Contact').selectOption('Acme Two');
	await button(phone, 'Save').click();
	const [{ formData, fromEntity }] = await until('the event', async () => {
		const events = await phone.events();
		return events.length && events;
	});
	assert.deepEqual([formData, fromEntity], [{ note: '', contactId: 'c-2' }, null]);
	await agent.close();
});

await test('whatever a caller or a service is called is shown as text', async () => {
	const [agent, phone] = await fresh({ register: { displayName: NASTY, callLoggerTitle: NASTY,
		callLoggerAutoSettingLabel: NASTY, callLoggerAutoSettingDescription: NASTY,
		callLoggerAutoSettingWarning: NASTY, authorizationPath: '/authorize',
		authorized: true, authorizedAccount: NASTY, authorizedTitle: NASTY } });
	await phone.do('remember', [{ number: '+16505550123', name: NASTY,
		startTime: Date.now() - 3600_000 }]);
	const { history: [{ sessionId }] } = await phone.state();
	await phone.reply('/callLogger/match', { data: { [sessionId]:
		[{ type: 'status', status: NASTY, message: NASTY }] } });
	const contact = (id) => ({ id, name: NASTY, type: NASTY });
	await phone.reply('/contacts/match', { data: { '+16505550124': [contact('1'),
		contact('2')] } });
	await phone.send({ type: 'rc-adapter-trigger-call-logger-match', sessionIds: [sessionId] });
	await phone.do('ring', { number: '+16505550124', name: NASTY });
	await phone.do('settled');
	await phone.frame.locator('#active').getByText(NASTY).first().waitFor();
	assert.ok(await phone.frame.getByText(NASTY).count() >= 8);
	assert.equal(await phone.frame.locator('img, script:not([src]), b').count(), 0);
	await agent.close();
});

await test('a reload forgets the service, and keeps calls, marks and the auto-log switch',
	async () => {
		const [agent, phone] = await fresh();
		await phone.do('remember', 3);
		const { history } = await phone.state();
		const [{ sessionId }] = history;
		await phone.reply('/callLogger/match', { data: { [sessionId]: [{ id: '1' }] } });
		await phone.send({ type: 'rc-adapter-trigger-call-logger-match',
			sessionIds: [sessionId] });
		await phone.do('settled');
		await phone.frame.getByRole('switch').check();
		const ringing = await phone.do('ring');
		await phone.do('settled');
		await phone.page.reload();
		const again = await Phone.of(phone.page);
		assert.equal((await again.state()).service, null);
		await again.register({});
		await until('auto log to be told', async () => (await again.messages()).some(
			({ type, autoLog }) => type === 'rc-callLogger-auto-log-notify' && autoLog));
		await again.do('settled');
		const state = await again.state();
		assert.deepEqual(state.history.map(({ logged }) => logged), [true, false, false]);
		assert.deepEqual(state.active.map((call) => call.sessionId), [ringing]);
		assert.equal((await again.messages()).some(
			({ path }) => path === '/callLogger/match'), false, 'nothing is asked again');
		await again.do('reset');
		await again.page.reload();
		assert.deepEqual((await (await Phone.of(phone.page)).state()).history, []);
		await agent.close();
	});

await test('all tabs see a call, the one last used logs it, a click logs in any', async () => {
	const agent = await Agent.open();
	const options = { defaultAutoLogCallEnabled: 1 };
	const first = await Phone.inRecorder(agent, phones, options);
	const second = await Phone.inRecorder(agent, phones, options);
	for (const phone of [first, second])
		await until('the service', async () => (await phone.state()).ready);
	await second.use(first);
	const id = await first.do('ring');
	await until('the call in the other tab', async () =>
		(await second.state()).active.length === 1);
	await until('the event', async () => (await second.events()).length === 1);
	assert.deepEqual(await first.events(), []);
	assert.ok((await first.messages()).some(({ type }) => type === 'rc-active-call-notify'));
	await first.use(second);
	await second.do('answer', id);
	await until('the event', async () => (await first.events()).length === 1);
	assert.deepEqual(await results(second), ['Ringing']);
	await second.do('log', id);
	assert.deepEqual((await second.events()).map(({ triggerType }) => triggerType),
		['presenceUpdate', 'createLog']);
	await second.page.close();
	await first.do('hangUp', id);
	await until('the last event', async () => (await results(first)).at(-1) === 'Disconnected');
	await agent.close();
});

await test('with auto log read-only or hidden the agent cannot change it', async () => {
	const [agent, phone] = await fresh({ register: { callLoggerAutoSettingReadOnly: true,
		callLoggerAutoSettingReadOnlyValue: true,
		callLoggerAutoSettingReadOnlyReason: 'Set by the administrator.' } });
	const toggle = phone.frame.getByRole('switch');
	await toggle.waitFor();
	assert.deepEqual([await toggle.isDisabled(), await toggle.isChecked()], [true, true]);
	await phone.frame.getByText('Set by the administrator.').waitFor();
	await phone.register({ callLoggerAutoLogSettingHidden: true });
	await toggle.waitFor({ state: 'hidden' });
	await agent.close();
});

await test('the edit button can be hidden, and a pending status bars another log',
	async () => {
		const [agent, phone] = await fresh({ register: { callLoggerHideEditLogButton: true } });
		await phone.do('remember', 2);
		const [logged, pending] = (await phone.state()).history;
		await phone.reply('/callLogger/match', { data: { [logged.sessionId]: [{ id: '1' }],
			[pending.sessionId]: [{ type: 'status', status: 'pending', message: 'Waiting' }] } });
		await phone.send({ type: 'rc-adapter-trigger-call-logger-match',
			sessionIds: [logged.sessionId, pending.sessionId] });
		await button(phone, 'View log details').waitFor();
		assert.equal(await button(phone, 'Edit log').count(), 0);
		assert.equal(await button(phone, 'Log call').isDisabled(), true);
		await phone.frame.getByText('Waiting').waitFor();
		await agent.close();
	});

await test('adapter.js makes the frame, asks it, and rejects after five seconds',
	async () => {
		const agent = await Agent.open();
		const crm = await Server.start({
			csp: `default-src 'none'; script-src ${phones.origin}; frame-src ${phones.origin}`,
			pages: { '/': '<!DOCTYPE html><title>CRM</title><body>'
				+ `<script src="${phones.url('adapter.js?agent=Lee')}"></script>` } });
		const page = await agent.page();
		await page.clock.install();
		await page.goto(crm.url(''));
		const phone = await Phone.of(page);
		await phone.frame.getByText('Lee', { exact: true }).waitFor();
		await phone.do('remember', 3);
		const first = await page.evaluate(() => window.RCAdapter.getUnloggedCalls(2, 1));
		assert.deepEqual([first.calls.length, first.hasMore], [2, true]);
		assert.deepEqual(await page.evaluate(() =>
			window.RCAdapter.getCallLog({ sessionId: 'none' })), { call: null });
		await page.evaluate(() => {
			document.querySelector('iframe').contentWindow.postMessage({
				type: 'rc-adapter-register-third-party-service', service: { name: 'Silent',
					callLoggerPath: '/log', callLogEntityMatcherPath: '/match' } }, '*');
			window.asked = window.RCAdapter.getUnloggedCalls().catch((error) => error.message);
		});
		await page.clock.fastForward(5_000);
		assert.equal(await page.evaluate(() => window.asked), 'Time out');
		await agent.close();
	});

await test('it fits a narrow and a wide page, in the light and in the dark', async () => {
	const agent = await Agent.open();
	const page = await agent.page();
	const server = await Server.start({ csp: PHONE_CSP, folders: { '/': 'plugin/web/phone' } });
	await page.goto(server.url('app.html'));
	await page.evaluate((name) => {
		const { simulation } = window;
		simulation.clock.hold();
		simulation.remember(5);
		simulation.ring({ number: '+16505550123', name });
		simulation.answer(simulation.ring());
		document.querySelector('details').open = true;
		// its own parent, the page stands in for a service
		const [logged, failed] = simulation.state().history;
		window.addEventListener('message', ({ data }) => data.path === '/match'
			&& window.postMessage({ type: 'rc-post-message-response', responseId: data.requestId,
				response: { data: { [logged.sessionId]: [{ id: '1', note: 'Ordered 3 – 3 個' }],
					[failed.sessionId]: [{ type: 'status', status: 'failed',
						message: 'The CRM was away' }] } } }));
		window.postMessage({ type: 'rc-adapter-register-third-party-service', service: {
			name: 'Desk', callLoggerPath: '/log', callLogEntityMatcherPath: '/match',
			showLogModal: true, callLoggerTitle: 'Log to the desk',
			callLoggerAutoSettingDescription: 'Every call is logged when it ends.',
			callLoggerAutoSettingWarning: 'Ask before you switch it off.',
			authorizationPath: '/authorize', authorized: true,
			authorizedAccount: 'dana@example.test' } });
	}, NASTY.repeat(2));
	await page.getByText('The CRM was away').waitFor();
	await page.setViewportSize({ width: 320, height: 600 });
	assert.ok(await page.evaluate(() => document.documentElement.scrollWidth
		<= document.documentElement.clientWidth), 'nothing is wider than the page');
	await agent.shot(page, 'phone');
	await page.getByRole('button', { name: 'Edit log' }).click();
	await page.getByRole('dialog').waitFor();
	await agent.shot(page, 'phone-form');
	await agent.close();
});

await done();
