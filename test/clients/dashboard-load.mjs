// Keeps the dashboard's stock open while it changes, still like a screen on a wall and
// as somebody uses it, and says how long its frames took, by Chromium's tracing, and
// what it has in memory. The program that runs it makes the changes.

import assert from 'node:assert/strict';

import { Caller } from './dashboard/gateway.mjs';
import { read } from './dashboard/trace.mjs';
import { close, faults, isLive, open, visit } from './dashboard/visit.mjs';
import { ask, options, say } from './scenario.mjs';

const { url, token, levels, seconds, windowSeconds, memorySeconds } = options;

/** Sorts by a column for as long as doing something takes. */
async function by(page, column, meanwhile) {
  const press = (name) => page.getByRole('columnheader', { name }).getByRole('button').click();
  await press(column);
  await meanwhile();
  await press('Product');
}

const search = (page) => page.getByRole('searchbox', { name: 'Search' });

/** What somebody does meanwhile, for so many milliseconds each. */
const uses = {
  still: (page, ms) => page.waitForTimeout(ms),

  /** By the wheel, and now and then so far that no row stays. */
  async scrolling(page, ms) {
    await page.locator('[data-sku]').first().hover();
    const until = performance.now() + ms;
    for (let i = 1; performance.now() < until; i++) {
      await page.mouse.wheel(0, i % 10 ? 400 : 4000);
      await page.waitForTimeout(100);
    }
  },

  moved: (page, ms) => by(page, 'Movement', () => page.waitForTimeout(ms)),

  sorted: (page, ms) => by(page, 'Available', () => page.waitForTimeout(ms)),

  async searching(page, ms) {
    for (const until = performance.now() + ms; performance.now() < until; ) {
      await search(page).pressSequentially('load-00012', { delay: 120 });
      await search(page).fill('');
    }
  },
};

const categories = ['-*', 'devtools.timeline', 'disabled-by-default-devtools.timeline', 'disabled-by-default-devtools.timeline.frame'];

/** Rows of the table beside the API's levels, once nothing changes anymore: how many there were, all of them alike. */
async function compared(page) {
  await search(page).fill('load-0001');
  await page.locator('.levels-count', { hasText: /^10 of / }).waitFor();
  const shown = await page.locator('[data-sku]').evaluateAll((rows) =>
    rows.map((row) => {
      const figure = (name) => Number(row.querySelector(`[data-field=${name}]`).textContent.replaceAll(',', ''));
      return { sku: row.dataset.sku, version: Number(row.dataset.version), onHand: figure('onHand'), available: figure('available') };
    }),
  );
  const { inventoryLevels } = await new Caller(url, token).ask(
    'query($skus: [String!]) { inventoryLevels(filter: { skus: $skus }) { nodes { product { sku } version onHand available } } }',
    { skus: shown.map((row) => row.sku) },
  );
  const sku = (a, b) => a.sku.localeCompare(b.sku);
  const there = inventoryLevels.nodes.map(({ product, ...level }) => ({ sku: product.sku, ...level }));
  assert.deepEqual(shown.sort(sku), there.sort(sku));
  return shown.length;
}

const browser = await open();
try {
  const page = await visit(`${url}/#/stock`);
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await isLive(page);
  await page.locator(`[data-counter=levels][data-value="${levels}"]`).waitFor();
  const session = await page.context().newCDPSession(page);
  await session.send('Performance.enable');
  const memory = async () => {
    await session.send('HeapProfiler.collectGarbage');
    const heap = await session.send('Runtime.getHeapUsage');
    const { metrics } = await session.send('Performance.getMetrics');
    const of = (name) => metrics.find((m) => m.name === name).value;
    say({
      saw: 'memory',
      minutes: (performance.now() - began) / 60_000,
      heap: heap.usedSize + heap.embedderHeapUsedSize + heap.backingStorageSize,
      nodes: of('Nodes'),
      listeners: of('JSEventListeners'),
    });
  };

  await ask('begin');
  const began = performance.now();
  await memory();
  let looked = 1;
  const names = Object.keys(uses);
  for (let i = 0; i < names.length || performance.now() - began < seconds * 1000; i++) {
    const use = names[i % names.length];
    await browser.startTracing(page, { categories });
    await uses[use](page, windowSeconds * 1000);
    say({ saw: 'window', use, ...read(await browser.stopTracing()) });
    if (performance.now() - began >= looked * memorySeconds * 1000) {
      looked++;
      await memory();
    }
  }
  const { changes } = await ask('end');
  await page.locator(`[data-store=stock][data-events="${changes}"]`).waitFor();
  await memory();
  const told = await page.locator('[data-store=stock]').evaluate((node) => ({ ...node.dataset }));
  const value = (name) => page.locator(`[data-counter=${name}]`).getAttribute('data-value').then(Number);
  const counted = { levels: await value('levels'), units: await value('units') };
  assert.equal(await page.locator('main [data-phase]').first().getAttribute('data-missed'), '0');
  say({ saw: 'end', events: Number(told.events), refused: Number(told.refused), compared: await compared(page), ...counted });
  assert.deepEqual(faults, []);
} finally {
  await close();
}
process.exit(0);
