/* scenarios - whole calls of every kind, each a small script over the exchange and
 * the phone's clock. The buttons of the simulation and the tests play them. */

const CALLERS = [
	['+16505550199', 'WIRELESS CALLER'], ['+16505550188', 'Zoë Łukasz'],
	['+16505550177', 'ACME & SONS'], ['+14155550120', '山田 花子'],
	['+442079460958', 'Priya Raman'], ['+4930901820', 'Jürgen Groß'],
	['+16505550142', 'مريم حداد'], ['+13125550173', 'PALO ALTO CA'],
];

/* Somebody to talk with; another one each time. */
export function* callers() {
	for (let i = 0; ; i++) {
		const [number, name] = CALLERS[i % CALLERS.length];
		yield { number, name };
	}
}

/* Each: label, and run(tools, given). tools: { exchange, clock, me,
 * caller(), sync() }; given:
 * what replaces what would be made up. */
export const SCENARIOS = {
	answered: {
		label: 'Incoming, answered and held',
		async run({ exchange, clock, caller }, given) {
			const { sessionId } = exchange.begin('Inbound', { ...caller(), ...given });
			await clock.sleep(3_000);
			exchange.change(sessionId, { status: 'CallConnected' });
			await clock.sleep(3_000);
			exchange.change(sessionId, { status: 'OnHold' });
			await clock.sleep(3_000);
			exchange.change(sessionId, { status: 'CallConnected' });
			await clock.sleep(3_000);
			exchange.end(sessionId);
			return sessionId;
		},
	},
	missed: {
		label: 'Incoming, missed',
		run: (tools, given) => ring(tools, 'Inbound', { ending: 'missed' }, given),
	},
	voicemail: {
		label: 'Incoming, voicemail',
		run: (tools, given) => ring(tools, 'Inbound', { ending: 'voicemail' }, given),
	},
	rejected: {
		label: 'Incoming, rejected',
		run: (tools, given) => ring(tools, 'Inbound', { ending: 'rejected' }, given),
	},
	elsewhere: {
		label: 'Queue call, answered elsewhere',
		run: (tools, given) => ring(tools, 'Inbound', { ending: 'elsewhere' },
			{ queueCall: true, toName: 'Sales queue', ...given }),
	},
	outbound: {
		label: 'Outgoing, answered',
		run: (tools, given) => talk(tools, 'Outbound', {}, given),
	},
	unanswered: {
		label: 'Outgoing, no answer',
		run: (tools, given) => ring(tools, 'Outbound', { ending: 'missed' }, given),
	},
	anonymous: {
		label: 'Anonymous caller',
		run: (tools, given) => ring(tools, 'Inbound', { ending: 'voicemail' },
			{ number: 'anonymous', name: 'Anonymous', ...given }),
	},
	colleague: {
		label: 'Colleague (extension)',
		run: (tools, given) => talk(tools, 'Inbound', {},
			{ number: '102', name: 'Lee Colleague', ...given }),
	},
	recorded: {
		label: 'Recording comes later',
		run: (tools, given) => talk(tools, 'Inbound', { recordingAfter: 21_000 }, given),
	},
	transferred: {
		label: 'Caller number changes',
		async run({ exchange, clock, caller }, given) {
			const { sessionId } = exchange.begin('Inbound', { ...caller(), ...given });
			await clock.sleep(2_000);
			exchange.change(sessionId, { status: 'CallConnected' });
			await clock.sleep(2_000);
			const { number, name } = caller();
			exchange.change(sessionId, { from: number, fromName: name });
			await clock.sleep(2_000);
			exchange.end(sessionId);
			return sessionId;
		},
	},
	two: {
		label: 'Two at once',
		async run({ exchange, clock, caller }) {
			const first = exchange.begin('Inbound', caller()).sessionId;
			await clock.sleep(1_000);
			exchange.change(first, { status: 'CallConnected' });
			await clock.sleep(1_000);
			const second = exchange.begin('Inbound', caller()).sessionId;
			await clock.sleep(1_000);
			exchange.together(() => {
				exchange.change(first, { status: 'OnHold' });
				exchange.change(second, { status: 'CallConnected' });
			});
			await clock.sleep(1_000);
			exchange.together(() => {
				exchange.end(first);
				exchange.end(second);
			});
			return [first, second];
		},
	},
	flapping: {
		label: 'Presence flaps',
		async run({ exchange, clock, caller }, given) {
			const call = exchange.begin('Inbound', { ...caller(), ...given });
			const { sessionId } = call;
			await clock.sleep(1_000);
			exchange.change(sessionId, { status: 'CallConnected' });
			await clock.sleep(1_000);
			exchange.end(sessionId, { record: false });
			await clock.sleep(500);
			exchange.restore(call);
			await clock.sleep(2_000);
			exchange.end(sessionId);
			return sessionId;
		},
	},
	early: {
		label: 'Record before the end',
		async run({ exchange, clock, caller, sync }, given) {
			const { sessionId } = exchange.begin('Inbound', { ...caller(), ...given });
			await clock.sleep(1_000);
			exchange.change(sessionId, { status: 'CallConnected' });
			await clock.sleep(1_000);
			exchange.end(sessionId, { keep: true });
			sync();
			await clock.sleep(1_000);
			exchange.end(sessionId, { record: false });
			return sessionId;
		},
	},
	ringout: {
		label: 'RingOut (two legs, merged)',
		async run({ exchange, clock, caller, me }, given) {
			const outbound = exchange.make('Outbound', { ...caller(), ...given });
			const inbound = exchange.make('Inbound', { number: me.number, name: me.name,
				sessionId: String(Number(outbound.sessionId) + 1_000) });
			exchange.restore(inbound); // seen first, under its own session id
			await clock.sleep(2_000);
			exchange.together(() => {
				exchange.end(inbound.sessionId, { record: false, quiet: true });
				exchange.restore({ ...outbound, status: 'CallConnected',
					answered: clock.now(), legs: { outbound, inbound } });
			});
			await clock.sleep(3_000);
			exchange.end(outbound.sessionId, { members: { action: 'RingOut Web' } });
			return outbound.sessionId;
		},
	},
	conference: {
		label: 'Conference (session 0)',
		run: (tools, given) => talk(tools, 'Outbound', { record: false },
			{ number: 'conference', name: 'Conference', sessionId: '0', browser: true,
				...given }),
	},
	oneself: {
		label: 'Call to oneself (endless repeats)',
		async run({ exchange, clock, me }, given) {
			const outbound = exchange.begin('Outbound',
				{ number: me.number, name: me.name, ...given });
			const { sessionId } = outbound;
			exchange.begin('Inbound', { ...given, ...sameCall(outbound),
				id: `${outbound.id}-2`, number: me.number, name: me.name });
			await clock.sleep(given?.lasts ?? 10_000);
			exchange.end(sessionId);
			return sessionId;
		},
	},
};

function sameCall({ id, sessionId, telephonySessionId, partyId, startTime, from, fromName }) {
	return { id, sessionId, telephonySessionId, partyId, startTime, number: from,
		name: fromName };
}

async function ring({ exchange, clock, caller }, direction, how, given) {
	const { sessionId } = exchange.begin(direction, { ...caller(), ...given });
	await clock.sleep(4_000);
	exchange.end(sessionId, how);
	return sessionId;
}

async function talk({ exchange, clock, caller }, direction, how, given) {
	const { sessionId } = exchange.begin(direction, { ...caller(), ...given });
	await clock.sleep(3_000);
	exchange.change(sessionId, { status: 'CallConnected' });
	await clock.sleep(3_000);
	exchange.end(sessionId, how);
	return sessionId;
}
