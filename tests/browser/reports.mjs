#!/usr/bin/env node
/* The page of reports, in Chromium, of a real host and PostgreSQL: figures are those of
 * SQL, each leads to as many calls as it says; periods, teams, sorting, files; who sees
 * whose; why there is nothing; hostile names; the keyboard; how it looks. */
import assert from 'node:assert/strict';
import fs from 'node:fs';
import { logged, post, saved } from './lib/calls.mjs';
import { Agent } from './lib/chromium.mjs';
import { Stand } from './lib/stand.mjs';
import { done, test, until } from './lib/tap.mjs';

const HOSTILE = '<script>window.hit = 1</script><img src=x onerror="window.hit = 2">$1 %s';
const FORMULA = '=HYPERLINK("http://evil.test","click")';
const AWAY = /Failed to load resource|ERR_/;
const HOUR = 3_600_000;
const DAY = 24 * HOUR;

const stand = await Stand.start({ host: { demo_agents: ['dana', 'sam', 'lee', 'new', HOSTILE] },
	plugin: { supervisors: ['dana', 'boss'] } });
const dana = await Agent.open();
await stand.signIn(dana, 'dana');
const page = await dana.page();

let opened = 0;

/* Anew, also where only the hash differs. */
async function open(tab, hash = '') {
	await tab.goto(stand.url(`/reports?${++opened}${hash}`));
	await shown(tab);
}

/* What the address says is there. */
function shown(tab) {
	return until('the report', () => tab.evaluate(() => {
		const main = document.getElementById('main');
		return main.dataset.shows && main.getAttribute('aria-busy') === 'false';
	}));
}

/* After something that asks anew. */
async function then(tab, what) {
	await tab.evaluate(() => { delete document.getElementById('main').dataset.shows; });
	await what();
	await shown(tab);
}

function figure(tab, name, card = name) {
	return tab.locator(`[data-card="${card}"] > :not(.before) [data-figure="${name}"]`).last();
}

async function textOf(tab, name, card) {
	return (await figure(tab, name, card).innerText()).trim();
}

async function close(tab) {
	await tab.keyboard.press('Escape');
	await until('it to be closed', () => tab.locator('dialog').isHidden());
}

/* Follows a link, pages through the calls behind it; how many those are. */
async function callsBehind(tab, link) {
	await link.click();
	const dialog = tab.locator('dialog');
	await until('the calls', () => dialog.evaluate((one) => one.dataset.shows));
	while (await dialog.locator('> button').isVisible()) {
		const before = await dialog.locator('tbody tr').count();
		await dialog.locator('> button').click();
		await until('more', async () => await dialog.locator('tbody tr').count() > before);
	}
	const rows = await dialog.locator('tbody tr').count();
	const said = Number((await dialog.locator('p.soft').first().innerText()).match(/^[\d,]+/)[0]
		.replace(',', ''));
	assert.equal(rows, said, 'the list has as many as it says');
	await close(tab);
	return rows;
}

async function saveCsv(tab, name) {
	const [download] = await Promise.all([tab.waitForEvent('download'),
		tab.getByRole('button', { name: `${name} as CSV` }).click()]);
	return { name: download.suggestedFilename(),
		text: fs.readFileSync(await download.path(), 'utf8') };
}

const emptyOf = (tab) => tab.locator('#none').innerText();

/* ------------------------------------------------------------------------ nothing */

await test('without a single call it says so, to a supervisor and to others', async () => {
	await open(page);
	assert.match(await emptyOf(page), /No calls yet/);
	assert.ok(await page.locator('#figures').isHidden());
	const fresh = await Agent.open();
	await stand.signIn(fresh, 'new');
	const tab = await fresh.page();
	await open(tab);
	assert.match(await emptyOf(tab), /You have no calls yet[^]*own calls only[^]*supervisors/);
	await fresh.close();
});

/* -------------------------------------------------------------------------- calls */

/* Who talked to whom, so many days ago. */
let made = 0;
const asAgent = {};
for (const name of ['dana', 'sam', 'lee']) {
	asAgent[name] = await Agent.open();
	await stand.signIn(asAgent[name], name);
}
function call(agent, ago, result = 'Accepted', more = {}) {
	const sessionId = more.sessionId ?? `r-${++made}`;
	return logged(stand, asAgent[agent], { sessionId, number: `+1650555${1000 + made}`,
		name: `Caller ${made}`, duration: 60 + made, startTime: Date.now() - ago, result, ...more });
}
await stand.sql("UPDATE call_log.settings SET report_time_zone = 'Europe/Berlin'");
await stand.sql(`INSERT INTO call_log.teams VALUES ('', 'dana', 'sales'), ('', 'sam', 'sales'),
	('', 'lee', 'help <b>desk</b>'), ('', 'gone', 'resting')`);
for (let i = 0; i < 64; i++)
	await call(['dana', 'sam', 'lee'][i % 3], (i % 20) * DAY + 2 * HOUR + i * 60_000,
		['Accepted', 'Missed', 'Accepted', 'Voicemail', 'Accepted', 'Rejected'][i % 6]);
for (let i = 0; i < 15; i++)
	await call(['dana', 'lee'][i % 2], (i % 25) * DAY + 3 * HOUR,
		['Call connected', 'No Answer', 'Busy'][i % 3], { direction: 'Outbound' });
for (let i = 0; i < 9; i++)
	await call('sam', (32 + i) * DAY, i % 2 ? 'Missed' : 'Accepted');
await call('dana', 4 * HOUR, 'Missed', { sessionId: 'queue', name: HOSTILE, number: '+16505550001' });
await call('lee', 4 * HOUR, 'Accepted', { sessionId: 'queue', name: HOSTILE, number: '+16505550001' });
await call('sam', 26 * HOUR, 'Missed', { sessionId: 'nasty', name: FORMULA, number: '+16505550002' });
await saved(stand, asAgent.dana, 'r-1', `${HOSTILE} note`);

/* ------------------------------------------------------------------------ figures */

await test('the figures are those of SQL, percentages with what they are of', async () => {
	await open(page);
	const sql = async (what) => (await stand.sql(`SELECT ${what} FROM call_report.company_day
		WHERE day > (now() AT TIME ZONE 'Europe/Berlin')::date - 30`)).trim();
	for (const [name, card] of [['calls', 'calls'], ['inbound', 'calls'], ['outbound', 'calls'],
		['missed', 'missed'], ['voicemail', 'missed'], ['inbound_answered', 'inbound_answered'],
		['inbound_ended', 'inbound_answered'], ['answered', 'answered'], ['ended', 'answered'],
		['with_note', 'with_note'], ['recorded', 'recorded']])
		assert.equal(await textOf(page, name, card), await sql(`sum(${name === 'recorded'
			? '0' : name})`), name);
	assert.equal(await page.locator('[data-card=inbound_answered] .value').innerText(),
		`${await sql('round(100.0 * sum(inbound_answered) / sum(inbound_ended), 1)')} %`);
	const waiting = await stand.sql('SELECT count(*) FROM call_report.unreturned'
		+ " WHERE started_at > date_trunc('day', now() AT TIME ZONE 'Europe/Berlin') - interval '29 days'");
	assert.equal(await textOf(page, 'waiting'), waiting.trim());
	assert.match(await page.locator('#what').innerText(), /Days and times of Europe\/Berlin/);
});

await test('talk time has its total, average, median and what nine of ten do not exceed', async () => {
	const [total, average, median, p90] = (await stand.sql(`SELECT sum(s), round(avg(s)),
		round(percentile_cont(0.5) WITHIN GROUP (ORDER BY s)),
		round(percentile_cont(0.9) WITHIN GROUP (ORDER BY s))
		FROM call_log.team_hours, unnest(talk) AS s
		WHERE everyone AND day > (now() AT TIME ZONE 'Europe/Berlin')::date - 30`)).trim().split('|');
	const card = page.locator('[data-card=talk]');
	const clock = (s) => `${Math.floor(s / 60)}:${String(s % 60).padStart(2, '0')}`;
	const minutes = Math.round(total / 60);
	assert.equal(await card.locator('.value').innerText(),
		`${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`);
	assert.deepEqual(await card.locator('dd:not(.before)').allInnerTexts(),
		[average, median, p90].map(clock));
});

await test('each figure leads to as many calls as it says', async () => {
	for (const [name, card] of [['calls', 'calls'], ['outbound', 'calls'], ['missed', 'missed'],
		['voicemail', 'missed'], ['waiting', 'waiting'], ['inbound_ended', 'inbound_answered'],
		['with_note', 'with_note']])
		assert.equal(await callsBehind(page, figure(page, name, card)),
			Number(await textOf(page, name, card)), name);
});

await test('the period before stands beside it, and leads to its own calls', async () => {
	const before = page.locator('[data-card=calls] .before');
	assert.match(await before.innerText(), /▲\s+up\s+\d+\s+9 before/);
	assert.equal(await callsBehind(page, before.locator('a')), 9);
	assert.match(await page.locator('[data-card=missed] .before').innerText(), /▲\s+up\s+\d+\s+4 before/);
	assert.equal(await page.locator('[data-card=missed] .change.bad').count(), 1, 'more is worse');
});

await test('the chart is a picture with words, a legend of links, and a table of them', async () => {
	const panel = page.locator('#by-day');
	assert.match(await panel.locator('p.soft').innerText(), /^\d+ calls, most of them, \d+, on /);
	assert.equal(await panel.locator('canvas').getAttribute('role'), 'img');
	const drawn = await panel.locator('canvas').evaluate((canvas) => {
		const { data } = canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height);
		return new Set(Array.from({ length: data.length / 4 }, (_, i) =>
			data.slice(4 * i, 4 * i + 4).join())).size;
	});
	assert.ok(drawn > 6, `it is drawn, in ${drawn} colours`);
	assert.equal(await callsBehind(page, panel.locator('.legend [data-figure=rejected]')),
		Number(await panel.locator('.legend [data-figure=rejected]').innerText()));
	await panel.getByText('As a table').click();
	assert.equal(await panel.locator('tbody tr').count(), 30, 'a row a day');
	const cell = panel.locator('tbody tr').last().locator('a').first();
	assert.equal(await callsBehind(page, cell), Number(await cell.innerText()));
});

await test('a bar that is clicked leads to its calls', async () => {
	const box = await page.locator('#by-day canvas').boundingBox();
	await page.locator('#by-day canvas').click({ position: { x: box.width - 12, y: box.height - 40 } });
	await until('the calls', () => page.locator('dialog').evaluate((one) => one.dataset.shows));
	assert.match(await page.evaluate(() => location.hash), /figure=\w+&on=\d{4}-\d\d-\d\d$/);
	await close(page);
});

await test('hours of the week hold all calls, and lead to them', async () => {
	const cells = page.locator('#by-hour td a');
	const sum = (await cells.allInnerTexts()).reduce((all, text) => all + Number(text), 0);
	assert.equal(sum, Number(await textOf(page, 'calls')));
	assert.equal(await callsBehind(page, cells.first()), Number(await cells.first().innerText()));
	await page.getByRole('radio', { name: 'Missed' }).check({ force: true });
	assert.equal((await cells.allInnerTexts()).reduce((all, text) => all + Number(text), 0),
		Number(await textOf(page, 'missed')));
	await page.getByRole('radio', { name: 'All', exact: true }).check({ force: true });
});

/* ------------------------------------------------------------------------- agents */

await test('agents are sorted by any column, up and down, which is told', async () => {
	const names = () => page.locator('#by-agent tbody th').allInnerTexts();
	const head = (name) => page.locator('#by-agent thead').getByRole('button', { name });
	const column = async (n) => (await page.locator(`#by-agent tbody td:nth-child(${n})`)
		.allInnerTexts()).map((text) => parseInt(text.replace(/\D.*/, ''), 10));
	const calls = await column(3);
	assert.deepEqual(calls, [...calls].sort((a, b) => b - a), 'at first by calls');
	await head('Agent').click();
	assert.deepEqual(await names(), ['dana', 'lee', 'sam']);
	assert.equal(await page.locator('#by-agent th').first().getAttribute('aria-sort'), 'ascending');
	await head('Agent').press('Enter');
	assert.deepEqual(await names(), ['sam', 'lee', 'dana']);
	await head('Missed').click();
	const missed = await column(9);
	assert.deepEqual(missed, [...missed].sort((a, b) => b - a));
	assert.equal(await page.locator('#by-agent [aria-sort=descending]').innerText(), 'Missed');
	assert.match(await page.locator('#said').textContent(), /Sorted by Missed, most first/);
});

await test('an agent\'s row is that of SQL and leads to that agent\'s calls', async () => {
	const row = page.locator('#by-agent tbody tr', { hasText: 'sam' });
	const [calls, missed] = (await stand.sql(`SELECT sum(calls), sum(missed) FROM call_report.agent_day
		WHERE agent = 'sam' AND day > (now() AT TIME ZONE 'Europe/Berlin')::date - 30`)).trim().split('|');
	const cell = (n) => row.locator(`td:nth-child(${n}) a`);
	const number = async (n) => parseInt(await cell(n).innerText(), 10);
	assert.deepEqual([await number(3), await number(9), await number(4)],
		[Number(calls), Number(missed), 9]);
	assert.equal(await callsBehind(page, cell(3)), Number(calls));
	assert.equal(await callsBehind(page, cell(9)), Number(missed));
	assert.equal(await callsBehind(page, cell(4)), 9);
	await then(page, () => row.locator('th a').click());
	assert.equal(await textOf(page, 'calls'), calls, 'and by name to that agent\'s report');
	assert.ok(await page.locator('#by-agent').isHidden());
	await then(page, () => page.goBack());
});

/* -------------------------------------------------------------------- what is shown */

await test('a team is chosen, and remembered by the address', async () => {
	await then(page, () => page.getByLabel('Calls of').selectOption('Team sales'));
	const [calls] = (await stand.sql(`SELECT sum(calls) FROM call_report.team WHERE team = 'sales'
		AND day > (now() AT TIME ZONE 'Europe/Berlin')::date - 30`)).trim().split('|');
	assert.equal(await textOf(page, 'calls'), calls);
	assert.deepEqual((await page.locator('#by-agent tbody th').allInnerTexts()).sort(), ['dana', 'sam']);
	assert.equal(await callsBehind(page, figure(page, 'calls')), Number(calls));
	await page.reload();
	await shown(page);
	assert.equal(await textOf(page, 'calls'), calls);
	await then(page, () => page.getByLabel('Calls of').selectOption('Team help <b>desk</b>'));
	assert.deepEqual(await page.locator('#by-agent tbody th').allInnerTexts(), ['lee']);
	await then(page, () => page.goBack());
	assert.equal(await page.getByLabel('Calls of').inputValue(), 't sales');
});

await test('a period is chosen by name, or by days', async () => {
	await then(page, () => page.getByLabel('Calls of').selectOption('Everybody'));
	const all = await textOf(page, 'calls');
	await then(page, () => page.locator('#period').selectOption('Last 7 days'));
	assert.notEqual(await textOf(page, 'calls'), all);
	assert.equal(await page.locator('#by-day tbody tr').count(), 7);
	await page.locator('#period').selectOption('From day to day …');
	const day = new Date(Date.now() - 60 * DAY).toISOString().slice(0, 10);
	await page.getByLabel('From', { exact: true }).fill(day);
	await then(page, () => page.getByRole('button', { name: 'Show' }).click());
	assert.equal(Number(await textOf(page, 'calls')), Number(all) + 9);
	assert.match(await page.evaluate(() => location.hash), new RegExp(`from=${day}&until=`));
	await then(page, () => page.locator('#period').selectOption('Last 365 days'));
	assert.match(await page.locator('#by-day h2').innerText(), /per week/);
	assert.equal(Number(await textOf(page, 'calls')), Number(all) + 9);
});

await test('where there is nothing it says why, and where there is something', async () => {
	await open(page, '#from=2026-01-01&until=2026-01-31');
	assert.match(await emptyOf(page), /No calls in this period[^]*last one began/);
	await then(page, () => page.locator('#none a').click());
	assert.ok(Number(await textOf(page, 'calls')) > 0);
	await open(page, '#team=resting');
	assert.match(await emptyOf(page), /Nobody of team resting had calls in this period/);
	assert.doesNotMatch(await emptyOf(page), /No agent belongs/);
	assert.match(await emptyOf(page), /Others had calls/);
	await open(page, '#team=nonesuch');
	assert.match(await emptyOf(page), /No agent belongs to that team/);
	await page.goto(stand.url('/reports#from=2020-01-01&until=2026-01-31'));
	await until('that', async () => /at most 366 days/.test(await page.locator('#stale').innerText()));
	dana.allow(AWAY);
});

/* ----------------------------------------------------------------- who sees whose */

await test('who is no supervisor sees the own figures and calls, whatever the address', async () => {
	const tab = await asAgent.lee.page();
	const own = (await stand.sql(`SELECT sum(calls) FROM call_report.agent_day WHERE agent = 'lee'
		AND day > (now() AT TIME ZONE 'Europe/Berlin')::date - 30`)).trim();
	for (const hash of ['', '#team=sales', '#agent=dana', '#team-less=1']) {
		await open(tab, hash);
		assert.equal(await textOf(tab, 'calls'), own, hash);
		assert.ok(await tab.locator('#whose').isHidden());
		assert.ok(await tab.locator('#by-agent').isHidden());
	}
	assert.match(await tab.locator('#what').innerText(), /your own calls/);
	assert.equal(await callsBehind(tab, figure(tab, 'calls')), Number(own));
	await open(tab, '#figure=calls&of=dana');
	await until('calls', () => tab.locator('dialog tbody tr').count());
	assert.deepEqual([...new Set(await tab.locator('dialog tbody td:nth-child(3)').allInnerTexts())],
		['lee']);
	await tab.close();
});

await test('nor does the endpoint tell an agent of others, asked directly', async () => {
	const ask = async (agent, path, body) => (await post(stand, agent, {
		type: 'rc-post-message-request', requestId: 'x', path, body })).value.response.data;
	const mine = await ask(asAgent.lee, 'call_log/report', { agent: 'dana', team: 'sales', sees_all: true });
	assert.deepEqual([mine.agent, mine.sees_all, mine.teams, mine.agents.map(({ agent }) => agent)],
		['lee', false, [], ['lee']]);
	const { calls } = await ask(asAgent.lee, 'call_log/report-calls',
		{ figure: 'calls', agent: 'dana', limit: 200 });
	assert.deepEqual([...new Set(calls.flatMap(({ parts }) => parts.map(({ agent }) => agent)))], ['lee']);
	const all = await ask(asAgent.dana, 'call_log/report', {});
	assert.deepEqual([all.sees_all, all.agents.length], [true, 3]);
});

/* ------------------------------------------------------------------ files, hostile */

await test('what is shown is saved as CSV, and nothing in it is a formula', async () => {
	await open(page);
	const agents = await saveCsv(page, 'Agents');
	assert.match(agents.name, /^agents-\d{4}-\d\d-\d\d-\d{4}-\d\d-\d\d\.csv$/);
	const lines = agents.text.split('\r\n');
	assert.equal(lines[0].slice(0, 17), '\uFEFFAgent,Team,Calls');
	assert.equal(lines.length, 5, 'a line an agent, the head, the end');
	const first = await page.locator('#by-agent tbody tr').first().locator('td:nth-child(3)').innerText();
	assert.equal(lines[1].split(',')[2], first.split('\n')[0].trim().match(/^\d+/)[0]);
	const waiting = await saveCsv(page, 'Callers who still wait');
	assert.ok(waiting.text.includes(`"'=HYPERLINK(""http://evil.test"",""click"")"`), waiting.text);
	assert.doesNotMatch(waiting.text, /(^|,|\n)"?(?!\+\d+,)[=+@-]/);
	assert.match(waiting.text, /(^|,|\n)\+1650555000\d,/, 'a phone number is a number');
	const days = await saveCsv(page, 'Calls per day');
	assert.equal(days.text.split('\r\n').length, 32);
	const figures = await saveCsv(page, 'Figures');
	assert.match(figures.text, new RegExp(`All calls,${await textOf(page, 'calls')},9\r\n`));
	assert.equal((await saveCsv(page, 'Hours of the week')).text.split('\r\n').length, 7 * 24 + 2);
	await figure(page, 'with_note').click();
	await until('the call', () => page.locator('dialog tbody tr').count());
	assert.ok((await saveCsv(page, 'These calls')).text.includes('window.hit = 1'));
});

await test('names and notes of callers are text, and nothing else', async () => {
	assert.ok((await page.locator('dialog tbody').innerText()).includes(`${HOSTILE} note`));
	await close(page);
	await figure(page, 'calls').click();
	const queue = page.locator('dialog tbody tr[data-call=queue]');
	await until('the call', () => queue.count());
	assert.ok((await queue.innerText()).includes(HOSTILE));
	assert.match(await queue.innerText(), /lee, dana[^]*missed/, 'a call of two agents is one');
	await close(page);
	await open(page, `#agent=${encodeURIComponent(HOSTILE)}`);
	assert.ok((await emptyOf(page)).includes(HOSTILE));
	await open(page, `#team=${encodeURIComponent(HOSTILE)}&figure=${encodeURIComponent(HOSTILE)}`);
	const said = await page.locator('dialog').innerText();
	assert.ok(said.includes(HOSTILE), said);
	assert.equal(await page.evaluate(() => window.hit), undefined);
	dana.allow(AWAY);
});

/* ------------------------------------------------------------------- the keyboard */

await test('all of it is reached by the keyboard; what opens takes the focus and gives it back', async () => {
	await open(page);
	await page.locator('#skip').focus();
	await page.keyboard.press('Enter');
	assert.equal(await page.evaluate(() => document.activeElement.id), 'main');
	const link = figure(page, 'missed');
	await link.focus();
	await page.keyboard.press('Enter');
	await until('the calls', () => page.locator('dialog').evaluate((one) => one.dataset.shows));
	assert.equal(await page.evaluate(() => document.activeElement.id), 'list-title');
	await close(page);
	assert.equal(await page.evaluate(() => document.activeElement.dataset.figure), 'missed');
	const unnamed = await page.evaluate(() => [...document.querySelectorAll('a, button, select, input')]
		.filter((one) => one.checkVisibility() && !(one.ariaLabel || one.innerText?.trim()
			|| one.labels?.length)).map((one) => one.outerHTML));
	assert.deepEqual(unnamed, [], 'everything has a name');
});

await test('text has contrast, in the light and in the dark', async () => {
	for (const colorScheme of ['light', 'dark']) {
		await page.emulateMedia({ colorScheme });
		assert.deepEqual(await page.evaluate(contrasts), [], colorScheme);
	}
	await page.emulateMedia({ colorScheme: null });
});

/* In the page: texts whose contrast with what is behind is under 4.5. */
function contrasts() {
	const rgb = (text) => text.match(/[\d.]+/g).map(Number);
	const light = ([r, g, b]) => [r, g, b].map((c) => c / 255)
		.map((c) => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
		.reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
	const behind = (one) => {
		for (let at = one; at; at = at.parentElement) {
			const colour = rgb(getComputedStyle(at).backgroundColor);
			if (colour[3] !== 0)
				return colour;
		}
		return [255, 255, 255];
	};
	const poor = new Set();
	for (const one of document.querySelectorAll('body *')) {
		const said = [...one.childNodes].some((node) => node.nodeType === 3 && node.data.trim());
		if (!said || !one.checkVisibility() || one.closest('.unseen, noscript, option'))
			continue;
		const [a, b] = [light(rgb(getComputedStyle(one).color)), light(behind(one))];
		const contrast = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
		if (contrast < 4.5)
			poor.add(`${contrast.toFixed(2)}: ${one.tagName} ${one.className} ${one.textContent}`);
	}
	return [...poor];
}

/* ------------------------------------------------------------------------- outages */

await test('what was shown stays while the database is away, and is said to be old', async () => {
	const before = await textOf(page, 'calls');
	await stand.stopDb();
	dana.allow(AWAY);
	await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
	await until('that', async () => /^As it was at .*database/.test(
		await page.locator('#stale').innerText()));
	assert.equal(await textOf(page, 'calls'), before);
	assert.match(await page.locator('#state').innerText(), /database is away/);
	const tab = await dana.page();
	await tab.goto(stand.url('/reports'));
	await until('that nothing can be counted', async () => /Nothing can be counted now.*database/
		.test(await tab.locator('#stale').innerText()));
	await stand.startDb();
	await shown(tab);
	await tab.close();
	await until('it to be fresh', () => page.locator('#stale').isHidden());
});

await test('a call that is logged meanwhile is counted at the next look', async () => {
	const before = Number(await textOf(page, 'calls'));
	await call('sam', HOUR);
	await page.evaluate(() => document.dispatchEvent(new Event('visibilitychange')));
	await until('one more', async () => Number(await textOf(page, 'calls')) === before + 1);
});

/* -------------------------------------------------------------------------- looks */

await test('the desk leads here, and back', async () => {
	const desk = await dana.page();
	await desk.goto(stand.url('/'));
	const [reports] = await Promise.all([desk.waitForEvent('popup'),
		desk.getByRole('link', { name: 'Reports' }).click()]);
	await shown(reports);
	await reports.getByRole('link', { name: 'Calls', exact: true }).click();
	await until('the desk in front', () => desk.evaluate(() => location.pathname === '/'));
	assert.equal(dana.context.pages().filter((one) => new URL(one.url()).pathname === '/').length, 1,
		'the desk is the one that was there');
	await reports.close();
	await desk.close();
});

await test('it fits a telephone and a wide screen, in the light and in the dark', async () => {
	await stand.sql(`UPDATE call_log.calls SET from_name = 'Zoë Łukasz 山田' WHERE session_id = 'queue'`);
	await open(page);
	for (const width of [360, 1280]) {
		await page.setViewportSize({ width, height: 900 });
		await until('no scrolling sideways', () => page.evaluate(() =>
			document.documentElement.scrollWidth <= innerWidth));
	}
	await dana.shot(page, 'reports');
	await figure(page, 'missed').click();
	await until('the calls', () => page.locator('dialog').evaluate((one) => one.dataset.shows));
	await dana.shot(page, 'reports-calls');
});

await done();
