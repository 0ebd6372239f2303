// Asks the gateway from pages of several origins, one after the other, and says what
// each page got to see.

import { browsing } from './browser.mjs';
import { options, say } from './scenario.mjs';

await browsing(async (page) => {
  for (const origin of options.pages) {
    await page.goto(origin);
    say({ saw: 'page', origin, ...(await page.evaluate(ask, options)) });
  }
});
process.exit(0);

// Runs in the page.
async function ask({ url, token, query }) {
  const fetched = async (authorization) => {
    try {
      const answer = await fetch(url, {
        method: 'POST',
        headers: { authorization, 'content-type': 'application/json', 'x-request-id': 'from-a-page' },
        body: JSON.stringify({ query }),
      });
      return { status: answer.status, requestId: answer.headers.get('x-request-id'), body: await answer.json() };
    } catch (error) {
      return { refused: error.name };
    }
  };
  const opened = new Promise((resolve) => {
    const socket = new WebSocket(url.replace(/^http/, 'ws'), 'graphql-transport-ws');
    socket.addEventListener('open', () => {
      resolve('open');
      socket.close();
    });
    socket.addEventListener('error', () => resolve('error'));
  });
  return { good: await fetched(`Bearer ${token}`), bad: await fetched('Bearer x.y.z'), socket: await opened };
}
