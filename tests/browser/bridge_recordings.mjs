#!/usr/bin/env node
/* A host that fetches recordings: the bridge hands it their addresses while the token
 * in them lives, and looks for fresh ones when it is asked to. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { Crm, signedIn, start } from './lib/crm.mjs';
import { Media } from './lib/media.mjs';
import { done, test, until } from './lib/tap.mjs';

const TOKEN = 'SIMULATED-LIVE-TOKEN';
const media = await Media.start();
const folder = path.join(media.folder, 'recordings');
const { stand } = await start({ phone: { defaultAutoLogCallEnabled: 1 },
	plugin: { auto_log: 'agent_on', recordings: 'fetch', recordings_dir: folder,
		recording_hosts: ['localhost'], recording_ca: media.ca, recording_loopback: true } });
const dana = await signedIn(stand, 'dana');
const sent = [];
dana.context.on('request', (request) => {
	if (request.method() === 'POST')
		sent.push(request.postDataJSON().message);
});
const crm = await Crm.open(stand, dana);

/* A call whose record gets its recording later; the recording's id. */
async function recorded(behaviour) {
	const session = await crm.play('missed');
	const id = `r${session}`;
	await crm.phone.do('record', session, { id, type: 'Automatic', uri: 'https://x.test/',
		link: 'https://x.test/', contentUri: media.address(behaviour, session) });
	await crm.advance(10_000);
	return [id, session];
}
const state = (id) => stand.sql(`SELECT state FROM call_log.recordings WHERE recording_id = '${id}'`);
const stored = (id) => until(`${id} to be stored`, async () => await state(id) === 'stored'
	|| Promise.reject(new Error(await state(id))));
async function isWhole(id) {
	const name = await stand.sql(`SELECT path FROM call_log.recordings WHERE recording_id = '${id}'`);
	assert.ok(fs.readFileSync(path.join(folder, name)).equals(media.sound));
}

await test('the phone is asked for addresses with its token', async () => {
	assert.equal((await crm.phone.state()).service.recordingWithToken, true);
});

await test('a recording that comes late is fetched', async () => {
	const [id, session] = await recorded('whole');
	await stored(id);
	await isWhole(id);
	assert.deepEqual(media.requests(`whole/${session}`), ['live -']);
});

await test('when the token is over the phone is asked for a fresh address', async () => {
	const [id, session] = await recorded('denied');
	await stored(id);
	await isWhole(id);
	assert.equal(media.requests(`denied/${session}`).length, 2);
});

await test('what a page that has gone took with it is found by the next', async () => {
	const [id, session] = await recorded('whole');
	await stored(id);
	await stand.sql(`UPDATE call_log.recordings SET state = 'waiting', path = NULL,
		name = '2026-01/1-0', state_at = now() - interval '1 day' WHERE recording_id = '${id}'`);
	await crm.reload();
	await stored(id);
	await isWhole(id);
	assert.equal(media.requests(`whole/${session}`).length, 2);
});

await test('one that the phone gives no answer about does not keep the others', async () => {
	assert.deepEqual(await crm.page.evaluate(async () => {
		const { Recordings } = await import('/widget/recordings.js');
		const sent = [];
		const wanted = ['silent', 'there'].map((id) => ({ sessionId: id, recordingId: id }));
		await new Recordings({
			allowed: () => true,
			send: async ({ recordings }) => {
				sent.push(...recordings.map(({ recordingId }) => recordingId));
				return { value: { response: { data: { wanted } } } };
			},
			widget: { call: async (path, { sessionId }) => {
				if (sessionId === 'silent')
					throw new Error('timeout');
				return { call: { sessionId, recording: { id: sessionId,
					contentUri: 'https://x.test/?access_token=none' } } };
			} },
		}).find();
		return sent;
	}), ['there']);
});

await test('of many addresses no message is so large that a proxy puts it into a file', async () => {
	const { posts, all } = await crm.page.evaluate(async () => {
		const { Recordings } = await import('/widget/recordings.js');
		const { Host } = await import('/widget/host.js');
		const posts = [];
		const fetched = window.fetch;
		window.fetch = async (url, { body }) => {
			posts.push(body);
			return new Response(null, { status: 204 });
		};
		const host = new Host(new URL('/widget/', location));
		const send = (body) => host.send({ sent_at: Date.now(), expected_agent: 'dana',
			expected_account: 'x'.repeat(250), message: { type: 'rc-post-message-request',
				requestId: crypto.randomUUID(), path: 'call_log/recordings', body } }, 5000);
		const calls = Array.from({ length: 50 }, (_, n) => ({ sessionId: `${n}`, recording: { id: `r${n}`,
			contentUri: `https://x.test/?access_token=${'\u{1f512}x'.repeat(n === 20 ? 2000 : 150)}` } }));
		await new Recordings({ allowed: () => true, send }).offer(calls);
		window.fetch = fetched;
		return { posts, all: calls.map(({ recording }) => recording.id) };
	});
	const told = (post) => JSON.parse(post).message.body.recordings.map((one) => one.recordingId);
	assert.deepEqual(posts.flatMap(told), all);
	assert.deepEqual(posts.filter((post) => Buffer.byteLength(post) > 8192).map(told), [['r20']]);
	assert.ok(posts.length < 12, `${posts.length} messages`);
});

await test('the token is in no message but those with addresses, and kept nowhere', async () => {
	const held = sent.filter((message) => JSON.stringify(message).includes(TOKEN));
	assert.ok(held.length >= 3);
	assert.deepEqual([...new Set(held.map((message) => message.path))], ['call_log/recordings']);
	assert.ok(sent.some((message) => message.path === '/callLogger' && message.body.call.recording));
	const kept = await crm.page.evaluate(async () => {
		const all = [];
		for (const { name } of await indexedDB.databases()) {
			const db = await new Promise((resolve) => {
				indexedDB.open(name).onsuccess = ({ target }) => resolve(target.result);
			});
			for (const store of db.objectStoreNames)
				all.push(await new Promise((resolve) => {
					db.transaction(store).objectStore(store).getAll().onsuccess =
						({ target }) => resolve(JSON.stringify(target.result));
				}));
		}
		return all.join();
	});
	assert.ok(kept.length > 0 && !kept.includes(TOKEN));
	assert.ok(!(await stand.log()).includes(TOKEN));
	assert.equal(await stand.sql(`SELECT count(*) FROM call_log.calls WHERE body::text LIKE '%${TOKEN}%'
		OR recording_uri LIKE '%${TOKEN}%' OR recording_link LIKE '%${TOKEN}%'`), '0');
});
await done();
