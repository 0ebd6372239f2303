// Who may come in, and how.

import assert from 'node:assert/strict';

import { options } from '../scenario.mjs';
import { enterAs, isLive, visit } from './visit.mjs';

const links = (page) => page.locator('nav a').evaluateAll((all) => all.map((a) => a.firstChild.textContent));

const signedOut = (page) => page.getByRole('heading', { name: 'Look around as' }).waitFor();

/** Nothing that a page keeps beyond its memory is a token, or a secret. */
async function keepsNoTokens(page, ...secrets) {
  const kept = await page.evaluate(async () =>
    JSON.stringify([{ ...localStorage }, { ...sessionStorage }, document.cookie, (await indexedDB.databases()).map((d) => d.name), await caches.keys()]),
  );
  for (const secret of ['eyJ', ...secrets]) assert.ok(!kept.includes(secret), `a token is kept: ${kept}`);
}

/** By a role of the demo, and out again. */
export async function byRole({ url }) {
  const page = await visit(url);
  for (const [role, pages] of [
    ['operator', ['Stock', 'Orders', 'Conflicts', 'Suppliers', 'Pulse', 'API']],
    [`supplier:${options.supplier}`, ['Stock', 'Orders', 'Conflicts', 'Suppliers', 'API']],
    ['storefront', ['Orders', 'API']],
  ]) {
    await enterAs(page, role);
    assert.deepEqual(await links(page), pages, role);
    await isLive(page);
    await keepsNoTokens(page);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await signedOut(page);
    assert.equal(await page.locator('nav').count(), 0);
    await keepsNoTokens(page);
  }
  await page.context().close();
}

/** By a token that is pasted, which a reload forgets; one that is none is refused. */
export async function byToken({ url }) {
  const page = await visit(url, { forgives: (what) => what.includes('401 (Unauthorized)') });
  const paste = async (token) => {
    await page.getByLabel('Token').fill(token);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  };
  await paste('x.y.z');
  await page.getByRole('alert').filter({ hasText: 'The gateway refused this token.' }).waitFor();
  await paste(options.token);
  await page.locator('.who-name', { hasText: 'operator' }).waitFor();
  await isLive(page);
  await keepsNoTokens(page, options.token);
  await page.reload();
  await signedOut(page);
  await page.context().close();
}

/** By a client's id and secret, as a program would. */
export async function byClient({ url }) {
  const { id, secret } = options.client;
  const page = await visit(url, { forgives: (what) => what.includes('401 (Unauthorized)') });
  await page.getByRole('button', { name: 'Client', exact: true }).click();
  await page.getByLabel('Client id').fill(id);
  for (const [said, answer] of [
    ['wrong', page.getByRole('alert').filter({ hasText: "The client's id or secret is wrong." })],
    [secret, page.locator('.who-name', { hasText: id })],
  ]) {
    await page.getByLabel('Secret').fill(said);
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await answer.waitFor();
  }
  assert.deepEqual(await links(page), ['Stock', 'Orders', 'Conflicts', 'Suppliers', 'API']);
  await isLive(page);
  await keepsNoTokens(page, secret);
  await page.context().close();
}
