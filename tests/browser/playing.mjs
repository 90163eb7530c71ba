#!/usr/bin/env node
/* A recording from the call to the ear, in Chromium: the phone tells of it, the host
 * fetches it, the call's page plays it and seeks in it, in parts, from the host; who
 * listens is written down. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import path from 'node:path';
import { Agent } from './lib/chromium.mjs';
import { Crm } from './lib/crm.mjs';
import { Media } from './lib/media.mjs';
import { Phone } from './lib/phone.mjs';
import { Stand } from './lib/stand.mjs';
import { done, test, until } from './lib/tap.mjs';

const SECONDS = 60;
const RATE = 44_100;

/* A minute of sound, more than a browser has in store: WAV, two channels of 16 bits;
 * the first half lower than the second. */
function wave() {
	const bytes = SECONDS * RATE * 4;
	const wav = Buffer.alloc(44 + bytes);
	wav.write('RIFF', 0);
	wav.writeUInt32LE(36 + bytes, 4);
	wav.write('WAVEfmt ', 8);
	wav.writeUInt32LE(16, 16);
	wav.writeUInt16LE(1, 20);
	wav.writeUInt16LE(2, 22);
	wav.writeUInt32LE(RATE, 24);
	wav.writeUInt32LE(RATE * 4, 28);
	wav.writeUInt16LE(4, 32);
	wav.writeUInt16LE(16, 34);
	wav.write('data', 36);
	wav.writeUInt32LE(bytes, 40);
	for (let i = 0; i < bytes / 4; i++) {
		const level = Math.round(8000 * Math.sin(2 * Math.PI * i
			* (i < bytes / 8 ? 440 : 880) / RATE));
		wav.writeInt16LE(level, 44 + 4 * i);
		wav.writeInt16LE(level, 46 + 4 * i);
	}
	return wav;
}

const sound = wave();
const media = await Media.start({ sound });
const folder = path.join(media.folder, 'recordings');
const stand = await Stand.start({ plugin: { auto_log: 'always', supervisors: ['sam'],
	recordings: 'fetch', recordings_dir: folder, recording_hosts: ['localhost'],
	recording_ca: media.ca, recording_loopback: true } });
const dana = await Agent.open();
await stand.signIn(dana, 'dana');
const page = await dana.page();
const crm = new Crm();
crm.page = page;
let sent = []; /* what came from the host of recordings: [status, from, of all] */
page.on('response', (response) => {
	const range = /^bytes (\d+)-\d+\/(\d+)$/.exec(response.headers()['content-range']);
	if (/\/recordings\/\d+$/.test(response.url()))
		sent.push([response.status(), Number(range?.[1]), Number(range?.[2])]);
});
const audio = page.locator('.player audio');
const now = () => audio.evaluate((one) => one.currentTime);
const accesses = (columns) => stand.sql(`SELECT ${columns} FROM call_report.recording_accesses`);
let session;
let id;

async function open() {
	await page.goto('about:blank');
	await page.goto(stand.url(`/#call/${session}`));
	await until('the player', () => audio.count());
}

await test('a call is recorded, and the recording fetched', async () => {
	await page.goto(stand.url('/'));
	crm.phone = await Phone.of(page);
	await until('the phone', async () => (await crm.phone.state()).ready);
	session = await crm.play('answered', { name: 'Priya Raman', number: '+442079460958' });
	await crm.phone.do('record', session, { id: `r${session}`, type: 'Automatic',
		uri: 'https://x.test/', link: 'https://media.example/', contentUri: media.address('whole', 'x') });
	await crm.advance(10_000);
	await until('it to be stored', () => stand.sql(
		"SELECT 1 FROM call_log.recordings WHERE state = 'stored'"));
	id = await stand.sql('SELECT id FROM call_log.recordings');
	const lies = path.join(folder, await stand.sql('SELECT path FROM call_log.recordings'));
	assert.ok(fs.readFileSync(lies).equals(sound));
});

await test('the call\'s page has a player of it, which asks for nothing by itself', async () => {
	await open();
	assert.equal(await audio.getAttribute('aria-label'), 'The recording');
	assert.ok(await audio.evaluate((one) => one.controls && one.offsetWidth > 200));
	assert.ok(await page.getByRole('link', { name: 'Save recording' }).isVisible());
	assert.ok(await page.getByRole('link', { name: 'At the phone service' }).isVisible());
	assert.deepEqual(sent, []);
	assert.equal(await accesses('count(*)'), '0');
});

await test('it plays', async () => {
	await audio.focus();
	await page.keyboard.press('Space');
	await until('it to play', async () => await now() > 0.3);
	assert.deepEqual(sent[0], [206, 0, sound.length]);
	assert.equal(await audio.evaluate((one) => one.duration), SECONDS);
	await until('the frequency of its first half', async () => await heard() === 440);
});

/* What is to be heard now, in Hz; in steps of some. */
function heard() {
	return audio.evaluate(async (one) => {
		if (!window.analyser) {
			const context = new AudioContext();
			window.analyser = new AnalyserNode(context, { fftSize: 8192 });
			new MediaElementAudioSourceNode(context, { mediaElement: one })
				.connect(window.analyser).connect(context.destination);
			await context.resume();
		}
		const levels = new Float32Array(window.analyser.frequencyBinCount);
		window.analyser.getFloatFrequencyData(levels);
		const step = window.analyser.context.sampleRate / 8192;
		const loudest = levels.indexOf(Math.max(...levels)) * step;
		return [440, 880].find((tone) => Math.abs(tone - loudest) < 2 * step) ?? loudest;
	});
}

await test('it is sought to the middle, from where another part comes, and plays on', async () => {
	const before = sent.length;
	await audio.evaluate((one) => { one.currentTime = one.duration * 0.75; });
	await until('it to play there', async () => await now() > SECONDS * 0.75 + 0.3
		&& audio.evaluate((one) => !one.paused && !one.seeking));
	const there = sent.slice(before).find(([, from]) => from > sound.length / 2);
	assert.deepEqual([there?.[0], there?.[2]], [206, sound.length], JSON.stringify(sent));
	assert.ok(there[1] <= 44 + sound.length * 0.75, 'from there or a little before');
	await until('the frequency of its second half', async () => await heard() === 880);
});

await test('it plays on while the call is shown anew', async () => {
	const element = await audio.elementHandle();
	await stand.sql(`SELECT call_log.set_note('', 'dana', '${session}', 'heard it')`);
	await until('the note', async () => await page.locator('#note').inputValue() === 'heard it');
	const then = await now();
	await until('it to play on', async () => await now() > then);
	assert.ok(await element.evaluate((one) => one.isConnected && !one.paused));
});

await test('it looks like this', async () => {
	await dana.shot(page, 'desk-playing');
	await page.setViewportSize({ width: 360, height: 740 });
	assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
	const box = await audio.boundingBox();
	assert.ok(box.x >= 0 && box.x + box.width <= 360 && box.width > 300, JSON.stringify(box));
	await page.setViewportSize({ width: 1280, height: 900 });
});

await test('each part that was sent is written down', async () => {
	assert.equal(await accesses('bool_and(granted AND reader = $$dana$$ AND agent = $$dana$$)'), 't');
	assert.equal(Number(await accesses('count(*)')), sent.length);
	assert.deepEqual((await accesses('from_byte')).split('\n').map(Number).sort((a, b) => a - b),
		sent.map(([, from]) => from).sort((a, b) => a - b));
});

await test('it is saved under a name that tells which it is', async () => {
	const [download] = await Promise.all([page.waitForEvent('download'),
		page.getByRole('link', { name: 'Save recording' }).click()]);
	assert.match(download.suggestedFilename(), new RegExp(`^call-\\d{4}-\\d\\d-\\d\\d-${id}\\.wav$`));
	assert.ok(fs.readFileSync(await download.path()).equals(sound));
});

await test('a supervisor hears it in the reports, and another agent finds nothing', async () => {
	const [sam, lee] = [await Agent.open(), await Agent.open()];
	await stand.signIn(sam, 'sam');
	await stand.signIn(lee, 'lee');
	assert.equal((await lee.context.request.get(stand.url(`/recordings/${id}`))).status(), 404);
	const tab = await sam.page();
	await tab.goto(stand.url('/reports'));
	await tab.locator('[data-figure=calls]').first().click();
	await tab.getByRole('button', { name: 'Listen to the call with Priya Raman' }).click();
	const audio = tab.locator('.player audio');
	await until('it to play', () => audio.evaluate((one) => one.currentTime > 0.2));
	assert.ok(await audio.evaluate((one) => one === document.activeElement));
	await sam.shot(tab, 'reports-playing');
	const element = await audio.elementHandle();
	await tab.keyboard.press('Escape');
	await until('it to fall silent with its list', () => element.evaluate((one) => one.paused));
	assert.equal(await accesses(`string_agg(DISTINCT reader || ' ' || granted, ',')
		FILTER (WHERE reader <> 'dana')`), 'lee false,sam true');
	await sam.close();
	await lee.close();
});

await test('what cannot be played says so, and what is erased has no player', async () => {
	dana.allow(/Failed to load resource/);
	await open();
	const problem = page.locator('.player [role=alert]');
	assert.equal(await problem.innerText(), '');
	fs.unlinkSync(path.join(folder, await stand.sql('SELECT path FROM call_log.recordings')));
	await audio.focus();
	await page.keyboard.press('Space');
	await until('the words', async () => /cannot be played now/.test(await problem.innerText()));
	assert.match(await stand.log(), /cannot serve the file '[^']+[.]wav': No such file/);
	await dana.shot(page, 'desk-playing-not');
	await stand.sql("UPDATE call_log.recordings SET erase_at = now() + interval '1 hour'");
	await page.evaluate(() => document.dispatchEvent(new CustomEvent('call-log:logged',
		{ detail: { sessionIds: [] } })));
	await until('no player', async () => await audio.count() === 0
		&& page.locator('.player').isHidden());
});

await done();
