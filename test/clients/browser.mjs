// A browser with one page.

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { chromium } from 'playwright-core';

import { options } from './scenario.mjs';

/** How Chromium is started: it asks nobody but whom the test names. */
export const args = [
  '--no-sandbox', // it doesn't start as root otherwise
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
];

/** Starts the browser that the options name, and ends it when the work is done. */
export async function browsing(work) {
  const profile = await mkdtemp(join(tmpdir(), 'redline-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: options.chromium,
    headless: true,
    bypassCSP: true, // the gateway's answers allow a page nothing, and the test has none of its own there
    args,
  });
  try {
    const page = context.pages()[0] ?? (await context.newPage());
    page.on('console', (message) => console.error('console:', message.text()));
    page.on('pageerror', (error) => console.error('page:', error.message));
    await work(page);
  } finally {
    await context.close();
    await rm(profile, { recursive: true, force: true });
  }
}
