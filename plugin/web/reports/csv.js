/* csv - tables as files for a spreadsheet: RFC 4180, UTF-8 with the mark by which
 * spreadsheets know it. A text that a spreadsheet would take for a formula is made one
 * that it does not: whoever calls chooses the name that is shown. A plain phone number
 * is left as it is, as call_log.cell() leaves it. */

import { element } from '../dom.js';

const FORMULA = /^[\s\uFEFF]*[=+\-@＝＋－＠]|^[\t\r]/;
const NUMBER = /^\+[0-9]+$/;

function cell(value) {
	if (value === null || value === undefined)
		return '';
	if (typeof value === 'number')
		return String(value);
	const text = FORMULA.test(value) && !NUMBER.test(value) ? `'${value}` : String(value);
	return /[",;\t\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}

export function csvOf(rows) {
	return `\uFEFF${rows.map((row) => `${row.map(cell).join(',')}\r\n`).join('')}`;
}

/* A button that keeps what rows() gives as a file called name(). */
export function csvButton(what, name, rows) {
	return element('button', { type: 'button', class: 'csv', 'aria-label': `${what} as CSV`, on: {
		click: () => {
			const url = URL.createObjectURL(new Blob([csvOf(rows())], { type: 'text/csv' }));
			element('a', { href: url, download: `${name()}.csv` }).click();
			setTimeout(() => URL.revokeObjectURL(url), 60_000);
		},
	} }, 'CSV');
}
