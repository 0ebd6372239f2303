// Keeps the dashboard's stock open while it changes, still like a screen on a wall and
// as somebody uses it, and says how long its frames took, by Chromium's tracing, and
// what it has in memory. The program that runs it makes the changes.

import assert from 'node:assert/strict';

import { close, faults, isLive, open, visit } from './dashboard/visit.mjs';
import { ask, options, say } from './scenario.mjs';

const { url, token, levels, windows, windowSeconds, memorySeconds } = options;

/** What somebody does meanwhile, for so many milliseconds each. */
const uses = {
  async still(page, ms) {
    await page.waitForTimeout(ms);
  },
  async scrolling(page, ms) {
    await page.locator('[data-sku]').first().hover();
    for (const until = performance.now() + ms; performance.now() < until; ) {
      await page.mouse.wheel(0, 400);
      await page.waitForTimeout(100);
    }
  },
  async sorted(page, ms) {
    const by = (name) => page.getByRole('columnheader', { name }).getByRole('button').click();
    await by('Available');
    await page.waitForTimeout(ms);
    await by('Product');
  },
  async searching(page, ms) {
    const search = page.getByRole('searchbox', { name: 'Search' });
    for (const until = performance.now() + ms; performance.now() < until; ) {
      await search.pressSequentially('load-00012', { delay: 120 });
      await search.fill('');
    }
  },
};

const categories = ['-*', 'devtools.timeline', 'disabled-by-default-devtools.timeline', 'disabled-by-default-devtools.timeline.frame'];

/** How long each frame of the page took, and each task of its main thread, and its share of a processor of that, in milliseconds. */
function read(trace) {
  const { traceEvents } = JSON.parse(trace.toString());
  const begun = new Map();
  const frames = [];
  let main = null;
  for (const e of traceEvents) {
    if (e.name !== 'AnimationFrame' || (e.ph !== 'b' && e.ph !== 'e')) continue;
    const id = `${e.pid} ${e.id2?.local ?? e.id}`;
    if (e.ph === 'b') begun.set(id, e.ts);
    else if (begun.has(id)) frames.push((e.ts - begun.get(id)) / 1000);
    main = `${e.pid} ${e.tid}`;
  }
  const tasks = traceEvents.filter((e) => e.name === 'RunTask' && e.ph === 'X' && `${e.pid} ${e.tid}` === main && e.dur >= 1000);
  const [pid] = main?.split(' ') ?? [];
  const count = (name) => traceEvents.filter((e) => e.name === name && String(e.pid) === pid).length;
  const ms = (name) => tasks.map((e) => (e[name] ?? 0) / 1000);
  return { frames, tasks: ms('dur'), cpu: ms('tdur'), drawn: count('DrawFrame'), dropped: count('DroppedFrame') };
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
    const { metrics } = await session.send('Performance.getMetrics');
    const of = (name) => metrics.find((m) => m.name === name).value;
    say({ saw: 'memory', heap: of('JSHeapUsedSize'), nodes: of('Nodes'), listeners: of('JSEventListeners') });
  };

  await ask('begin');
  await memory();
  let looked = performance.now();
  for (let i = 0; i < windows; i++) {
    const use = Object.keys(uses)[i % 4];
    await browser.startTracing(page, { categories });
    await uses[use](page, windowSeconds * 1000);
    say({ saw: 'window', use, ...read(await browser.stopTracing()) });
    if (performance.now() - looked >= memorySeconds * 1000) {
      looked = performance.now();
      await memory();
    }
  }
  const { changes } = await ask('end');
  await page.locator(`[data-store=stock][data-events="${changes}"]`).waitFor();
  await memory();
  const told = await page.locator('[data-store=stock]').evaluate((node) => ({ ...node.dataset }));
  const value = (name) => page.locator(`[data-counter=${name}]`).getAttribute('data-value').then(Number);
  say({ saw: 'end', events: Number(told.events), refused: Number(told.refused), levels: await value('levels'), units: await value('units') });
  assert.deepEqual(faults, []);
} finally {
  await close();
}
process.exit(0);
