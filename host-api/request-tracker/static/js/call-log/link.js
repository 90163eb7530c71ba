/* link - in Request Tracker's pages: leads to the phone's window, and never loads anew
 * the one that is open, since a call would be lost. */

const tag = Array.from(document.scripts).find((script) => script.src === import.meta.url);
const address = new URL(tag.dataset.phone, document.baseURI).href;

/* A window of that name that was there is given as it is; a new one is blank. */
function show() {
	const phone = window.open('', 'call-log-phone', 'popup,width=340,height=620');
	if (!phone)
		return false;
	if (phone.location.href === 'about:blank')
		phone.location.replace(address);
	phone.focus();
	return true;
}

document.addEventListener('click', (event) => {
	const link = event.target.closest?.('a');
	if (link?.href === address && show())
		event.preventDefault();
});
