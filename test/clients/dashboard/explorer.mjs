// The explorer: GraphiQL with the gateway's contract.

import { demoUser } from './gateway.mjs';
import { visit } from './visit.mjs';

/** A role is chosen, an example runs, and a subscription tells of what happens. */
export async function explores({ url }) {
  const page = await visit(`${url}/explorer`);
  await page.getByLabel('Ask as').selectOption('operator');
  await page.getByText('For the role Operator.').waitFor();
  const open = (example) => page.getByRole('button', { name: example }).click();
  const run = () => page.getByRole('button', { name: /^Execute query/ }).click();
  const answer = (text) => page.locator('.result-window').filter({ hasText: text }).waitFor();
  await open('Who am I');
  await run();
  await answer(/"role":\s*"OPERATOR"/);

  await open('Stock, live');
  await run();
  await page.getByRole('button', { name: /^Stop/ }).waitFor();
  const operator = await demoUser(url, 'operator');
  await answer(/"kind":/);
  const level = await operator.adjust('BRK-PAD-1037', 'WH-EAST', 1);
  await answer(new RegExp(`"version":\\s*${level.version}`));
  await page.context().close();
}
