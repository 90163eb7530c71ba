/* server - origins for tests: a small web server on loopback for files and for pages
 * given as text, each under a strict Content-Security-Policy. The simulated phone is
 * served by it from an origin of its own.
 *
 *   const phone = await Server.ofPhone();          phone.origin, phone.url('app.html')
 *   const crm = await Server.start({ pages: { '/': '<!DOCTYPE html>...' },
 *       folders: { '/bridge/': 'host-api/web' }, csp: "default-src 'self'" });
 */
import fs from 'node:fs';
import http from 'node:http';
import path from 'node:path';
import { atEnd, ROOT } from './tap.mjs';

export const TYPES = { '.html': 'text/html', '.css': 'text/css', '.js': 'text/javascript',
	'.mjs': 'text/javascript', '.svg': 'image/svg+xml', '.json': 'application/json' };

/* What the phone's pages need and nothing more; who may frame it is the page's. */
export const PHONE_CSP = "default-src 'none'; script-src 'self'; style-src 'self'; "
	+ "img-src 'self'; base-uri 'none'; form-action 'none'";

export class Server {
	#server;
	#options;

	static async start(options) {
		const self = new Server(options);
		await new Promise((listening) => self.#server.listen(0, '127.0.0.1', listening));
		atEnd(() => self.stop());
		return self;
	}

	static ofPhone() {
		return Server.start({ folders: { '/': 'plugin/web/phone' }, csp: PHONE_CSP });
	}

	constructor(options) {
		this.#options = options;
		this.#server = http.createServer((request, response) =>
			this.#answer(request, response));
	}

	get port() {
		return this.#server.address().port;
	}

	get origin() {
		return `http://127.0.0.1:${this.port}`;
	}

	url(name) {
		return `${this.origin}/${name}`;
	}

	stop() {
		this.#server.closeAllConnections();
		return new Promise((closed) => this.#server.close(closed));
	}

	/* A page may be put there or changed while the server runs. */
	set(name, text) {
		(this.#options.pages ??= {})[name] = text;
	}

	#answer(request, response) {
		const { pathname } = new URL(request.url, this.origin);
		const found = this.#find(decodeURIComponent(pathname));
		const headers = { 'Cache-Control': 'no-store', 'X-Content-Type-Options': 'nosniff' };
		if (this.#options.csp)
			headers['Content-Security-Policy'] = this.#options.csp;
		if (!found)
			return response.writeHead(404, headers).end();
		headers['Content-Type'] = `${found.type}; charset=utf-8`;
		response.writeHead(200, headers).end(found.body);
	}

	#find(name) {
		const page = this.#options.pages?.[name];
		if (page !== undefined)
			return { type: TYPES[path.extname(name)] ?? 'text/html', body: page };
		for (const [prefix, folder] of Object.entries(this.#options.folders ?? {})) {
			if (!name.startsWith(prefix))
				continue;
			const base = path.join(ROOT, folder);
			const file = path.join(base, name.slice(prefix.length));
			if (file.startsWith(base + path.sep) && fs.statSync(file, { throwIfNoEntry: false })
				?.isFile())
				return { type: TYPES[path.extname(file)] ?? 'application/octet-stream',
					body: fs.readFileSync(file) };
		}
		return null;
	}
}
