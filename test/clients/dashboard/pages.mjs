// What holds of every page.

import assert from 'node:assert/strict';

import { options, say } from '../scenario.mjs';
import { explorerBarriers } from './explorer.mjs';
import { demoUser } from './gateway.mjs';
import { barriers, enterAs, isLive, visit, visitAs } from './visit.mjs';

/** How much script a browser is sent for the dashboard's first page, compressed. */
export async function firstLoad({ url }) {
  const scripts = new Set();
  let bytes = 0;
  const count = async (page) => {
    const session = await page.context().newCDPSession(page);
    await session.send('Network.enable');
    session.on('Network.responseReceived', ({ requestId, type }) => type === 'Script' && scripts.add(requestId));
    session.on('Network.loadingFinished', ({ requestId, encodedDataLength }) => scripts.has(requestId) && (bytes += encodedDataLength));
  };
  const page = await visit(url, { prepare: count });
  await enterAs(page, 'operator');
  await isLive(page);
  say({ saw: 'script', bytes, files: scripts.size });
  await page.context().close();
}

/** Axe finds nothing that is serious or worse on any page. */
export async function hasNoBarriers({ url }) {
  const found = [];
  const look = async (page, name) => found.push(...(await barriers(page, name)));
  const shop = await demoUser(url, 'storefront');
  const { order } = await shop.do('orderPlace', 'OrderPlaceInput', { customer: { name: 'Ann' }, lines: [{ sku: 'NW-066', quantity: 2 }, { sku: 'BRK-PAD-1037', quantity: 1 }] }, 'order { id }');
  const supplier = await demoUser(url, `supplier:${options.supplier}`);
  await supplier.feed([{ supplierSku: 'odd-one', quantity: 5 }]);

  const operator = async () => {
    const page = await visit(url);
    await page.getByRole('button', { name: 'Operator' }).waitFor();
    await look(page, 'the sign-in');
    await enterAs(page, 'operator');
    await isLive(page);
    await page.locator('[data-sku]').first().waitFor();
    await look(page, 'stock');
    await page.goto(`${url}/#/orders`);
    await page.locator('[data-card]').first().waitFor();
    await isLive(page);
    await look(page, 'orders');
    await page.goto(`${url}/#/conflicts`);
    await page.locator('[data-conflict]').first().click();
    await page.locator('[data-conflict-status]').waitFor();
    await look(page, 'a conflict');
    await page.goto(`${url}/#/suppliers`);
    await page.getByRole('table').waitFor();
    await look(page, 'suppliers');
    await page.goto(`${url}/#/pulse`);
    await page.locator('[data-store=pulse]').waitFor();
    await look(page, 'the pulse');
    await page.context().close();
  };
  const another = async () => {
    const page = await visitAs(url, `supplier:${options.supplier}`, '/suppliers');
    await page.getByRole('table', { name: 'Feeds and what came of them' }).waitFor();
    await look(page, 'a supplier');
    await page.getByRole('button', { name: 'Upload a feed' }).click();
    const dialog = page.getByRole('dialog');
    await dialog.getByLabel('Document').setInputFiles({ name: 'stock.csv', mimeType: 'text/csv', buffer: Buffer.from('sku,quantity\n4,9\nodd-one,1\n') });
    await dialog.getByRole('button', { name: 'Preview' }).click();
    await dialog.locator('.feed-preview').waitFor();
    await look(page, "a feed's preview");
    await dialog.getByRole('button', { name: 'Leave it' }).click();
    await page.goto(`${url}/#/orders/${order.id}`);
    await page.locator('[data-part] [data-act=accept]').waitFor();
    await look(page, 'an order');
    await page.locator('[data-part] [data-act=accept]').click();
    await page.getByRole('dialog').waitFor();
    await look(page, 'an action');
    await page.context().close();
  };
  // Its editor has the colours with which it was loaded.
  const explorer = async () => {
    const page = await visit(`${url}/explorer`, { colorScheme: 'dark' });
    await page.locator('button.example:enabled').first().waitFor();
    found.push(...(await explorerBarriers(page, 'dark')));
    await page.context().close();
  };
  await Promise.all([operator(), another(), explorer()]);
  assert.deepEqual(found, []);
}
