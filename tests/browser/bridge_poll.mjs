#!/usr/bin/env node
/* A host that cannot stream: the bridge asks for events, and any process of the host
 * can answer, since where it is stands in the database. */
import { away, Crm, signedIn, start } from './lib/crm.mjs';
import { Media } from './lib/media.mjs';
import { done, test, until } from './lib/tap.mjs';

const media = await Media.start();
const { stand } = await start({ phone: { defaultAutoLogCallEnabled: 1 },
	host: { events: 'poll' }, plugin: { auto_log: 'agent_on', backfill: false, recordings: 'fetch',
		recordings_dir: `${media.folder}/recordings`, recording_hosts: ['localhost'],
		recording_ca: media.ca, recording_loopback: true } });
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

await test('what recordings the host wants is asked every minute', async () => {
	const state = () => stand.sql(`SELECT state FROM call_log.recordings WHERE session_id = '${id}'`);
	await crm.phone.do('record', id, { id: 'rec', type: 'Automatic', uri: 'https://x.test/',
		link: 'https://x.test/', contentUri: media.address('whole', id) });
	await crm.advance(10_000);
	await until('it to be stored', async () => await state() === 'stored');
	await stand.sql(`UPDATE call_log.recordings SET state = 'waiting', path = NULL,
		name = '2026-01/1-0', state_at = now() - interval '1 day' WHERE session_id = '${id}'`);
	await crm.pass(61_000);
	await until('a fresh address to come', async () => await state() === 'stored');
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
