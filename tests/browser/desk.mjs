#!/usr/bin/env node
/* The agent's desk, with the simulated phone, the host and PostgreSQL: the calls as
 * they happen, found, paged through and opened; their notes, also with two who write
 * one and with the host away; hostile text; the keyboard; how it looks. */
import assert from 'node:assert/strict';
import { logged, post, saved } from './lib/calls.mjs';
import { Agent } from './lib/chromium.mjs';
import { Phone } from './lib/phone.mjs';
import { Stand } from './lib/stand.mjs';
import { done, test, until } from './lib/tap.mjs';

const AWAY = /Failed to load resource|ERR_CONNECTION|ERR_INCOMPLETE|ERR_EMPTY/;
const HOSTILE = '<script>window.hit = 1</script><img src=x onerror="window.hit = 2">'
	+ '$1 $& %s {{7*7}} </textarea></title>';
const quoted = (text) => `'${text.replaceAll("'", "''")}'`;

const stand = await Stand.start({ host: { demo_agents: ['dana', 'sam', 'lee', HOSTILE] } });
const dana = await Agent.open();
await stand.signIn(dana, 'dana');
const page = await openDesk(dana);
const phone = await Phone.of(page);

async function openDesk(agent, hash = '') {
	const tab = await agent.page();
	await tab.goto(stand.url(`/${hash}`));
	await online(tab);
	return tab;
}

function online(tab) {
	return until('the desk to be connected', () =>
		tab.locator('#state[data-kind=online]').count());
}

/* The page anew, and the phone in it. */
async function load(hash = '') {
	await page.goto('about:blank');
	await page.goto(stand.url(`/${hash}`));
	await online(page);
	phone.frame = (await Phone.of(page)).frame;
	await until('the phone', async () => (await phone.state()).ready);
}

function row(tab, text) {
	return tab.locator('.row', { hasText: text });
}

/* What the row says, each part for itself; as soon as it is this. */
function shows(tab, text, part, wanted) {
	return until(`${part} of ${text} to be ${wanted}`, async () => (await row(tab, text)
		.locator(part).first().innerText()).match(wanted));
}

function find(tab, text) {
	return tab.getByRole('searchbox').fill(text);
}

async function openCall(tab, sessionId) {
	await tab.evaluate((id) => { location.hash = `#call/${encodeURIComponent(id)}`; }, sessionId);
	await until('the page of the call', async () => await tab.locator('#call').evaluate(
		(place) => place.dataset.shows) === sessionId);
}

function noteOf(sessionId, agent = 'dana') {
	return stand.sql(`SELECT note FROM call_log.calls WHERE agent = ${quoted(agent)}
		AND session_id = ${quoted(sessionId)}`);
}

function saysOfNote(tab, wanted) {
	return until(`the editor to say ${wanted}`, async () =>
		(await tab.locator('#note-state').innerText()).match(wanted));
}

/* ------------------------------------------------------------------------ live */

await test('a call appears as it rings, and its row changes until it has ended', async () => {
	await until('the phone', async () => (await phone.state()).ready);
	await phone.do('autoLog', true);
	assert.match(await page.locator('#none').innerText(), /No calls yet/);
	const id = await phone.do('ring', { number: '+16505550123', name: 'Ida Ring' });
	await shows(page, 'Ida Ring', '.tag', /Ringing/);
	const element = await row(page, 'Ida Ring').elementHandle();
	await phone.do('answer', id);
	await shows(page, 'Ida Ring', '.tag', /Talking/);
	await phone.do('hold', id);
	await shows(page, 'Ida Ring', '.tag', /On hold/);
	await phone.do('hangUp', id);
	await shows(page, 'Ida Ring', '.tag', /Answered/);
	assert.ok(await element.evaluate((link) => link.isConnected), 'it is the same row all along');
	assert.match(await row(page, 'Ida Ring').innerText(), /\+16505550123/);
});

await test('a new call is told politely to those who do not see it', async () => {
	const said = page.locator('#said');
	assert.equal(await said.getAttribute('aria-live'), 'polite');
	const id = await phone.do('ring', { number: '+16505550124', name: 'Pola Polite' });
	await until('it to be told', async () => /Incoming call, Pola Polite/.test(
		await said.textContent()));
	await phone.do('giveUp', id);
	await shows(page, 'Pola Polite', '.tag', /Missed/);
});

await test('the time of a live call goes on by itself, and stops at its end', async () => {
	const id = await phone.do('dial', { number: '+16505550125', name: 'Tick Tock' });
	await shows(page, 'Tick Tock', '.tag', /Calling/);
	const time = row(page, 'Tick Tock').locator('.lasting');
	const first = await time.innerText();
	await until('another second', async () => await time.innerText() !== first);
	await phone.do('hangUp', id);
	await shows(page, 'Tick Tock', '.tag', /No answer/);
	assert.equal(await row(page, 'Tick Tock').locator('.ticking').count(), 0);
});

await test('a call that another PC logs appears within half a minute', async () => {
	const tab = await dana.page();
	await tab.clock.install();
	await tab.goto(stand.url('/'));
	await until('the calls', () => row(tab, 'Ida Ring').count());
	await logged(stand, dana, { sessionId: 'elsewhere', name: 'Elsa Where' });
	await tab.clock.runFor(30_500);
	await until('the call', () => row(tab, 'Elsa Where').count());
	await tab.close();
});

await test('an outcome has its word, a time its day', async () => {
	const yesterday = Date.now() - 86_400_000;
	await logged(stand, dana, { sessionId: 'v', name: 'Vera Mail', result: 'Voicemail',
		startTime: yesterday, duration: 3725 });
	await load();
	await shows(page, 'Vera Mail', '.tag', /Voicemail/);
	await shows(page, 'Vera Mail', '.lasting', /^1:02:05$/);
	assert.ok(await page.locator('.day', { hasText: 'Vera Mail' }).getByRole('heading',
		{ name: 'Yesterday' }).count());
});

await test('times are in the agent\'s zone and language', async () => {
	const agent = await Agent.open({ locale: 'de-DE', timezoneId: 'Asia/Tokyo' });
	await stand.signIn(agent, 'lee');
	const startTime = Date.UTC(2026, 0, 5, 20, 30);
	await logged(stand, agent, { sessionId: 'zone', name: 'Zora Zone', startTime });
	const tab = await openDesk(agent);
	await shows(tab, 'Zora Zone', '.when', /^05:30$/);
	assert.ok(await tab.getByRole('heading', { name: 'Di., 6. Januar 2026' }).count());
	await agent.close();
});

/* ---------------------------------------------------------------- search, paging */

await test('calls are found by number, however it is written, by name and by note', async () => {
	await logged(stand, dana, { sessionId: 'find-1', name: 'Priya Raman', number: '+442079460958' });
	await logged(stand, dana, { sessionId: 'find-2', name: 'مريم حداد', number: '+16505550142' });
	await saved(stand, dana, 'find-2', 'costs $1 per piece, 100% <b>sure</b>');
	for (const [text, name] of [['+44 (20) 7946-0958', 'Priya'], ['0958', 'Priya'],
		['priya', 'Priya'], ['حداد', 'مريم'], ['$1 PER', 'مريم'], ['<b>sure', 'مريم'],
		['100%', 'مريم']]) {
		await find(page, text);
		await until(`${text} to find ${name}`, async () => await page.locator('.row').count() === 1
			&& await row(page, name).count());
	}
	await find(page, 'nobody has this');
	await until('nothing', async () => /No call was found for “nobody has this”/.test(
		await page.locator('#none').innerText()));
	assert.equal(await page.locator('#said').textContent(), '0 found');
	await find(page, '');
	await until('all again', () => row(page, 'Ida Ring').count());
});

await test('a search goes on being answered while calls happen', async () => {
	await find(page, 'Priya');
	await until('one', async () => await page.locator('.row').count() === 1);
	await phone.do('play', 'missed', { name: 'Priya Second', number: '+442079460959' });
	await until('the new one too', () => row(page, 'Priya Second').count());
	assert.equal(await page.locator('.row').count(), 2);
	await find(page, '');
});

await test('120 calls come page by page, none twice, and stay through a refresh', async () => {
	const sam = await Agent.open();
	await stand.signIn(sam, 'sam');
	const now = Date.now();
	for (let i = 0; i < 120; i += 20)
		await Promise.all(Array.from({ length: 20 }, (_, j) => logged(stand, sam,
			{ sessionId: `page-${i + j}`, name: `Caller ${i + j}.`, startTime: now - (i + j) * 60_000 })));
	const tab = await openDesk(sam);
	const rows = tab.locator('.row');
	const more = tab.getByRole('button', { name: 'Show more' });
	await until('50', async () => await rows.count() === 50);
	await more.click();
	await until('100', async () => await rows.count() === 100);
	await logged(stand, sam, { sessionId: 'page-new', name: 'Caller new.' });
	await tab.evaluate(() => document.dispatchEvent(new CustomEvent('call-log:logged',
		{ detail: { sessionIds: [] } })));
	await until('the new one on top', async () => /Caller new/.test(await rows.first().innerText()));
	assert.equal(await rows.count(), 100, 'as many as were asked for');
	await more.click();
	await until('all', async () => await rows.count() === 121);
	assert.ok(await more.isHidden());
	const names = await tab.locator('.row .name').allInnerTexts();
	assert.equal(new Set(names).size, 121);
	assert.deepEqual(names.slice(1).map((name) => Number(name.match(/\d+/)[0])),
		Array.from({ length: 120 }, (_, i) => i));
	await sam.close();
});

/* -------------------------------------------------------------------- one call */

await test('a call\'s page tells what is known of it, and links its recording', async () => {
	await logged(stand, dana, { sessionId: 'facts', name: 'Fay Fact', number: '+12065550110',
		duration: 75, result: 'Accepted', recording: { id: '9', type: 'Automatic', uri: 'https://x.example/9',
			link: 'https://media.example/?media=9' } });
	await openCall(page, 'facts');
	const call = page.locator('#call');
	assert.equal(await call.getByRole('heading', { level: 2 }).innerText(), 'Fay Fact');
	const text = await call.innerText();
	for (const fact of ['Incoming', 'Answered', '1:15', '+12065550110', '+14155550101',
		'Dana Agent', 'automatically', 'Accepted', 'facts'])
		assert.ok(text.includes(fact), `${fact} in ${text}`);
	const link = call.getByRole('link', { name: 'Listen to the recording' });
	assert.equal(await link.getAttribute('href'), 'https://media.example/?media=9');
	assert.match(await link.getAttribute('rel'), /noopener noreferrer/);
	assert.match(await page.title(), /Fay Fact/);
	await page.getByRole('link', { name: 'All calls' }).click();
	await until('the list alone', () => page.locator('#call').isHidden());
});

await test('a call\'s page says what became of its recordings', async () => {
	await logged(stand, dana, { sessionId: 'kept', name: 'Rec Orded',
		recording: { id: 'k0', link: 'https://media.example/?media=k0' } });
	await stand.sql(`INSERT INTO call_log.recordings (account, agent, session_id, recording_id, state,
			media_type, bytes, sha256, path, stored_at, last_error)
		SELECT c.account, c.agent, c.session_id, 'k' || n, s, t, b, sha256('x'), p, now(), e
		FROM call_log.calls c, (VALUES (1, 'stored', 'audio/mpeg', 1572864, 'a/1.mp3', NULL),
			(2, 'waiting', NULL, NULL, NULL, 'localhost: status 401'),
			(3, 'fetching', NULL, NULL, NULL, NULL),
			(4, 'expired', NULL, NULL, NULL, 'localhost: status 404'),
			(5, 'failed', NULL, NULL, NULL, ${quoted(HOSTILE)}),
			(6, 'refused', NULL, NULL, NULL, 'its address is not public')) AS v (n, s, t, b, p, e)
		WHERE c.session_id = 'kept'`);
	await openCall(page, 'kept');
	const items = await page.locator('#call .recordings li').allInnerTexts();
	const told = [/^stored 1\.5 MB, .*\d/, /^waiting since .*\d: localhost: status 401$/,
		/^being fetched since .*\d$/,
		/^expired the phone service has it no more: localhost: status 404$/, /^failed: .*<script>/,
		/^failed it is not fetched from where it lies: its address is not public$/];
	assert.equal(items.length, told.length, items.join());
	told.forEach((like, i) => assert.match(items[i], like));
	await page.getByRole('link', { name: 'All calls' }).click();
	await until('the list alone', () => page.locator('#call').isHidden());
});

await test('"View log" in the phone opens the call\'s page here', async () => {
	const id = await phone.do('ring', { number: '+16505550126', name: 'View Me' });
	await phone.do('hangUp', id);
	await until('it to be logged in the phone', async () => (await phone.do('loggedMark', id)));
	await phone.do('view', id);
	await until('its page', async () => await page.evaluate(() => location.hash) === `#call/${id}`
		&& await page.locator('#call-name').innerText() === 'View Me');
	assert.equal(dana.context.pages().length, 1, 'and no other tab');
});

await test('an unknown call is said to be unknown', async () => {
	await page.evaluate(() => { location.hash = '#call/nobody%2F1'; });
	await until('that', async () => /no such call/.test(await page.locator('#call').innerText()));
});

/* ------------------------------------------------------------------------ notes */

await test('a note is written, saved, and keeps its history', async () => {
	await openCall(page, 'facts');
	await page.locator('#note').fill('first „Angebot“ 報價 $1');
	await saysOfNote(page, /Not saved yet/);
	await page.getByRole('button', { name: 'Save note' }).click();
	await saysOfNote(page, /^Saved/);
	assert.equal(await noteOf('facts'), 'first „Angebot“ 報價 $1');
	await page.locator('#note').fill('second');
	await page.locator('#note').press('Control+Enter');
	await saysOfNote(page, /^Saved/);
	await until('the history', async () => JSON.stringify(await page.locator('.history .text')
		.allInnerTexts()) === JSON.stringify(['second', 'first „Angebot“ 報價 $1']));
	await page.locator('#note').fill('');
	await page.getByRole('button', { name: 'Save note' }).click();
	await until('it to be gone', async () => await noteOf('facts') === '');
	await until('that in the history', async () => /removed/.test(
		await page.locator('.history').innerText()));
});

await test('what was saved in the phone is there without a reload', async () => {
	await saved(stand, dana, 'facts', 'from the form');
	await page.evaluate(() => document.dispatchEvent(new CustomEvent('call-log:logged',
		{ detail: { sessionIds: ['facts'] } })));
	await until('the text', async () => await page.locator('#note').inputValue() === 'from the form');
});

await test('what is typed stays while calls happen, and over a reload', async () => {
	await page.locator('#note').fill('half a sent');
	await page.evaluate(() => { window.before = document.querySelector('#note'); });
	await phone.do('play', 'missed', { name: 'Inter Rupt', number: '+16505550127' });
	await until('the call', () => row(page, 'Inter Rupt').count());
	assert.equal(await page.locator('#note').inputValue(), 'half a sent');
	assert.ok(await page.evaluate(() => window.before === document.querySelector('#note')));
	await until('the mark in the list', () => row(page, 'Fay Fact').locator('.draft').count());
	await load('#call/facts');
	await until('the text', async () => await page.locator('#note').inputValue() === 'half a sent');
	assert.equal(await noteOf('facts'), 'from the form');
	await page.getByRole('button', { name: 'Discard changes' }).click();
	assert.equal(await page.locator('#note').inputValue(), 'from the form');
	await until('no mark', async () => await row(page, 'Fay Fact').locator('.draft').count() === 0);
});

const elsewhere = await Agent.open();
await stand.signIn(elsewhere, 'dana');
let other = null;

/* Both write, the other browser saves first. */
async function disagree(theirs, mine) {
	other ??= await openDesk(elsewhere);
	await openCall(page, 'facts');
	await openCall(other, 'facts');
	const version = await stand.sql(
		"SELECT call_log.note_version(c) FROM call_log.calls c WHERE session_id = 'facts'");
	const note = await noteOf('facts');
	for (const tab of [page, other])
		await until('the same note in both', async () => await tab.locator('#note').inputValue() === note);
	await page.locator('#note').fill(mine);
	await other.locator('#note').fill(theirs);
	await other.getByRole('button', { name: 'Save note' }).click();
	await until('theirs to be saved', async () => await stand.sql(
		"SELECT call_log.note_version(c) FROM call_log.calls c WHERE session_id = 'facts'") !== version);
	const save = page.getByRole('button', { name: 'Save note' });
	if (await save.isVisible())
		await save.click({ timeout: 1000 }).catch(() => {}); // it may have been told meanwhile
	await until('the conflict', () => page.locator('.conflict:visible').count());
	assert.equal(await page.locator('.theirs').innerText(), theirs || 'No note: it was removed.');
	assert.equal(await page.locator('#note').inputValue(), mine);
	assert.equal(await noteOf('facts'), theirs, 'nothing was overwritten');
}

await test('two who write one note: mine can be kept', async () => {
	await disagree('theirs 1', 'mine 1');
	await dana.shot(page, 'desk-conflict');
	await page.getByRole('button', { name: 'Save mine' }).click();
	await until('mine', async () => await noteOf('facts') === 'mine 1');
	await until('no conflict', async () => await page.locator('.conflict:visible').count() === 0);
	await until('both texts in the history', async () => {
		const texts = await page.locator('.history .text').allInnerTexts();
		return texts[0] === 'mine 1' && texts[1] === 'theirs 1';
	});
});

await test('two who write one note: theirs can be taken', async () => {
	await disagree('theirs 2', 'mine 2');
	await page.getByRole('button', { name: 'Take theirs' }).click();
	assert.equal(await page.locator('#note').inputValue(), 'theirs 2');
	assert.equal(await noteOf('facts'), 'theirs 2');
});

await test('two who write one note: both can be joined', async () => {
	await disagree('theirs 3', 'mine 3');
	await page.getByRole('button', { name: 'Join both' }).click();
	assert.equal(await page.locator('#note').inputValue(), 'theirs 3\n\nmine 3');
	await page.getByRole('button', { name: 'Save note' }).click();
	await until('both', async () => await noteOf('facts') === 'theirs 3\n\nmine 3');
});

await test('a note removed by somebody else is a conflict, too', async () => {
	await disagree('', 'mine 4');
	await page.getByRole('button', { name: 'Save mine' }).click();
	await until('mine', async () => await noteOf('facts') === 'mine 4');
});

await test('two who write the same do not disagree', async () => {
	await page.locator('#note').fill('the same');
	await until('the other to have it', async () => await other.locator('#note').inputValue() === 'mine 4');
	await other.locator('#note').fill('the same');
	await other.getByRole('button', { name: 'Save note' }).click();
	await until('theirs to be saved', async () => await noteOf('facts') === 'the same');
	await page.locator('#note').press('Control+Enter');
	await until('both to be content', async () => await page.locator('.editor[data-state=saved]').count()
		&& await other.locator('.editor[data-state=saved]').count());
	await other.close();
	await elsewhere.close();
});

await test('the host is away while saving: the text is kept, and saved once it is back', async () => {
	dana.allow(AWAY);
	await openCall(page, 'facts');
	await stand.stopHost();
	await page.locator('#note').fill('typed while the host was away');
	await page.getByRole('button', { name: 'Save note' }).click();
	await saysOfNote(page, /cannot be saved now.*kept/);
	await until('the state', async () => /cannot be reached/.test(await page.locator('#state').innerText()));
	await page.evaluate(() => { document.dispatchEvent(new Event('visibilitychange')); });
	await until('the list to say how old it is', async () => /As it was at/.test(
		await page.locator('#stale').innerText()));
	assert.ok(await row(page, 'Fay Fact').count(), 'and to be there still');
	await phone.do('play', 'missed', { name: 'Meanwhile', number: '+16505550128' });
	await until('what waits to be told', async () => /events? waits? in this browser/.test(
		await page.locator('#state').innerText()));
	await dana.shot(page, 'desk-away');
	assert.equal(await page.locator('#note').inputValue(), 'typed while the host was away');
	await stand.startHost();
	await saysOfNote(page, /^Saved/);
	assert.equal(await noteOf('facts'), 'typed while the host was away');
	await online(page);
	await until('the call that happened meanwhile', () => row(page, 'Meanwhile').count());
	assert.ok(await page.locator('#stale').isHidden());
});

await test('the database is away while saving: the same', async () => {
	dana.allow(AWAY);
	await stand.stopDb();
	await page.locator('#note').fill('typed while the database was away');
	await page.getByRole('button', { name: 'Save note' }).click();
	await saysOfNote(page, /cannot be saved now.*kept/);
	await until('that to be told apart', async () => /Connected; the database is away/.test(
		await page.locator('#state').innerText()));
	await stand.startDb();
	await saysOfNote(page, /^Saved/);
	assert.equal(await noteOf('facts'), 'typed while the database was away');
	await online(page);
});

await test('a save under way when the page goes is made by the next', async () => {
	dana.allow(AWAY);
	await page.route('**/widget/messages', (route) =>
		/set-note/.test(route.request().postData()) ? route.abort() : route.continue());
	await page.locator('#note').fill('saved by the next page');
	await page.getByRole('button', { name: 'Save note' }).click();
	await saysOfNote(page, /cannot be saved now.*kept/);
	await page.unroute('**/widget/messages');
	await load();
	await until('the note', async () => await noteOf('facts') === 'saved by the next page');
});

await test('a save that was made but not answered is not a conflict', async () => {
	dana.allow(AWAY);
	await openCall(page, 'facts');
	let lost = 0;
	await page.route('**/widget/messages', async (route) => {
		if (!/set-note/.test(route.request().postData()) || lost++)
			return route.continue();
		await route.fetch();
		return route.abort();
	});
	await page.locator('#note').fill('heard of twice');
	await page.getByRole('button', { name: 'Save note' }).click();
	await until('it to be settled', () => page.locator('.editor[data-state=saved]').count());
	assert.ok(lost >= 1);
	assert.equal(await noteOf('facts'), 'heard of twice');
	assert.equal(await page.locator('.conflict:visible').count(), 0);
	await page.unroute('**/widget/messages');
});

await test('a call that becomes part of another takes along what was typed', async () => {
	await logged(stand, dana, { sessionId: 'leg', name: 'Other Leg' });
	await openCall(page, 'leg');
	await page.locator('#note').fill('typed on the leg');
	await stand.sql("UPDATE call_log.calls SET merged_into = 'facts' WHERE session_id = 'leg'");
	await page.evaluate(() => document.dispatchEvent(new CustomEvent('call-log:logged',
		{ detail: { sessionIds: ['leg'] } })));
	await until('the page of the other', async () =>
		await page.evaluate(() => location.hash) === '#call/facts');
	await until('both texts', async () => await page.locator('#note').inputValue() === 'typed on the leg'
		&& await page.locator('.theirs').innerText() === 'heard of twice');
	await page.getByRole('button', { name: 'Take theirs' }).click();
});

await test('a tab that shows the call does not forget what another tab keeps of it', async () => {
	const tab = await openDesk(dana);
	await openCall(tab, 'facts');
	await openCall(page, 'facts');
	await tab.locator('#note').fill('typed in the other tab');
	await page.bringToFront();
	const before = await page.locator('#call').innerText();
	await logged(stand, dana, { sessionId: 'facts', name: 'Fay Fact', duration: 77 });
	await until('it to be shown anew', async () => await page.locator('#call').innerText() !== before);
	await tab.goto('about:blank');
	await tab.goto(stand.url('/#call/facts'));
	await until('the text', async () => await tab.locator('#note').inputValue()
		=== 'typed in the other tab');
	await tab.getByRole('button', { name: 'Discard changes' }).click();
	await tab.close();
});

await test('what waits is not saved behind the back of who chose in a conflict', async () => {
	dana.allow(AWAY);
	let saves = 0;
	await page.clock.install();
	await page.route('**/widget/messages', (route) => /set-note/.test(route.request().postData())
		? ++saves && route.abort() : route.continue());
	await page.locator('#note').fill('mine, which waits');
	await page.getByRole('button', { name: 'Save note' }).click();
	/* so that the next try is some seconds away */
	await until('some tries', () => saves >= 3);
	await saysOfNote(page, /cannot be saved now/);
	await stand.sql(`SELECT call_log.set_note('', 'dana', 'facts', 'theirs meanwhile',
		call_log.note_version(c)) FROM call_log.calls c WHERE session_id = 'facts' AND agent = 'dana'`);
	await page.getByRole('button', { name: 'Join both' }).click();
	const from = saves;
	await page.clock.fastForward(20_000);
	await page.evaluate(() => fetch('status'));
	assert.equal(await page.locator('.editor').getAttribute('data-state'), 'typed');
	assert.equal(saves, from);
	await page.unroute('**/widget/messages');
	await page.getByRole('button', { name: 'Discard changes' }).click();
	await load('#call/facts');
});

await test('where the browser cannot keep what is typed it says so, and asks before it goes', async () => {
	const full = await Agent.open();
	await stand.signIn(full, 'dana');
	await full.context.addInitScript(() => {
		const { setItem } = Storage.prototype;
		Storage.prototype.setItem = function (name, value) {
			if (name.startsWith('call-log-note:'))
				throw new DOMException('full', 'QuotaExceededError');
			setItem.call(this, name, value);
		};
	});
	const tab = await openDesk(full, '#call/facts');
	await tab.locator('#note').click();
	await tab.locator('#note').fill('kept nowhere');
	await saysOfNote(tab, /Not saved yet, and this browser cannot keep it/);
	const asked = tab.waitForEvent('dialog');
	await tab.close({ runBeforeUnload: true });
	assert.equal((await asked).type(), 'beforeunload');
	await (await asked).dismiss();
	await tab.getByRole('button', { name: 'Discard changes' }).click();
	await full.close();
});

/* --------------------------------------------------------------- who is signed in */

await test('somebody else signs in: nothing of theirs is shown or changed here', async () => {
	dana.allow(AWAY);
	const sam = await noteOf('page-0', 'sam');
	await page.locator('#note').fill('for dana\'s eyes');
	await stand.signIn(dana, 'sam');
	await page.getByRole('button', { name: 'Save note' }).click();
	await until('it to be told', async () => /Somebody else is signed in/.test(
		await page.locator('#notices').innerText()));
	assert.equal(await noteOf('page-0', 'sam'), sam);
	await page.getByRole('button', { name: 'Load the page anew' }).click();
	await page.evaluate(() => { location.hash = ''; });
	await until('sam\'s calls', () => row(page, 'Caller new.').count());
	assert.equal(await row(page, 'Fay Fact').count(), 0);
	await stand.signIn(dana, 'dana');
	await load('#call/facts');
	await until('dana\'s note, saved now', async () => await noteOf('facts') === 'for dana\'s eyes');
});

await test('where there are demonstration agents, another is chosen in a menu', async () => {
	dana.allow(/409 \(Conflict\)/); // what was under way meanwhile is not for the other
	await load();
	const menu = page.getByRole('combobox', { name: 'Agent' });
	await until('the menu', () => menu.isVisible());
	assert.equal(await menu.inputValue(), 'dana');
	await menu.selectOption('sam');
	await until('sam\'s calls', () => row(page, 'Caller new.').count());
	await menu.selectOption('dana');
	await until('dana\'s calls', () => row(page, 'Fay Fact').count());
});

await test('what the host refused for good is shown with the reason until it is dismissed', async () => {
	dana.allow(/400 \(Bad Request\)/);
	await load();
	await page.route('**/widget/messages', (route) => /callLogger"/.test(route.request().postData())
		? route.fulfill({ status: 400, json: { error: 'bad_message', message: 'it names no call' } })
		: route.continue());
	const id = await phone.do('ring', { number: '+16505550130', name: 'Re Fused' });
	await phone.do('log', id);
	await phone.do('note', 'my own words');
	await phone.do('save');
	await phone.do('giveUp', id);
	const aside = page.getByRole('region', { name: 'Set aside' });
	await until('it', async () => /it names no call[^]*my own words/.test(await aside.innerText()));
	await page.unroute('**/widget/messages');
	await load();
	await until('it after a reload', async () => /it names no call[^]*my own words/.test(
		await aside.innerText()));
	await dana.shot(page, 'desk-aside');
	await aside.getByRole('link').first().click();
	await until('its page', async () => await page.evaluate(() => location.hash) === `#call/${id}`);
	const forget = aside.getByRole('button', { name: 'Forget it' });
	for (let left = await forget.count(); left > 0; left--) {
		await forget.first().click();
		await until('one less', async () => await forget.count() === left - 1);
	}
	await load();
	assert.ok(await aside.isHidden());
});

/* ------------------------------------------------------------------ hostile text */

await test('text of others is never markup, in whatever field it stands', async () => {
	const agent = await Agent.open();
	await agent.context.request.get(stand.url(`/demo?agent=${encodeURIComponent(HOSTILE)}`));
	await logged(stand, agent, { sessionId: HOSTILE, name: HOSTILE, number: HOSTILE,
		recording: { id: 'r', link: 'https://media.example/1' } });
	await saved(stand, agent, HOSTILE, HOSTILE);
	const columns = (await stand.sql(`SELECT string_agg(column_name, ',') FROM information_schema.columns
		WHERE table_schema = 'call_log' AND table_name = 'calls' AND data_type = 'text'
		AND is_generated = 'NEVER' AND column_name NOT IN ('account', 'agent', 'session_id', 'direction',
		'state', 'logged_by', 'merged_into', 'telephony_session_id', 'other_leg')`)).split(',');
	assert.ok(columns.length >= 12, columns.join());
	await stand.sql(`UPDATE call_log.calls SET ${columns.map((name) =>
		`${name} = ${quoted(HOSTILE)}`).join()},
		form = jsonb_build_object(${quoted(HOSTILE)}, ${quoted(HOSTILE)})
		WHERE agent = ${quoted(HOSTILE)}`);
	await logged(stand, agent, { sessionId: 'link-1', name: 'Java Script' });
	await logged(stand, agent, { sessionId: 'link-2', name: 'Data Link' });
	await stand.sql(`UPDATE call_log.calls SET recording_link = CASE session_id
		WHEN 'link-1' THEN 'javascript:window.hit=3' ELSE 'data:text/html,<script>1</script>' END
		WHERE session_id IN ('link-1', 'link-2')`);
	const tab = await openDesk(agent);
	await until('the calls', async () => await tab.locator('.row').count() === 3);
	await row(tab, '<script>').first().click();
	await until('its page', () => tab.locator('#note').count());
	await until('its facts', () => tab.locator('.facts dl').count());
	for (const summary of await tab.locator('summary').all())
		await summary.click();
	await find(tab, HOSTILE);
	await until('it to be found', async () => await tab.locator('.row').count() === 1);
	await find(tab, '<script>none</script>');
	await until('none', () => tab.locator('#none').isVisible());
	await tab.evaluate((message) => {
		document.dispatchEvent(new CustomEvent('call-log:problem',
			{ detail: { sessionId: message, message, note: message } }));
	}, HOSTILE);
	const shown = await tab.locator('#call').innerText();
	assert.ok(shown.split('<script>window.hit').length >= 14, shown);
	assert.equal(await tab.locator('#note').inputValue(), HOSTILE);
	assert.equal(await tab.locator('body :is(img, main script, b)').count(), 0);
	assert.equal(await tab.evaluate(() => window.hit), undefined);
	await dana.shot(tab, 'desk-hostile');
	for (const id of ['link-1', 'link-2']) {
		await openCall(tab, id);
		await until('its facts', async () => /Recording/.test(await tab.locator('.facts').innerText()));
		assert.equal(await tab.locator('#call a[target]').count(), 0, 'no link');
	}
	await agent.close();
});

/* ------------------------------------------------------------------ keyboard, size */

await test('a call is found, noted and left by keyboard alone', async () => {
	const tab = await openDesk(dana);
	await until('the calls', () => row(tab, 'Fay Fact').count());
	const focused = () => tab.evaluate(() => document.activeElement.id
		|| document.activeElement.className || document.activeElement.tagName);
	await tab.keyboard.press('Tab');
	assert.equal(await focused(), 'skip');
	await tab.keyboard.press('Enter');
	assert.equal(await focused(), 'main');
	await tab.keyboard.press('Tab');
	assert.equal(await focused(), 'search');
	await tab.keyboard.type('Fay F');
	await until('one', async () => await tab.locator('.row').count() === 1);
	await tab.keyboard.press('Tab');
	assert.match(await focused(), /row/);
	const outline = await tab.evaluate(() => getComputedStyle(document.activeElement).outlineStyle);
	assert.equal(outline, 'solid', 'one sees where one is');
	await tab.keyboard.press('Enter');
	await until('its page', () => tab.locator('#note').count());
	assert.equal(await focused(), 'call-name', 'the page begins where it begins');
	await tab.keyboard.press('Tab');
	assert.equal(await focused(), 'note');
	await tab.keyboard.press('Control+A');
	await tab.keyboard.type('by keyboard');
	await tab.keyboard.press('Tab');
	await tab.keyboard.press('Enter');
	await saysOfNote(tab, /^Saved/);
	assert.equal(await noteOf('facts'), 'by keyboard');
	await tab.keyboard.press('Shift+Tab');
	await tab.keyboard.press('Shift+Tab');
	assert.match(await focused(), /back/);
	await tab.keyboard.press('Enter');
	await until('the row again', async () => /row/.test(await focused()));
	await tab.close();
});

await test('everything to press has a name, and every field a label', async () => {
	await openCall(page, 'facts');
	const nameless = await page.evaluate(() => [...document.querySelectorAll(
		'button, a, input, select, textarea')].filter((one) => one.offsetParent)
		.filter((one) => !(one.textContent.trim() || one.ariaLabel || one.labels?.length))
		.map((one) => one.outerHTML));
	assert.deepEqual(nameless, []);
});

await test('at 360 px nothing is cut off, and phone and calls take turns', async () => {
	await page.setViewportSize({ width: 360, height: 740 });
	for (const hash of ['#call/facts', '']) {
		await page.evaluate((hash) => { location.hash = hash; }, hash);
		await until('the view', async () => (await page.locator('#call').isHidden()) === (hash === ''));
		assert.equal(await page.evaluate(() => document.documentElement.scrollWidth), 360);
	}
	const frame = page.locator('#call-log-phone iframe');
	assert.ok(!await frame.isVisible());
	await page.getByRole('button', { name: 'Phone' }).click();
	assert.ok(await frame.isVisible() && !await page.getByRole('searchbox').isVisible());
	const id = await phone.do('ring', { number: '+16505550129', name: 'Small Screen' });
	await dana.shot(page, 'desk-phone');
	await page.getByRole('button', { name: 'Calls' }).click();
	await shows(page, 'Small Screen', '.tag', /Ringing/);
	await phone.do('hangUp', id);
	await page.setViewportSize({ width: 1280, height: 900 });
});

await test('text stands out from what is behind it: 4.5 to 1, in the light and in the dark', async () => {
	for (const colorScheme of ['light', 'dark']) {
		await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
		for (const hash of ['', '#call/facts']) {
			await page.evaluate((hash) => { location.hash = hash; }, hash);
			await until('the view', async () => (await page.locator('#call').isHidden()) === (hash === ''));
			assert.deepEqual(await page.evaluate(faint), []);
		}
	}
	await page.emulateMedia({ colorScheme: null, reducedMotion: null });
});

/* In the page: the texts that are hard to read. */
function faint() {
	const colour = (text) => text.match(/[\d.]+/g).map(Number);
	const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
		.map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
		.reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = (element) => {
		for (let at = element; at; at = at.parentElement) {
			const [r, g, b, a = 1] = colour(getComputedStyle(at).backgroundColor);
			if (a === 1)
				return [r, g, b];
		}
		return [255, 255, 255];
	};
	return [...document.querySelectorAll('body *')].filter((element) =>
		element.checkVisibility({ visibilityProperty: true }) && element.offsetWidth > 1
		&& ([...element.childNodes].some((node) => node.nodeType === 3 && node.data.trim())
			|| element.matches('input, textarea'))).map((element) => {
		const pair = [light(colour(getComputedStyle(element).color)), light(behind(element))].sort();
		return [(Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05), element.textContent];
	}).filter(([ratio]) => ratio < 4.5);
}

await test('it looks like this', async () => {
	await page.evaluate(() => { location.hash = ''; });
	const id = await phone.do('ring', { number: '+442079460991', name: 'Brightwell Ltd' });
	await shows(page, 'Brightwell', '.tag', /Ringing/);
	await dana.shot(page, 'desk');
	await openCall(page, 'facts');
	await dana.shot(page, 'desk-call');
	await phone.do('hangUp', id);
});

await done();
