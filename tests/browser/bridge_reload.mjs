#!/usr/bin/env node
/* Pages come and go while the host is away: reloaded, closed, of somebody else. And a
 * host that is there while its database is not. */
import assert from 'node:assert/strict';
import { away, Crm, PAGE, row, signedIn, start } from './lib/crm.mjs';
import { Phone } from './lib/phone.mjs';
import { done, test, until } from './lib/tap.mjs';

const { stand, phones } = await start({ phone: { defaultAutoLogCallEnabled: 1 },
	plugin: { auto_log: 'agent_on', backfill: false } });
const dana = await signedIn(stand, 'dana');
const crm = await Crm.open(stand, dana);

await test('a page reloaded while the host is away goes on as the same agent', async () => {
	away(dana);
	const before = await crm.play('missed');
	await crm.marked(before);
	await stand.stopHost();
	const [first] = [await crm.phone.do('ring')];
	await crm.advance(1_000);
	await crm.is({ host: 'away' });
	await until('the event to wait', async () => (await crm.state()).waiting > 0);
	await crm.reload();
	await crm.phone.clock('hold');
	await until('the outbox', async () => (await crm.state()).waiting > 0);
	await crm.phone.do('hangUp', first, { ending: 'missed' });
	await crm.advance(60_000);
	await crm.phone.do('log', before);
	await crm.phone.do('note', 'after the reload');
	await crm.phone.do('save');
	await crm.phone.do('settled');
	assert.equal((await crm.entries(before)).length, 1);
	await stand.startHost();
	await crm.is({ host: 'online', waiting: 0 });
	await crm.marked(first);
	await crm.marked(before);
	assert.equal(await row(stand, first), 'final|missed');
	assert.equal(await row(stand, before, 'note'), 'after the reload');
});

await test('a phone of somebody else is not registered before the host is back', async () => {
	away(dana);
	await stand.crmPage(dana, '/other', PAGE.replace('<script ', '<script data-frame="#phone" ')
		.replace('<div id="call-log-phone"></div>',
			`<iframe id="phone" src="${phones.url('app.html?number=%2B19995550100')}"></iframe>`));
	await stand.stopHost();
	const other = await Crm.open(stand, dana, { address: '/other', ready: false });
	other.phone = await Phone.of(other.page);
	await until('the bridge to know', async () => (await other.heard('state')).length > 0);
	await other.phone.do('settled');
	assert.equal((await other.phone.state()).ready, false);
	await stand.startHost();
	await other.ready();
	await other.page.close();
});

await test('what a closed tab left is sent by another', async () => {
	away(dana);
	const other = await Crm.open(stand, dana);
	await stand.stopHost();
	const id = await other.phone.do('ring');
	await other.advance(100);
	await until('the event to wait', async () => (await other.state()).waiting > 0);
	await other.page.close();
	await stand.startHost();
	await until('the row', async () => await row(stand, id, 'count(*)') === '1');
	await crm.is({ host: 'online', waiting: 0 });
});

await test('while the database is away nothing is un-logged, and then all is right', async () => {
	away(dana);
	dana.allow(/503/);
	const { phone } = crm;
	await phone.do('focus');
	await crm.watchMarks();
	await stand.stopDb();
	const id = await crm.play('missed');
	await until('any mark', async () => (await crm.entries(id))?.length > 0);
	const { history } = await phone.state();
	await phone.frame.evaluate((ids) => window.postMessage(
		{ type: 'rc-adapter-trigger-call-logger-match', sessionIds: ids }, '*'),
	history.map(({ sessionId }) => sessionId));
	await phone.do('settled');
	await stand.startDb();
	await until('the row', async () => await row(stand, id) === 'final|missed');
	await crm.marked(id);
	assert.deepEqual(await crm.lostMarks(), []);
});
await done();
