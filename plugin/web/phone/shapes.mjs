/* shapes - a call as the widget shows it to a service: the presence shape while it
 * is or was just active, the record shape once the call log has it. Pure; members
 * come in the order of the real widget. */

/* A number as the widget normalises it: what is none becomes ''. */
export function normalised(number) {
	return /^\+?\d+$/.test(number) ? number : '';
}

/* matches: { from, to, activity, picked } of this call. */
export function presenceShape(call, matches) {
	const host = '10.13.22.253-5070-aa';
	return {
		id: call.id,
		direction: call.direction,
		...(call.queueCall !== undefined && { queueCall: call.queueCall }),
		from: { phoneNumber: normalised(call.from) },
		fromName: call.fromName,
		to: { phoneNumber: normalised(call.to) },
		toName: call.toName,
		telephonyStatus: call.status,
		startTime: call.startTime,
		sipData: {
			fromTag: host, toTag: '',
			remoteUri: 'sip:+16505550199@sip.ringcentral.com',
			localUri: 'sip:17@sip.ringcentral.com',
			rcSessionId: call.sessionId,
		},
		partyId: call.partyId,
		sessionId: call.sessionId,
		telephonySessionId: call.telephonySessionId,
		offset: call.offset,
		...(call.legs && { outboundLeg: leg(call.legs.outbound, call),
			inboundLeg: leg(call.legs.inbound, call) }),
		...(call.browser && { webphoneSession: webphoneSession(call) }),
		fromMatches: matches.from,
		toMatches: matches.to,
		activityMatches: matches.activity,
		...(matches.picked && { toNumberEntity: matches.picked }),
	};
}

/* One of the two calls that a RingOut call is made of. */
function leg({ legs, ...call }, { status }) {
	const { fromMatches, toMatches, activityMatches, ...shape } =
		presenceShape({ ...call, status }, { from: [], to: [], activity: [] });
	return shape;
}

/* A record of the call log; token: to be put into the recording's address. */
export function recordShape(record, matches, token) {
	const { recording } = record;
	return {
		...record,
		...(recording && token && { recording: { ...recording,
			contentUri: `${recording.contentUri}?access_token=${token}` } }),
		fromName: record.from.name ?? record.from.phoneNumber ?? record.from.extensionNumber,
		toName: record.to.name ?? record.to.phoneNumber ?? record.to.extensionNumber,
		fromMatches: matches.from,
		toMatches: matches.to,
		activityMatches: matches.activity,
		...(matches.picked && { toNumberEntity: matches.picked }),
	};
}

/* What rc-active-call-notify tells of a call. */
export function noticeShape(call, status = call.status) {
	return {
		direction: call.direction,
		from: { phoneNumber: call.from },
		fromName: call.fromName,
		to: { phoneNumber: call.to },
		toName: call.toName,
		telephonyStatus: status,
		startTime: call.startTime,
		partyId: call.partyId,
		sessionId: call.sessionId,
		telephonySessionId: call.telephonySessionId,
		offset: call.offset,
		...(status === 'NoCall' && { terminationType: 'final' }),
	};
}

/* A call made in the browser. */
export function webphoneSession(call, endTime) {
	const mine = call.direction === 'Outbound' ? call.from : call.to;
	return {
		id: `w${call.sessionId}`,
		callId: `w${call.sessionId}c`,
		direction: call.direction,
		callStatus: endTime ? 'webphone-session-finished'
			: { Ringing: 'webphone-session-connecting', OnHold: 'webphone-session-onHold' }[
				call.status] ?? 'webphone-session-connected',
		to: call.to,
		from: call.from,
		fromNumber: mine,
		fromUserName: call.fromName,
		...(call.answered !== null && { startTime: call.answered }),
		creationTime: call.began,
		isOnHold: call.status === 'OnHold',
		isOnMute: false,
		isOnFlip: false,
		isOnTransfer: false,
		isToVoicemail: false,
		isForwarded: false,
		isReplied: false,
		recordStatus: 'webphone-record-idle',
		contactMatch: null,
		minimized: false,
		partyData: { partyId: call.partyId, sessionId: call.telephonySessionId },
		lastActiveTime: call.began,
		cached: false,
		removed: false,
		callQueueName: null,
		...(endTime && { endTime }),
	};
}

/* The numbers of a call or record that contacts are looked up by. */
export function numbersOf(call) {
	const number = (side) => typeof side === 'string' ? normalised(side)
		: side.phoneNumber ?? side.extensionNumber ?? '';
	return [number(call.from), number(call.to)];
}
