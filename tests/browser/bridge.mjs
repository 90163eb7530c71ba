#!/usr/bin/env node
/* The page bridge between the simulated phone and the host, with everything real. */
import assert from 'node:assert/strict';
import { Agent } from './lib/chromium.mjs';
import { Phone } from './lib/phone.mjs';
import { Stand } from './lib/stand.mjs';
import { done, test, until } from './lib/tap.mjs';

const stand = await Stand.start();
const dana = await Agent.open();
await stand.signIn(dana, 'dana');
const page = await dana.page();
await page.goto(stand.url('/'));
const phone = await Phone.of(page);

await test('the widget is registered', async () => {
	await until('the service', async () => (await phone.state()).ready);
});
await test('a call is logged', async () => {
	await phone.autoLog?.(true);
	await phone.do('autoLog', true);
	await phone.do('play', 'missed');
	await until('the row', async () =>
		await stand.sql("SELECT count(*) FROM call_log.calls WHERE agent = 'dana'"
			+ " AND outcome = 'missed'") === '1');
});
done();
