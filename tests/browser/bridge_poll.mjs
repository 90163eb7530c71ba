#!/usr/bin/env node
/* A host that cannot stream: the bridge asks for events, and any process of the host
 * can answer, since where it is stands in the database. */
import { away, Crm, signedIn, start } from './lib/crm.mjs';
import { done, test, until } from './lib/tap.mjs';

const { stand } = await start({ phone: { defaultAutoLogCallEnabled: 1 },
	host: { events: 'poll' }, plugin: { auto_log: 'agent_on', backfill: false } });
const dana = await signedIn(stand, 'dana');
let asked = 0;
dana.context.on('requestfinished', (request) => {
	if (new URL(request.url()).pathname === '/widget/events')
		asked++;
});
const crm = await Crm.open(stand, dana);
const id = await crm.play('missed');
await crm.marked(id);
await until('the first question', () => asked > 0);

const note = (text) => stand.sql(`SELECT call_log.set_note('', 'dana', '${id}', '${text}')`);
const shows = (text) => until(`the note ${text}`, async () =>
	(await crm.entries(id))[0].note === text);

await test('what changes elsewhere comes with the next answer', async () => {
	await crm.page.clock.install();
	await crm.reload();
	const before = asked;
	await until('the question of the new page', () => asked > before);
	await note('from SQL');
	await crm.pass(31_000);
	await shows('from SQL');
});

await test('a host that was started anew goes on where the old one was', async () => {
	away(dana);
	await stand.stopHost();
	await note('behind its back');
	await stand.startHost();
	await crm.pass(31_000);
	await shows('behind its back');
});
await done();
