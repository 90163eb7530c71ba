/* media - the server of recordings (tests/lib/media.mjs) for tests in JavaScript, with
 * an authority of its own; gone when the test ends.
 *
 *   const media = await Media.start();
 *   media.address('whole', 'x');      where a recording lies; the phone adds its token
 *   media.sound, media.ca             what lies there, and who vouches for it
 *   media.requests('whole/x')         what was asked for: 'live -'
 */
import { execFileSync, spawn } from 'node:child_process';
import crypto from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import readline from 'node:readline';
import { atEnd, ROOT, until } from './tap.mjs';

/* MP3 as far as its frames' headers go. */
const noise = (frames) => Buffer.concat(Array.from({ length: frames },
	() => [Buffer.from([0xff, 0xfb, 0x90, 0x64]), crypto.randomBytes(413)]).flat());

export class Media {
	#lines = [];

	/* sound: what lies there, where it is to be heard. */
	static async start({ sound } = {}) {
		const self = new Media();
		self.folder = fs.mkdtempSync(path.join(os.tmpdir(), 'media'));
		atEnd(() => fs.rmSync(self.folder, { recursive: true }));
		self.sound = sound ?? noise(240);
		fs.writeFileSync(path.join(self.folder, 'sound'), self.sound);
		self.#certify();
		const child = spawn(process.execPath, [path.join(ROOT, 'tests/lib/media.mjs'),
			...['key.pem', 'ca.pem', 'sound'].map((name) => path.join(self.folder, name))]);
		atEnd(() => child.kill());
		readline.createInterface({ input: child.stdout }).on('line', (line) =>
			self.#lines.push(line));
		self.port = await until('the media server', () => self.#found(/^port (\d+)/)[0]);
		return self;
	}

	/* It vouches for itself. */
	#certify() {
		this.ca = path.join(this.folder, 'ca.pem');
		execFileSync('openssl', ['req', '-x509', '-newkey', 'rsa:2048', '-nodes', '-days', '30',
			'-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
			'-keyout', path.join(this.folder, 'key.pem'), '-out', this.ca], { stdio: 'ignore' });
	}

	#found(pattern) {
		return this.#lines.map((line) => pattern.exec(line)?.[1]).filter(Boolean);
	}

	address(behaviour, name) {
		return `https://localhost:${this.port}/${behaviour}/${name}`;
	}

	requests(name) {
		return this.#found(new RegExp(`^request ${name} (.*)`));
	}
}
