#!/usr/bin/env node
/* An agent at work in Request Tracker, in Chromium, with the simulated phone: in a
 * window of its own that stays while RT's pages come and go, and inside a ticket's
 * page. */
import assert from 'node:assert/strict';
import { Agent } from '../browser/lib/chromium.mjs';
import { Phone } from '../browser/lib/phone.mjs';
import { Server } from '../browser/lib/server.mjs';
import { Stand } from '../browser/lib/stand.mjs';
import { done, test, until } from '../browser/lib/tap.mjs';

const phones = await Server.ofPhone();
const stand = await Stand.start({ call_log: { auto_log: 'agent_on', widget_url: phones.url('app.html') } },
	'tests/helpdesk/stand.pl');
const ticket = await stand.ask('perl', `
	my $anna = RT::CurrentUser->new; $anna->Load('anna');
	my $ticket = RT::Ticket->new($anna);
	my ($id, $transaction, $why) = $ticket->Create(Queue => 'General', Requestor => 'ada@example.org',
		Subject => 'The coffee machine leaks');
	print $id or die $why;`);
const anna = await Agent.open();
const page = await anna.page();
await page.goto(stand.url('/'));
await page.fill('input[name=user]', 'anna');
await page.fill('input[name=pass]', 'password');
await page.click('input[type=submit]');
await page.getByText('Logged in as').waitFor();

function openTicket(tab) {
	return tab.goto(stand.url(`/Ticket/Display.html?id=${ticket}`));
}

/* As an agent does: the link is in a menu that opens below the pointer. */
async function clickPhone(tab) {
	await tab.locator('a[href="/CallLog/"]').first().hover();
	await tab.locator('a[href="/CallLog/phone"]').first().click();
}

/* The row of the call, as soon as it is this. */
function isLogged(sessionId, wanted) {
	return until(`the call to be ${wanted}`, async () => await stand.sql(`SELECT agent, state
		FROM call_log.calls WHERE session_id = '${sessionId}'`) === `anna|${wanted}`);
}

/* The one call there is, from its beginning. */
async function ring(phone) {
	await until('the service', async () => (await phone.state()).ready);
	await phone.frame.getByRole('button', { name: 'Incoming call' }).click();
	const [{ sessionId }] = await until('the call', async () => {
		const { active } = await phone.state();
		return active.length ? active : null;
	});
	return sessionId;
}

let phone;

await test('the phone opens in a window of its own', async () => {
	await openTicket(page);
	const opened = page.waitForEvent('popup');
	await clickPhone(page);
	const popup = await opened;
	phone = await Phone.of(popup);
	await until('the service', async () => (await phone.state()).ready);
	assert.equal(await page.locator('iframe[title=Phone]').count(), 0);
});

await test('a call goes on there while the agent goes from page to page', async () => {
	await page.evaluate(() => document.addEventListener('call-log:logged', ({ detail }) => {
		window.logged = [...window.logged ?? [], ...detail.sessionIds];
	}));
	const sessionId = await ring(phone);
	await isLogged(sessionId, 'ringing');
	await until('the page to hear of it', () =>
		page.evaluate((id) => window.logged?.includes(id), sessionId));
	await phone.frame.getByRole('button', { name: 'Answer' }).click();
	for (const path of ['/', `/Ticket/Display.html?id=${ticket}`, '/Search/Simple.html'])
		await page.goto(stand.url(path));
	await isLogged(sessionId, 'connected');
	await clickPhone(page);
	await phone.frame.getByRole('button', { name: 'Hang up' }).click();
	await isLogged(sessionId, 'final');
});

await test('there is one such window, and another takes over when it closes', async () => {
	const tab = await anna.page();
	await openTicket(tab);
	const opened = tab.waitForEvent('popup');
	await clickPhone(tab);
	const second = await opened;
	await second.getByText('open in another window').waitFor();
	assert.equal(await second.locator('iframe').count(), 0);
	await phone.page.close();
	await Phone.of(second);
	await second.close();
});

await test('the phone can be inside every page instead, also a ticket\'s', async () => {
	await stand.ask('restart_with', "Set($CallLogPhone, 'page');");
	await openTicket(page);
	assert.equal(await page.locator('a[href="/CallLog/phone"]').count(), 0);
	phone = await Phone.of(page);
	const sessionId = await ring(phone);
	await isLogged(sessionId, 'ringing');
	await anna.shot(page, 'request-tracker-ticket');
	await phone.frame.getByRole('button', { name: 'Answer' }).click();
	await phone.frame.getByRole('button', { name: 'Hang up' }).click();
	await isLogged(sessionId, 'final');
});

await test('what the host heard is what the desk shows', async () => {
	await page.goto(stand.url('/CallLog/'));
	await until('two calls', async () => await page.locator('.row').count() === 2);
	await anna.shot(page, 'request-tracker-desk');
});

await done();
