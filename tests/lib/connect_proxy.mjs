#!/usr/bin/env node
/* connect_proxy - a proxy of companies, on loopback: it connects (CONNECT) to any name,
 * at this machine, but for the user "denied". It prints `port <number>`, then a line
 * for each request: what for, and by whom. It ends with its input. */
import { createServer } from 'node:http';
import { connect } from 'node:net';

const server = createServer((request, response) => {
	console.log(`request ${request.method} ${request.url}`);
	response.writeHead(400).end();
});
server.on('connect', (request, socket) => {
	const [host, port] = request.url.split(':');
	const encoded = /^Basic (.*)/.exec(request.headers['proxy-authorization'] ?? '')?.[1] ?? '';
	const by = Buffer.from(encoded, 'base64').toString();
	console.log(`connect ${host} ${by || '-'}`);
	socket.on('error', () => socket.destroy());
	if (by.startsWith('denied:')) {
		socket.end('HTTP/1.1 407 Proxy Authentication Required\r\n\r\n');
		return;
	}
	const there = connect(Number(port), '127.0.0.1', () => {
		socket.write('HTTP/1.1 200 Connection established\r\nX-Ranges: no\r\n\r\n');
		socket.pipe(there).pipe(socket);
	});
	there.on('error', () => socket.destroy());
});
server.listen(0, '127.0.0.1', () => console.log(`port ${server.address().port}`));
process.stdin.on('end', () => process.exit()).resume();
