#!/usr/bin/env node
/* Several tabs of one agent, several agents on one call, agents who take turns in one
 * browser; and what changes elsewhere reaches the phone. */
import assert from 'node:assert/strict';
import { away, Crm, row, said, answer, signedIn, start } from './lib/crm.mjs';
import { done, test, until } from './lib/tap.mjs';

const { stand } = await start({ phone: { defaultAutoLogCallEnabled: 1 },
	plugin: { auto_log: 'agent_on', backfill: false } });
const dana = await signedIn(stand, 'dana');
const streams = [];
dana.context.on('request', (request) => {
	if (new URL(request.url()).pathname === '/widget/events')
		streams.push(request.frame().page());
});
const first = await Crm.open(stand, dana);
const second = await Crm.open(stand, dana);

async function note(id, text, agent = 'dana') {
	await stand.sql(`SELECT call_log.set_note('', '${agent}', '${id}', '${text}')`);
}
const shows = (crm, id, text) => until(`the note ${text}`, async () =>
	(await crm.entries(id))?.[0]?.note === text);

await test('two tabs of one agent log each call once, and both show it', async () => {
	const id = await second.play('answered');
	await second.marked(id);
	await first.phone.do('sync');
	await first.marked(id);
	assert.equal(await row(stand, id, 'count(*), min(outcome)'), '1|answered');
	await first.page.bringToFront();
	await first.phone.use(second.phone);
	const other = await first.play('missed');
	await first.marked(other);
	assert.equal(await row(stand, other, 'count(*)'), '1');
	assert.ok((await second.heard('logged')).some(({ sessionIds }) => sessionIds.includes(other)));
});

await test('a note that somebody changes elsewhere comes to both, over one stream', async () => {
	const { sessionId: id } = (await first.phone.state()).history[0];
	await note(id, 'from SQL');
	await shows(first, id, 'from SQL');
	await shows(second, id, 'from SQL');
	assert.equal(new Set(streams).size, 1);
});

await test('another tab takes the stream over when that one is closed', async () => {
	const { sessionId: id } = (await first.phone.state()).history[0];
	const [holder] = streams;
	const [left, gone] = holder === first.page ? [second, first] : [first, second];
	await gone.page.close();
	await until('its stream', () => streams.at(-1) === left.page);
	await note(id, 'to the other');
	await shows(left, id, 'to the other');
	await left.phone.do('focus');
	Object.assign(first, left);
});

await test('what changed while the host was away is asked again when it is back', async () => {
	away(dana);
	const { sessionId: id } = (await first.phone.state()).history[0];
	await stand.stopHost();
	await first.is({ host: 'online' });
	await note(id, 'behind its back');
	await stand.startHost();
	await shows(first, id, 'behind its back');
	await note(id, 'and again');
	await shows(first, id, 'and again');
});

await test('what changed while no page was open is asked again', async () => {
	away(dana);
	const { sessionId: id } = (await first.phone.state()).history[0];
	await first.page.goto('about:blank');
	await note(id, 'nobody looked');
	await first.page.goto(stand.url('/crm'));
	await first.ready();
	await shows(first, id, 'nobody looked');
	await first.page.goto('about:blank');
	await note(id, 'nor then');
	await stand.stopHost();
	await stand.startHost();
	await first.page.goto(stand.url('/crm'));
	await first.ready();
	await shows(first, id, 'nor then');
});

await test('two agents on one call have a row and a note each', async () => {
	const sam = await signedIn(stand, 'sam');
	const crm = await Crm.open(stand, sam);
	const id = await first.phone.do('ring', { sessionId: '4400001', number: '+12025550143' });
	await crm.phone.do('ring', { sessionId: '4400001', number: '+12025550143' });
	for (const one of [first, crm]) {
		await one.phone.clock('hold');
		await one.phone.do('answer', id);
		await one.phone.do('hangUp', id);
		await one.advance(40_000);
		await one.marked(id);
	}
	await note(id, 'for dana');
	await note(id, 'for sam', 'sam');
	await shows(first, id, 'for dana');
	await shows(crm, id, 'for sam');
	assert.equal(await stand.sql(`SELECT string_agg(agent, ',' ORDER BY agent) FROM call_log.calls
		WHERE session_id = '${id}'`), 'dana,sam');
	await sam.close();
});

await test('of agents who take turns in one browser none gets what is the other\'s', async () => {
	dana.allow(/Failed to load resource/);
	const { phone } = first;
	/* one of dana alone, and not among those that any registration asks anew */
	await phone.do('remember', 40);
	const known = (await phone.state()).history.at(-1).sessionId;
	await phone.do('log', known);
	await phone.do('note', 'first of dana');
	await phone.do('save');
	await shows(first, known, 'first of dana');
	const sent = [];
	const listen = (request) => request.method() === 'POST' && sent.push(request.postDataJSON());
	let end = await answer(dana, '/widget/messages', said(503, 'busy'));
	await phone.do('log', known);
	await phone.do('note', 'of dana');
	await phone.do('save');
	await until('the note to wait', async () => (await first.state()).waiting === 1);
	/* the session changes under the open page, which learns it by a 409 */
	await stand.signIn(dana, 'sam');
	dana.context.on('request', listen);
	await end();
	await until('the other agent', async () => (await first.heard('ready')).at(-1).agent === 'sam');
	await until('the phone', async () => (await phone.state()).authorizedAccount === 'sam');
	await first.is({ host: 'online', waiting: 0 });
	await until('the marks of sam', async () => (await first.entries(known)).length === 0);
	const id = await first.play('missed');
	await first.marked(id);
	assert.equal(await row(stand, id, 'agent', 'sam'), 'sam');
	assert.equal(await row(stand, known, 'count(*)', 'sam'), '0');
	assert.equal(await row(stand, id, 'count(*)', 'dana'), '0');
	assert.ok(sent.every(({ expected_agent: agent, message }) =>
		agent === 'sam' || message.body.note === 'of dana' || !message.body.note));
	/* with the host away sam gets nothing of what is known of dana's calls */
	end = await answer(dana, '/widget/messages', said(503, 'busy'));
	await first.reload();
	await first.phone.frame.evaluate((ids) => window.postMessage(
		{ type: 'rc-adapter-trigger-call-logger-match', sessionIds: ids }, '*'), [known, id]);
	await first.phone.do('settled');
	assert.equal((await first.entries(known)).length, 0);
	await end();
	await stand.signIn(dana, 'dana');
	await first.reload();
	await first.is({ host: 'online', waiting: 0 });
	await until('the note', async () => await row(stand, known, 'note') === 'of dana');
	await shows(first, known, 'of dana');
	dana.context.off('request', listen);
});
await done();
