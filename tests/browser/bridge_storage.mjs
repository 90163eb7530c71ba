#!/usr/bin/env node
/* The browser's own failings: a wrong clock, no IndexedDB, one that hangs, an outbox
 * that is full. */
import assert from 'node:assert/strict';
import { away, Crm, row, signedIn, start } from './lib/crm.mjs';
import { done, test, until } from './lib/tap.mjs';

const { stand } = await start({ phone: { defaultAutoLogCallEnabled: 1 },
	plugin: { auto_log: 'agent_on', backfill: false } });

async function crmWith(script, given) {
	const agent = await signedIn(stand, 'dana');
	if (script)
		await agent.context.addInitScript(script, given);
	const sent = [];
	agent.context.on('request', (request) => {
		if (request.method() === 'POST')
			sent.push(request.postDataJSON());
	});
	return { agent, sent, crm: await Crm.open(stand, agent) };
}

const wrongClock = (ms) => {
	const now = Date.now.bind(Date);
	Date.now = () => now() + ms;
};

for (const hours of [-30, 5])
	await test(`a PC clock that is ${hours} hours wrong does not show, also after a reload`, async () => {
		const { agent, sent, crm } = await crmWith(wrongClock, hours * 3600_000);
		const before = Date.now();
		const id = await crm.phone.do('ring');
		await until('the row', async () => await row(stand, id, 'count(*)') === '1');
		away(agent);
		await stand.stopHost();
		await crm.phone.do('answer', id);
		await crm.is({ host: 'away' });
		await crm.reload();
		await crm.phone.do('hold', id);
		await crm.phone.do('resume', id);
		await until('the events to wait', async () => (await crm.state()).waiting >= 3);
		await stand.startHost();
		await crm.is({ host: 'online', waiting: 0 });
		await crm.phone.do('hangUp', id);
		await until('the end', async () => await row(stand, id, 'state') === 'ended'
			|| await row(stand, id, 'state') === 'final');
		const moments = new Map(sent.filter(({ message }) => message.path === '/callLogger')
			.map(({ sent_at: at, message }) => [message.requestId, at]));
		assert.ok(moments.size >= 5);
		const inOrder = [...moments.values()];
		assert.ok(inOrder.every((at, i) => i === 0 || at > inOrder[i - 1]), String(inOrder));
		assert.ok(inOrder.every((at) => at > before - 2_000 && at < Date.now() + 2_000),
			`${before} ${inOrder}`);
		await agent.close();
	});

const settableClock = () => {
	const now = Date.now.bind(Date);
	window.set = 0;
	Date.now = () => now() + window.set;
};
for (const minutes of [-60, 5])
	await test(`a PC clock that is set by ${minutes} minutes meanwhile does not show`, async () => {
		const { agent, sent, crm } = await crmWith(settableClock);
		const before = Date.now();
		await crm.page.evaluate((ms) => { window.set = ms; }, minutes * 60_000);
		const id = await crm.phone.do('ring');
		await until('the row', async () => await row(stand, id, 'state') === 'ringing');
		await crm.phone.do('answer', id);
		await until('the answer', async () => await row(stand, id, 'state') === 'connected');
		const moments = sent.filter(({ message }) => message.path === '/callLogger')
			.map(({ sent_at: at }) => at);
		assert.equal(moments.length, 2);
		assert.ok(moments[0] < moments[1], String(moments));
		assert.ok(moments.every((at) => at > before - 2_000 && at < Date.now() + 2_000),
			`${before} ${moments}`);
		await agent.close();
	});

const noStorage = () => {
	IDBFactory.prototype.open = () => { throw new DOMException('no', 'SecurityError'); };
};
const hungStorage = () => {
	IDBFactory.prototype.open = () => new EventTarget();
};
for (const [what, script] of [['keeps nothing', noStorage], ['hangs', hungStorage]])
	await test(`where the storage of the browser ${what} all works from memory, and it says so`, async () => {
		const { agent, crm } = await crmWith(script);
		await crm.is({ host: 'online', durable: false });
		const known = await crm.play('missed');
		await crm.marked(known);
		await crm.watchMarks();
		away(agent);
		await stand.stopHost();
		const id = await crm.play('missed');
		await crm.phone.do('log', known);
		await crm.phone.do('note', 'from memory');
		await crm.phone.do('save');
		await crm.phone.do('settled');
		assert.ok((await crm.state()).waiting > 0);
		assert.equal((await crm.entries(known))[0].note, 'from memory');
		/* of a page that was touched, a browser asks before it goes */
		await crm.page.mouse.click(1, 1);
		const asked = crm.page.waitForEvent('dialog');
		await crm.page.close({ runBeforeUnload: true });
		assert.equal((await asked).type(), 'beforeunload');
		await (await asked).dismiss();
		await stand.startHost();
		await crm.is({ host: 'online', waiting: 0 });
		await crm.marked(id);
		assert.equal(await row(stand, id), 'final|missed');
		assert.equal(await row(stand, known, 'note'), 'from memory');
		assert.deepEqual(await crm.lostMarks(), []);
		await agent.close();
	});

await test('a full outbox says so, has room for notes, and still loses nothing', async () => {
	const { agent, crm } = await crmWith();
	const known = await crm.play('missed');
	await crm.marked(known);
	away(agent);
	await stand.stopHost();
	/* what some other tab, that lives, has waiting */
	await crm.page.evaluate(async () => {
		navigator.locks.request('call-log-tab:other', () => new Promise(() => {}));
		const db = await new Promise((opened) => {
			indexedDB.open('call-log').onsuccess = ({ target }) => opened(target.result);
		});
		const outbox = db.transaction('outbox', 'readwrite').objectStore('outbox');
		for (let i = 0; i < 9_000; i++)
			outbox.add({ owner: '["","dana"]', tab: 'other', call: `x${i}`, session: `x${i}`,
				sentAt: 1, message: {} });
		await new Promise((done) => { outbox.transaction.oncomplete = done; });
		db.close();
	});
	const id = await crm.play('missed');
	assert.match((await crm.heard('problem')).at(-1).message, /outbox .* is full/);
	const told = (await crm.heard('problem')).length;
	await crm.phone.do('log', known);
	await crm.phone.do('note', 'there is room');
	await crm.phone.do('save');
	await until('the note', async () => (await crm.entries(known))[0].note === 'there is room');
	assert.equal((await crm.heard('problem')).length, told);
	await stand.startHost();
	await crm.is({ host: 'online', waiting: 0 });
	await crm.marked(id);
	assert.equal(await row(stand, id), 'final|missed');
	assert.equal(await row(stand, known, 'note'), 'there is room');
});

await test('a note that a closed tab left is not taken for the latest one', async () => {
	const agent = await signedIn(stand, 'dana');
	const page = await agent.page();
	await page.clock.install();
	await page.goto(stand.url('/crm'));
	const crm = Object.assign(new Crm(), { page });
	await crm.ready();
	const id = await crm.play('missed');
	await crm.marked(id);
	away(agent);
	await stand.stopHost();
	await crm.phone.do('log', id);
	await crm.phone.do('note', 'the latest');
	await crm.phone.do('save');
	await until('it to wait', async () => (await crm.state()).waiting === 1);
	/* what this tab finds later, and is older */
	await page.evaluate(async (id) => {
		const db = await new Promise((opened) => {
			indexedDB.open('call-log').onsuccess = ({ target }) => opened(target.result);
		});
		const { transaction } = db.transaction('outbox', 'readwrite').objectStore('outbox').add({
			owner: '["","dana"]', tab: 'gone', call: id, session: id, save: true,
			sentAt: Date.now() - 60_000, message: { type: 'rc-post-message-request',
				requestId: 'older', path: '/callLogger', body: { triggerType: 'logForm',
					note: 'older', formData: { note: 'older' }, call: { sessionId: id,
						direction: 'Inbound', from: {}, to: {}, result: 'Missed',
						action: 'Phone Call', startTime: Date.now() - 90_000, duration: 0 } } } });
		await new Promise((done) => { transaction.oncomplete = done; });
		db.close();
	}, id);
	await crm.pass(31_000);
	await crm.is({ waiting: 2 });
	await crm.phone.do('log', id);
	await crm.phone.do('settled');
	assert.equal((await crm.entries(id))[0].note, 'the latest');
	await stand.startHost();
	await crm.pass(20_000);
	await crm.is({ host: 'online', waiting: 0 });
	assert.equal(await row(stand, id, 'note'), 'the latest');
});
await done();
