#!/usr/bin/env node
/* The host is stopped in the middle of calls: nothing is lost, no mark vanishes, and
 * all is right once it is back, without anybody doing anything. */
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { away, Crm, row, signedIn, start } from './lib/crm.mjs';
import { done, test, until } from './lib/tap.mjs';

const OUTAGE = 20_000;
const memory = mkdtempSync(join(tmpdir(), 'call-log-'));
const { stand } = await start({ phone: { defaultAutoLogCallEnabled: 1 },
	plugin: { auto_log: 'agent_on', backfill: false, spool: join(memory, 'spool', 'spool.db') } });
const dana = await signedIn(stand, 'dana');
const crm = await Crm.open(stand, dana);

await test('twenty seconds without the host in the middle of two calls change nothing', async () => {
	const { phone } = crm;
	const before = [await crm.play('answered'), await crm.play('missed')];
	for (const id of before)
		await crm.marked(id);
	await phone.clock('run');
	const [first, second] = [await phone.do('ring'), await phone.do('dial')];
	await phone.do('answer', first);
	await until('the first rows', async () => await row(stand, first, 'state') !== ''
		&& await row(stand, second, 'state') !== '');
	await crm.watchMarks();
	away(dana);
	await stand.stopHost();
	const stopped = Date.now();
	await phone.do('answer', second);
	await phone.do('hold', first);
	await phone.do('resume', first);
	await phone.do('hangUp', first);
	await phone.do('log', before[1]);
	await phone.do('note', 'typed in the dark');
	await phone.do('save');
	const third = await phone.do('ring');
	await phone.do('hangUp', third, { ending: 'missed' });
	await crm.is({ host: 'away' });
	await until('the wait for the host', () => Date.now() - stopped > OUTAGE, OUTAGE + 5_000);
	await phone.do('hangUp', second);
	assert.ok((await crm.state()).waiting >= 7);
	await stand.startHost();
	await crm.is({ host: 'online', waiting: 0 });
	for (const [id, columns] of [[first, 'answered'], [second, 'answered'], [third, 'missed']]) {
		await until(`the row of ${id}`, async () => await row(stand, id) === `final|${columns}`);
		await crm.marked(id);
	}
	await until('the note', async () => (await crm.entries(before[1]))[0].note === 'typed in the dark');
	assert.equal(await row(stand, before[1], 'note'), 'typed in the dark');
	assert.deepEqual(await crm.lostMarks(), []);
	assert.equal(await stand.sql('SELECT count(*) FROM call_log.calls'), '5');
	/* also what the phone remembers is what the host says */
	const states = (await phone.state()).history.map(({ entries }) => entries.map(({ type }) => type));
	assert.ok(states.flat().every((type) => type !== 'status'), JSON.stringify(states));
});

await test('a note that waits is in the form, and a call that waits is marked as pending', async () => {
	const { phone } = crm;
	away(dana);
	await stand.stopHost();
	const id = await crm.play('missed');
	await until('the mark', async () => (await crm.entries(id))?.[0]?.status === 'pending');
	await phone.do('log', id);
	await phone.do('note', 'one');
	await phone.do('save');
	await until('the note', async () => (await crm.entries(id))[0].note === 'one');
	await stand.startHost();
	await crm.marked(id);
	assert.equal((await crm.entries(id))[0].note, 'one');
});

await test('a host that remembers nothing, while its database is away, takes no mark away', async () => {
	const { phone } = crm;
	away(dana);
	const id = await crm.play('missed');
	await crm.marked(id);
	await crm.watchMarks();
	await stand.stopDb();
	await stand.stopHost();
	rmSync(join(memory, 'spool'), { recursive: true });
	await stand.startHost();
	await crm.is({ host: 'online' });
	const answered = crm.page.waitForResponse((response) =>
		response.request().postData()?.includes('/callLogger/match'));
	await crm.page.evaluate((sessionIds) => document.querySelector('iframe').contentWindow.postMessage(
		{ type: 'rc-adapter-trigger-call-logger-match', sessionIds }, '*'), [id]);
	assert.deepEqual((await (await answered).json()).response.data, {});
	await phone.do('settled');
	assert.deepEqual(await crm.lostMarks(), []);
	assert.ok((await crm.entries(id))[0].id);
	await stand.startDb();
	await crm.marked(id);
});

rmSync(memory, { recursive: true });
await done();
