// What operators and suppliers do on the dashboard.

import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';

import { options } from '../scenario.mjs';
import { demoUser } from './gateway.mjs';
import { confirm, isLive, visitAs } from './visit.mjs';

/** A conflict that is resolved, and one that is dismissed, are gone from the inbox's count. */
export async function settlesConflicts({ url }) {
  const supplier = await demoUser(url, `supplier:${options.supplier}`);
  const page = await visitAs(url, 'operator', '/conflicts');
  await isLive(page);
  const skus = [1, 2].map(() => `odd-${randomUUID().slice(0, 8)}`);
  await supplier.feed(skus.map((supplierSku) => ({ supplierSku, quantity: 5 })));
  const row = (sku) => page.locator('[data-conflict]', { hasText: sku });
  for (const sku of skus) await row(sku).waitFor();
  const count = async () => Number((await page.locator('.nav-count').textContent().catch(() => '0')).replace(/\D/g, ''));
  const before = await count();

  await row(skus[0]).click();
  await page.locator('[data-conflict-status=OPEN]', { hasText: skus[0] }).locator('[data-act=resolve]').click();
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('searchbox').fill('NW-065');
  await dialog.getByRole('radio').first().click();
  await dialog.getByRole('spinbutton').fill('12');
  await dialog.getByLabel('Why').fill('It is their new number for the sauce.');
  await confirm(page, 'Resolve');
  await page.locator('[data-conflict-status=RESOLVED]').waitFor();
  await page.locator('.nav-count', { hasText: new RegExp(`^${before - 1} open$`) }).waitFor();

  await row(skus[1]).click();
  await page.locator('[data-conflict-status=OPEN]', { hasText: skus[1] }).locator('[data-act=dismiss]').click();
  await dialog.getByLabel('Why').fill('Nothing that we sell.');
  await confirm(page, 'Dismiss');
  await page.locator('[data-conflict-status=DISMISSED]').waitFor();
  if (before > 2) await page.locator('.nav-count', { hasText: new RegExp(`^${before - 2} open$`) }).waitFor();
  else await page.locator('.nav-count').waitFor({ state: 'detached' });
  const { conflicts } = await (await demoUser(url, 'operator')).ask('{ conflicts(first: 250) { nodes { status resolution facts { value } } } }');
  for (const [i, status] of ['RESOLVED', 'DISMISSED'].entries()) {
    const found = conflicts.nodes.filter((c) => c.facts.some((f) => f.value === skus[i]));
    assert.deepEqual(found.map((c) => c.status), [status]);
  }
  await page.context().close();
}

/** A supplier takes on and ships what a customer has ordered; the operator sees it move. */
export async function shipsAnOrder({ url }) {
  const shop = await demoUser(url, 'storefront');
  const board = await visitAs(url, 'operator', '/orders');
  const page = await visitAs(url, `supplier:${options.supplier}`, '/suppliers');
  await page.getByRole('heading', { name: 'Inbox' }).waitFor();
  await Promise.all([isLive(board), isLive(page)]);
  const { order } = await shop.do('orderPlace', 'OrderPlaceInput', { customer: { name: 'Ann' }, lines: [{ sku: 'NW-065', quantity: 4 }] }, 'order { id number }');
  const card = (status) => board.locator(`[data-column=${status}] [data-card="${order.id}"]`).waitFor();
  await card('PENDING');

  await page.getByRole('row').filter({ hasText: order.number }).getByRole('link', { name: 'Answer' }).click();
  const summary = page.locator('dd[data-status]');
  const act = (name) => page.locator(`[data-part] [data-act=${name}]`).click();
  await act('accept');
  await confirm(page, 'Accept all');
  await page.locator('dd[data-status=PROCESSING]').waitFor();
  await card('PROCESSING');

  await act('ship');
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Carrier').fill('Speedy Express');
  await dialog.getByLabel('Tracking number').fill('SE-1');
  await dialog.getByRole('button').and(page.locator('[type=submit]')).click();
  await dialog.waitFor({ state: 'hidden' });
  await page.locator('dd[data-status=SHIPPED]').waitFor();
  await page.locator('[data-shipment]', { hasText: 'Speedy Express SE-1' }).waitFor();
  await card('SHIPPED');
  assert.equal(await summary.getAttribute('data-status'), 'SHIPPED');
  const found = await shop.ask('query($id: ID!) { node(id: $id) { ... on Order { status fulfillmentOrders { fulfillments { status carrier trackingNumber } } } } }', { id: order.id });
  assert.deepEqual(found.node, {
    status: 'SHIPPED',
    fulfillmentOrders: [{ fulfillments: [{ status: 'SHIPPED', carrier: 'Speedy Express', trackingNumber: 'SE-1' }] }],
  });
  await Promise.all([page.context().close(), board.context().close()]);
}

/**
 * An operator holds, releases and cancels an order. Where somebody else is first nothing is done, and the dialog says what
 * has changed; what can't be done any more isn't offered again.
 */
export async function meetsOthers({ url }) {
  const shop = await demoUser(url, 'storefront');
  const other = await demoUser(url, 'operator');
  const placed = async () => {
    const lines = [{ sku: 'NW-065', quantity: 3 }];
    return (await shop.do('orderPlace', 'OrderPlaceInput', { customer: { name: 'Ann' }, lines }, 'order { id number }')).order;
  };
  const first = await placed();
  const page = await visitAs(url, 'operator', `/orders/${first.id}`);
  const dialog = page.getByRole('dialog');
  const open = (act) => page.locator(`main [data-act=${act}]`).click();
  const becomes = (status) => page.locator(`dd[data-status=${status}]`).waitFor();
  const submit = dialog.locator('[type=submit]');

  await open('hold');
  await dialog.getByLabel('Why it has to wait').fill('The address is unclear.');
  await confirm(page, 'Hold');
  await becomes('ON_HOLD');
  assert.equal(await page.locator('[data-part] [data-act]').count(), 0);
  await open('release');
  await confirm(page, 'Release');
  await becomes('PENDING');

  await open('cancel');
  await dialog.getByLabel(/Reason/).fill('Ann has changed her mind.');
  await other.do('orderHold', 'OrderHoldInput', { orderId: first.id, reason: 'A call is due.' }, 'order { id }');
  await other.do('orderReleaseHold', 'OrderReleaseHoldInput', { orderId: first.id }, 'order { id }');
  await submit.click();
  await dialog.getByRole('alert').filter({ hasText: 'It has changed meanwhile, and nothing was done yet:' }).waitFor();
  assert.equal((await shop.ask('query($id: ID!) { order(by: { id: $id }) { status } }', { id: first.id })).order.status, 'PENDING');
  await submit.filter({ hasText: /^Try again: / }).click();
  await dialog.waitFor({ state: 'hidden' });
  await becomes('CANCELLED');

  const second = await placed();
  await page.goto(`${url}/#/orders/${second.id}`);
  await becomes('PENDING');
  await open('hold');
  await dialog.getByLabel('Why it has to wait').fill('The address is unclear.');
  await shop.do('orderCancel', 'OrderCancelInput', { orderId: second.id, reason: 'Bought elsewhere.' }, 'order { id }');
  await submit.click();
  await dialog.getByRole('alert').filter({ hasText: "this can't be done any more:" }).waitFor();
  assert.ok(await submit.isDisabled());
  await dialog.getByText('Close').click();
  await becomes('CANCELLED');
  assert.equal(await page.locator('main [data-act=hold]').count(), 0);
  await page.context().close();
}

/** The dialog of a feed with a document in it. */
async function offer(page, name, text) {
  await page.getByRole('button', { name: 'Upload a feed' }).click();
  const dialog = page.getByRole('dialog');
  await dialog.getByLabel('Document').setInputFiles({ name, mimeType: 'text/plain', buffer: Buffer.from(text) });
  await dialog.getByRole('button', { name: 'Preview' }).click();
  return dialog;
}

/** A supplier sends a feed, after it has seen what it would change. */
export async function sendsAFeed({ url }) {
  const operator = await demoUser(url, 'operator');
  const page = await visitAs(url, `supplier:${options.supplier}`, '/suppliers', { forgives: (what) => what.includes('422 (Unprocessable Entity)') });
  const onHand = async () => {
    const { inventoryLevels } = await operator.ask('{ inventoryLevels(filter: {skus: ["NW-004"]}, first: 5) { nodes { onHand location { code } } } }');
    return inventoryLevels.nodes.find((l) => l.location.code === options.supplier).onHand;
  };
  const before = await onHand();
  const dialog = await offer(page, 'broken.csv', 'Vendor SKU,On Hand\n4,12.5\n5,3\n65,1.000\n');
  await dialog.getByRole('alert').filter({ hasText: /line 2:.*12\.5/s }).filter({ hasText: /line 4:/ }).waitFor();
  assert.equal(await dialog.getByRole('button', { name: /^Send/ }).count(), 0);
  await dialog.getByRole('button', { name: 'Leave it' }).click();

  const odd = `odd-${randomUUID().slice(0, 8)}`;
  const sequence = '41';
  const cases = Math.floor(before / 48) + 3;
  await offer(page, 'stock.csv', `Vendor SKU,On Hand,Unit\n4,${cases},case\n${odd},1,case\n`);
  const preview = dialog.locator('.feed-preview[data-changes="1"][data-rejected="1"]');
  await preview.waitFor();
  const would = await preview.getByRole('row').filter({ hasText: 'NW-004' }).locator('[data-head=Then]').textContent();
  assert.equal(await onHand(), before, 'the preview has changed something');
  await dialog.getByRole('textbox', { name: 'Sequence' }).fill(sequence);
  await dialog.getByRole('button', { name: 'Preview' }).click();
  await preview.waitFor();
  await confirm(page, 'Send 2 rows');
  const result = page.getByRole('table', { name: 'Feeds and what came of them' }).getByRole('row').filter({ has: page.locator('[data-head=Sequence]', { hasText: sequence }) });
  await result.locator('[data-head=Applied]', { hasText: /^1$/ }).waitFor();
  await result.locator('[data-head=Rejected]', { hasText: /^1$/ }).waitFor();
  assert.equal(await onHand(), Number(would.replace(/\D/g, '')));
  assert.notEqual(await onHand(), before);
  await page.context().close();
}
