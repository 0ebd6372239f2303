// One Chromium, and visits to a gateway's pages by people who share nothing.

import { createRequire } from 'node:module';
import { readFile } from 'node:fs/promises';

import { chromium } from 'playwright-core';

import { args } from '../browser.mjs';
import { options } from '../scenario.mjs';

const axe = await readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8');

/** How long a page may take for what it has to show. */
const patience = 30_000;

/** What the pages should not have done. */
export const faults = [];

let browser;

export async function open() {
  browser = await chromium.launch({ executablePath: options.chromium, headless: true, args });
  return browser;
}

export async function close() {
  await browser?.close();
}

/**
 * A page of somebody's own. Errors on its console, what its policy forbids and requests to anybody else are faults, but
 * for those that `forgives` says are to be. `prepare` has the page before it is loaded.
 */
export async function visit(url, { forgives = () => false, prepare = async () => {}, ...more } = {}) {
  const context = await browser.newContext({ locale: 'en-US', viewport: { width: 1280, height: 800 }, ...more });
  context.setDefaultTimeout(patience);
  const page = await context.newPage();
  const fault = (what) => forgives(what) || faults.push(`${page.url()}: ${what}`);
  page.on('console', (message) => {
    if (['error', 'warning'].includes(message.type())) fault(message.text());
  });
  page.on('pageerror', (error) => fault(error.stack));
  const home = new URL(url).host;
  const own = (to) => to.startsWith('data:') || to.startsWith('blob:') || new URL(to).host === home;
  context.on('request', (request) => own(request.url()) || fault(`asks ${request.url()}`));
  page.on('websocket', (socket) => own(socket.url()) || fault(`asks ${socket.url()}`));
  await prepare(page);
  await page.goto(url);
  return page;
}

/** Signs in as one of the demo's users, and waits for the first page. */
export async function enterAs(page, role) {
  await page.locator(`[data-role="${role}"]`).click();
  await page.locator('nav').waitFor();
}

/** A visit as one of the demo's users, at one of the pages. */
export async function visitAs(url, role, at, more) {
  const page = await visit(`${url}/#${at}`, more);
  await enterAs(page, role);
  return page;
}

/** Waits until the page follows all that happens. */
export async function isLive(page) {
  await page.locator('main [data-phase=live]').first().waitFor();
}

/** Presses a button of the dialog that is open, and waits until it is done and gone. */
export async function confirm(page, button) {
  const dialog = page.getByRole('dialog');
  await dialog.getByRole('button', { name: button, exact: true }).click();
  await dialog.waitFor({ state: 'hidden' });
}

const everything = { type: 'tag', values: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] };
const colours = { type: 'rule', values: ['color-contrast', 'link-in-text-block'] };
const places = ['scrollable-region-focusable', 'target-size', 'nested-interactive', 'aria-hidden-focus', 'meta-viewport'];

/**
 * What axe finds on a page that is serious or worse, and whether anything moves though it shouldn't: all of it where the page is wide, in the other colour
 * scheme what has to do with colours, and where it is narrow what has to do with where things are. Nothing else depends on those.
 */
export async function barriers(page, name, { schemes = ['dark', 'light'], without = [] } = {}) {
  const found = [];
  const rules = Object.fromEntries(without.map((id) => [id, { enabled: false }]));
  await page.evaluate(axe);
  const looks = schemes.map((scheme, i) => ({ width: 1280, scheme, runOnly: i === 0 ? everything : colours }));
  looks.push({ width: 360, scheme: schemes[0], runOnly: { type: 'rule', values: places.filter((id) => !without.includes(id)) } });
  for (const { width, scheme, runOnly } of looks) {
    await page.setViewportSize({ width, height: 800 });
    await page.emulateMedia({ colorScheme: scheme, reducedMotion: 'reduce' });
    const at = `${name}, ${scheme}, ${width} px wide`;
    const moves = await page.evaluate(() => document.getAnimations().length);
    if (moves > 0) found.push(`${at}: ${moves} things move for who wants them still`);
    const { violations } = await page.evaluate((o) => axe.run(document, o), { runOnly, rules, resultTypes: ['violations'] });
    for (const { id, impact, nodes } of violations)
      if (impact === 'serious' || impact === 'critical')
        found.push(`${at}: ${id}: ${nodes.slice(0, 3).map((n) => `${n.html.slice(0, 160)}: ${n.failureSummary}`).join('; ')}`);
  }
  await page.setViewportSize({ width: 1280, height: 800 });
  return found;
}
