// Stock, and what is told of it while gateways come and go.

import assert from 'node:assert/strict';

import { ask, options, say } from '../scenario.mjs';
import { Caller, demoUser } from './gateway.mjs';
import { enterAs, isLive, visit, visitAs } from './visit.mjs';

const sku = 'BRK-PAD-1045';
const location = 'WH-CENTRAL';
const number = new Intl.NumberFormat('en-US');

/** A number of a level, once it is this one. */
const figure = (page, name, value, of = { sku, location }) =>
  page
    .locator(`[data-sku="${of.sku}"][data-location="${of.location}"] [data-field=${name}]`)
    .filter({ hasText: new RegExp(`^${number.format(value)}$`) })
    .waitFor();

/** What the API changes is there within a second of its answer. */
export async function changesAreSeen({ url }) {
  const operator = await demoUser(url, 'operator');
  const page = await visitAs(url, 'operator', '/stock');
  await isLive(page);
  await page.getByRole('searchbox', { name: 'Search' }).fill(`${sku} ${location}`);
  await page.locator('.levels-count', { hasText: /^1 of / }).waitFor();
  const took = [];
  for (const delta of [7, -3, 11, -20, 5]) {
    const level = await operator.adjust(sku, location, delta);
    const answered = performance.now();
    await figure(page, 'onHand', level.onHand);
    await figure(page, 'available', level.available);
    took.push(Math.round(performance.now() - answered));
  }
  const { events, refused } = await page.locator('[data-store=stock]').evaluate((store) => ({ ...store.dataset }));
  assert.deepEqual({ events, refused }, { events: '5', refused: '0' });
  say({ saw: 'shown', took });
  await page.context().close();
}

/** A page that is reloaded, or left for another and come back to, goes on from its cursor: what changed meanwhile is told once, and no snapshot. */
export async function resumesAfterReload({ url }) {
  const operator = await demoUser(url, 'operator');
  const asked = [];
  const listen = (page) =>
    page.on('websocket', (socket) =>
      socket.on('framesent', ({ payload }) => {
        const { type, payload: operation } = JSON.parse(payload);
        if (type === 'subscribe' && operation.query.includes('inventoryChanged')) asked.push(operation.variables.after ?? null);
      }),
    );
  const page = await visit(`${url}/#/stock`, { prepare: listen });
  await enterAs(page, 'operator');
  await isLive(page);
  const store = () => page.locator('[data-store=stock]').evaluate((node) => ({ ...node.dataset }));
  const shows = (events) => page.locator(`[data-store=stock][data-events="${events}"]`).waitFor();
  await operator.adjust(sku, location, 4);
  await shows(1);
  const before = await store();

  await page.goto(`${url}/#/suppliers`);
  await page.getByRole('table').waitFor();
  await operator.adjust(sku, location, -1);
  await page.goto(`${url}/#/stock`);
  await shows(2);
  const between = await store();

  await page.reload();
  await isLive(page);
  const level = await operator.adjust(sku, location, 2);
  await shows(1); // counted anew, since the page is
  await page.getByRole('searchbox', { name: 'Search' }).fill(`${sku} ${location}`);
  await figure(page, 'onHand', level.onHand);
  const { refused } = await store();
  assert.deepEqual({ asked, refused }, { asked: [null, before.cursor, between.cursor], refused: '0' });
  await page.context().close();
}

/** What moved last is first, and its address brings the same back: the order and the filters, after a reload as well. */
export async function showsWhatMoved({ url }) {
  const operator = await demoUser(url, 'operator');
  const page = await visitAs(url, 'operator', '/stock?sort=moved&stale=1');
  await isLive(page);
  await page.getByRole('button', { name: 'Stale', pressed: true }).click();
  await page.getByRole('columnheader', { name: 'Movement' }).and(page.locator('[aria-sort=descending]')).waitFor();
  const first = (of) => page.locator(`[data-sku][aria-rowindex="2"][data-location="${of}"]`, { hasText: sku }).waitFor();
  for (const of of [location, 'WH-EAST', location]) {
    await operator.adjust(sku, of, 1);
    await first(of);
  }
  await page.getByRole('searchbox', { name: 'Search' }).fill(`${sku} wh`);
  await page.getByRole('button', { name: 'Available' }).click();
  const address = `${url}/#/stock?search=BRK-PAD-1045+wh&sort=available`;
  await page.waitForURL(address);
  await page.reload();
  await isLive(page);
  await page.getByRole('columnheader', { name: 'Available' }).and(page.locator('[aria-sort=ascending]')).waitFor();
  assert.equal(await page.getByRole('searchbox', { name: 'Search' }).inputValue(), `${sku} wh`);
  assert.equal(page.url(), address);
  await page.context().close();
}

/**
 * A gateway is stopped and killed while changes go on by another one: the page says so, comes back by itself, and has
 * been told of each change once.
 */
export async function survivesRestarts() {
  const { url, other, token } = options.restart;
  const operator = new Caller(other, token);
  const page = await visit(`${url}/#/stock`, { forgives: (what) => /WebSocket connection to|net::ERR_|ws:\/\//.test(what) });
  await page.getByLabel('Token').fill(token);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await isLive(page);
  await page.getByRole('searchbox', { name: 'Search' }).fill(`${sku} ${location}`);
  let level = { onHand: 0 };
  let changes = 0;
  const change = async (n) => {
    for (let i = 0; i < n; i++, changes++) level = await operator.adjust(sku, location, 1);
  };
  const told = async (n) => {
    await isLive(page);
    await page.locator(`[data-store=stock][data-events="${n}"]`).waitFor();
  };
  await change(3);
  await told(3);
  for (const how of ['stop', 'kill']) {
    const going = change(20);
    await ask(how);
    await page.locator('main [data-phase=reconnecting]', { hasText: /^Reconnecting, last word at / }).waitFor();
    await going;
    await change(3);
    await ask('start');
    await told(changes);
  }
  await change(2);
  await told(changes);
  await figure(page, 'onHand', level.onHand);
  const store = await page.locator('[data-store=stock]').evaluate((node) => ({ ...node.dataset }));
  assert.equal(store.refused, '0', 'events were told again');
  assert.equal(await page.locator('main [data-phase]').first().getAttribute('data-missed'), '0');
  const levels = await operator.everyLevel();
  await page.locator(`[data-counter=units][data-value="${levels.reduce((sum, l) => sum + l.onHand, 0)}"]`).waitFor();
  await page.locator(`[data-counter=levels][data-value="${levels.length}"]`).waitFor();
  say({ saw: 'story', events: Number(store.events), cursor: store.cursor, changes });
  await page.context().close();
}
