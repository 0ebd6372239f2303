// The explorer: GraphiQL with the gateway's contract.

import assert from 'node:assert/strict';

import { demoUser } from './gateway.mjs';
import { barriers, visit } from './visit.mjs';

/** What axe finds on the explorer's page as it was loaded. GraphiQL's own tabs have buttons in them. */
export const explorerBarriers = (page, colorScheme) => barriers(page, 'the explorer', { schemes: [colorScheme], without: ['nested-interactive'] });

/** A role is chosen, an example runs, and a subscription tells of what happens; axe finds nothing serious meanwhile. */
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
  assert.deepEqual(await explorerBarriers(page, 'light'), []);
  await page.context().close();
}
