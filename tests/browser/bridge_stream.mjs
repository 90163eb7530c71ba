#!/usr/bin/env node
/* A stream of events that dies without a word, as behind a router that forgot it: the
 * browser believes in it for ever. */
import assert from 'node:assert/strict';
import { Crm, signedIn, start } from './lib/crm.mjs';
import { done, test, until } from './lib/tap.mjs';

const { stand } = await start();
const dana = await signedIn(stand, 'dana');
/* Streams that are open and say what the test has them say. */
await dana.context.addInitScript(() => {
	window.streams = [];
	window.EventSource = class extends EventTarget {
		static CLOSED = 2;

		constructor(url) {
			super();
			this.cursor = new URL(url).searchParams.get('after');
			this.readyState = 1;
			window.streams.push(this);
		}

		say(type, lastEventId) {
			this.dispatchEvent(new MessageEvent(type, { data: '{}', lastEventId }));
		}

		close() {
			this.readyState = 2;
		}
	};
});
const page = await dana.page();
await page.clock.install();
await page.goto(stand.url('/crm'));
const crm = Object.assign(new Crm(), { page });
await crm.ready();
const streams = () => page.evaluate(() => window.streams.map(({ cursor, readyState }) =>
	[cursor, readyState]));
const say = (...given) => page.evaluate((given) => window.streams.at(-1).say(...given), given);
await until('the stream', async () => (await streams()).length === 1);

await test('a host whose streams are silent is left alone', async () => {
	await say('cursor', 'begin-0');
	await crm.pass(300_000);
	assert.deepEqual(await streams(), [['', 1]]);
});

await test('as long as its heart beats the stream is kept', async () => {
	for (const cursor of ['begin-1', 'begin-2', 'begin-3']) {
		await say('heartbeat', cursor);
		await crm.pass(50_000);
	}
	assert.deepEqual(await streams(), [['', 1]]);
});

await test('when it does not any more, another is opened from where that one was', async () => {
	await crm.pass(11_000);
	await crm.pass(1_000);
	await until('another', async () => (await streams()).length === 2);
	assert.deepEqual(await streams(), [['', 2], ['begin-3', 1]]);
});
await done();
