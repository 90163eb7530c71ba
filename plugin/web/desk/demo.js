/* demo - the choice of whom to be, where the host lets anybody be anybody, in the
 * head of each page. */

import { element } from './dom.js';

export async function offerDemo(api) {
	const agents = await api.demoAgents();
	const choice = document.getElementById('demo-agent');
	document.getElementById('demo').hidden = agents.length === 0;
	document.getElementById('who').hidden = agents.length > 0;
	choice.replaceChildren(...agents.map((agent) => element('option',
		{ value: agent, selected: agent === api.agent }, agent)));
	choice.addEventListener('change', async () => {
		if (await api.become(choice.value)) {
			history.replaceState(null, '', location.pathname);
			location.reload();
		}
	});
}
