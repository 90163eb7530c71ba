#!/usr/bin/env node
/* media - a server of recordings that behaves as it is told: by TLS, on loopback.
 *
 *   media.mjs key.pem certificate.pem sound
 *
 * The path is /<behaviour>/<name>, see below; there has to be a token, and none that
 * begins with "dead".
 * It prints `port <number>`, then a line for each request and each end of one. It
 * ends with its input. */
import { readFileSync } from 'node:fs';
import { createServer } from 'node:https';

const [key, cert, sound] = process.argv.slice(2).map((path) => readFileSync(path));
const TENTH = Math.floor(sound.length / 10);
/* The same call, encoded anew: another in the middle, and longer. */
const another = Buffer.concat([sound.subarray(0, 2000), Buffer.alloc(1000, 'x'), sound.subarray(2000)]);
const seen = new Map(); /* path -> how many requests there were */

/* What is asked for, of all: from where on, or null. */
function rangeOf(request) {
	const match = /^bytes=(\d+)-$/.exec(request.headers.range ?? '');
	return match ? Number(match[1]) : null;
}

function head(request, response, { claim, type = 'audio/mpeg', total = sound.length } = {}) {
	const from = rangeOf(request);
	if (from !== null && from >= total) {
		response.writeHead(416, { 'Content-Range': `bytes */${total}` }).end();
		return null;
	}
	const headers = { 'Content-Type': type, 'Content-Length': claim ?? total - (from ?? 0) };
	if (from !== null)
		headers['Content-Range'] = `bytes ${from}-${total - 1}/${total}`;
	response.writeHead(from === null ? 200 : 206, headers);
	return from ?? 0;
}

/* Cut after four tenths, of the first version; then of the second, or of the first
 * still, by a server that knows If-Range or does not. */
function reencoded(request, response, times, { tags = [], date, second = another, knows = true, range }) {
	const bytes = times === 1 ? sound : second;
	const from = rangeOf(request);
	const tag = tags[Math.min(times, 2) - 1];
	const headers = { ...(tag && { ETag: tag }), ...(date && { 'Last-Modified': date }) };
	const condition = request.headers['if-range'];
	if (times === 1) {
		response.writeHead(200, { ...headers, 'Content-Length': bytes.length });
		response.write(bytes.subarray(0, 4 * TENTH), () => request.socket.destroy());
	} else if (from === null || (knows && condition && condition !== (tag ?? date))) {
		response.writeHead(200, { ...headers, 'Content-Length': bytes.length }).end(bytes);
	} else {
		response.writeHead(206, { ...headers, 'Content-Length': bytes.length - from,
			'Content-Range': range?.(from, bytes.length) ?? `bytes ${from}-${bytes.length - 1}/${bytes.length}` });
		response.end(bytes.subarray(from));
	}
}

/* So many bytes a moment. */
function drip(response, bytes, step, ms, done = () => response.end()) {
	let at = 0;
	const timer = setInterval(() => {
		response.write(bytes.subarray(at, at + step));
		at += step;
		if (at >= bytes.length) {
			clearInterval(timer);
			done();
		}
	}, ms);
	response.on('close', () => clearInterval(timer));
}

const behaviours = {
	whole(request, response) {
		const from = head(request, response);
		if (from !== null)
			response.end(sound.subarray(from));
	},
	/* A server that knows no ranges. */
	plain(request, response, { times }) {
		response.writeHead(200, { 'Content-Length': sound.length });
		if (times === 1)
			response.write(sound.subarray(0, TENTH), () => request.socket.destroy());
		else
			response.end(sound);
	},
	/* slow5: 5 ms a step. */
	slow(request, response, { number }) {
		const from = head(request, response);
		if (from !== null)
			drip(response, sound.subarray(from), Math.ceil(sound.length / 40), number || 25);
	},
	stalled(request, response, { times }) {
		const from = head(request, response);
		if (times === 1)
			response.write(sound.subarray(0, 5 * TENTH));
		else if (from !== null)
			response.end(sound.subarray(from));
	},
	/* cut3: after the third tenth, once. */
	cut(request, response, { times, number }) {
		const from = head(request, response);
		if (times === 1)
			response.write(sound.subarray(0, number * TENTH), () => request.socket.destroy());
		else if (from !== null)
			response.end(sound.subarray(from));
	},
	/* Cut once, and then not all that is left in one answer. */
	portion(request, response, { times }) {
		if (times !== 2) {
			behaviours.cut(request, response, { times, number: 2 });
			return;
		}
		const from = rangeOf(request);
		response.writeHead(206, { 'Content-Length': TENTH,
			'Content-Range': `bytes ${from}-${from + TENTH - 1}/${sound.length}` });
		response.end(sound.subarray(from, from + TENTH));
	},
	/* Says that more will come than comes, each time. */
	long(request, response) {
		const from = head(request, response, { total: sound.length + 100 });
		if (from !== null)
			response.write(sound.subarray(from), () => request.socket.end());
	},
	/* Neither a length nor an end. */
	endless(request, response) {
		request.socket.end(`HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n${sound.toString('latin1')}`, 'latin1');
	},
	chunked(request, response) {
		response.writeHead(200, { 'Transfer-Encoding': 'chunked' });
		drip(response, sound, TENTH, 1);
	},
	page(request, response) {
		response.writeHead(200, { 'Content-Type': 'audio/mpeg' });
		response.end('<!DOCTYPE html><title>Sign in</title>');
	},
	empty(request, response) {
		response.writeHead(200, { 'Content-Type': 'audio/mpeg', 'Content-Length': 0 }).end();
	},
	huge(request, response) {
		head(request, response, { claim: 10 * 2 ** 30 });
		drip(response, Buffer.alloc(2 ** 20), 2 ** 14, 1);
	},
	/* As much, without saying so beforehand. */
	flood(request, response) {
		response.writeHead(200, { 'Transfer-Encoding': 'chunked' });
		response.write(sound);
		const more = () => { while (!response.destroyed && response.write(Buffer.alloc(2 ** 16))); };
		response.on('drain', more);
		more();
	},
	/* As if the token were over, once. */
	denied(request, response, { times }) {
		if (times === 1)
			response.writeHead(401).end();
		else
			behaviours.whole(request, response);
	},
	/* Says what was asked for, token and all; once it stands still then. */
	echo(request, response, { times }) {
		if (times === 1)
			response.writeHead(403, { 'Content-Length': 10000 }).write(`no: ${request.url}`);
		else
			response.writeHead(403).end(`no: ${request.url}`);
	},
	tagged: (request, response, { times }) => reencoded(request, response, times, { tags: ['"1"', '"1"'], second: sound }),
	dated: (request, response, { times }) => reencoded(request, response, times, { date: 'Sun, 22 Nov 2026 08:00:00 GMT', second: sound }),
	changed: (request, response, { times }) => reencoded(request, response, times, { tags: ['"1"', '"2"'] }),
	/* Each sends a part of the second. */
	blind: (request, response, { times }) => reencoded(request, response, times, { tags: ['"1"', '"2"'], knows: false, second: another.subarray(0, sound.length) }),
	untagged: (request, response, { times }) => reencoded(request, response, times, {}),
	weak: (request, response, { times }) => reencoded(request, response, times, { tags: ['W/"1"', 'W/"1"'] }),
	star: (request, response, { times }) => reencoded(request, response, times, { tags: ['"1"', '"1"'], second: sound,
		range: (from, total) => `bytes ${from}-${total - 1}/*` }),
	unsure: (request, response, { times }) => reencoded(request, response, times, {
		range: (from, total) => `bytes ${from}-${total - 1}/*` }),
	shifted: (request, response, { times }) => reencoded(request, response, times, { tags: ['"1"', '"1"'],
		range: (from, total) => `bytes ${from - 1}-${total - 2}/${total}` }),
	/* Errors and redirects that say more than anybody wants to hear. */
	babble(request, response, { url, number }) {
		response.writeHead(number, { Location: url.searchParams.get('to') ?? '/' });
		const more = () => { while (!response.destroyed && response.write(Buffer.alloc(2 ** 16))); };
		response.on('drain', more);
		more();
	},
	gone: (request, response) => response.writeHead(404).end(),
	busy(request, response, { times }) {
		if (times === 1)
			response.writeHead(503).end();
		else
			behaviours.whole(request, response);
	},
	/* /redirect/<name>?to=<address> */
	redirect(request, response, { url }) {
		response.writeHead(302, { Location: url.searchParams.get('to') }).end();
	},
	round(request, response, { url }) {
		response.writeHead(302, { Location: url.pathname + url.search }).end();
	},
};

const server = createServer({ key, cert }, (request, response) => {
	const url = new URL(request.url, 'https://localhost');
	const [, word, name] = url.pathname.split('/');
	const [, behaviour, number] = /^([a-z]+)(\d*)$/.exec(word);
	const times = (seen.get(url.pathname) ?? 0) + 1;
	seen.set(url.pathname, times);
	const token = url.searchParams.get('access_token');
	const said = token === null ? 'bare' : /^dead/.test(token) ? 'dead' : 'live';
	const live = said === 'live' || word === 'open'; /* to everybody */
	console.log(`request ${word}/${name} ${said} ${request.headers.range ?? '-'}`
		+ (request.headers['if-range'] ? ` if ${request.headers['if-range']}` : ''));
	response.on('close', () => console.log(`closed ${word}/${name} ${request.socket.bytesWritten}`));
	if (!live)
		response.writeHead(401).end('{"errorCode":"TokenExpired"}');
	else
		(behaviours[behaviour] ?? behaviours.whole)(request, response,
			{ times, number: Number(number), url });
});
server.on('tlsClientError', (error) => console.log(`no TLS: ${error.code}`));
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
process.stdin.on('end', () => process.exit()).resume();
