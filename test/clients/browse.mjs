// Follows one subscription with the EventSource of a browser, on a page of the
// gateway's own origin. With a token it asks for a ticket first, since an
// EventSource sends no Authorization.

import { browsing } from './browser.mjs';
import { enough, options, say, tell } from './scenario.mjs';

await browsing(async (page) => {
  await page.exposeFunction('say', say);
  await page.exposeFunction('tell', (result, id) => void tell(result, { id }));
  await page.goto(new URL('/healthz', options.url).href);
  await page.evaluate(listen, options);
  await enough;
});
process.exit(0);

// Runs in the page.
async function listen({ query, variables, token }) {
  let opened = new URLSearchParams({ query, variables: JSON.stringify(variables) });
  if (token) {
    const answer = await fetch('/graphql/ticket', {
      method: 'POST',
      headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json' },
      body: JSON.stringify({ query, variables }),
    });
    if (!answer.ok) throw new Error(`no ticket: ${answer.status} ${await answer.text()}`);
    const { ticket, expiresAt } = await answer.json();
    window.say({ saw: 'ticket', expiresAt });
    opened = new URLSearchParams({ ticket });
  }
  const source = new EventSource(`/graphql?${opened}`);
  source.addEventListener('open', () => window.say({ saw: 'connected' }));
  source.addEventListener('next', (event) => window.tell(JSON.parse(event.data), event.lastEventId));
  source.addEventListener('complete', () => {
    window.say({ saw: 'complete' });
    source.close(); // or it would begin again
  });
  source.addEventListener('error', () => {
    // Connecting, it comes back by itself with the last event's id; closed, it
    // has given up for good.
    window.say({ saw: source.readyState === EventSource.CLOSED ? 'error' : 'closed' });
  });
}
