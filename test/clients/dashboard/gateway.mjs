// What others do by the API, while somebody looks at the dashboard.

import { randomUUID } from 'node:crypto';

/** Somebody who asks a gateway with a token. */
export class Caller {
  constructor(url, token) {
    this.url = url;
    this.token = token;
  }

  async ask(query, variables = {}) {
    const answer = await fetch(`${this.url}/graphql`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${this.token}` },
      body: JSON.stringify({ query, variables }),
    });
    const { data, errors } = await answer.json();
    if (errors) throw new Error(`${query.trim().slice(0, 60)}: ${JSON.stringify(errors)}`);
    return data;
  }

  /** Does a mutation, which has to succeed. */
  async do(name, type, input, selection) {
    const { payload } = await this.ask(
      `mutation($input: ${type}!) { payload: ${name}(input: $input) { ${selection} userErrors { code message field } } }`,
      { input: { idempotencyKey: randomUUID(), ...input } },
    );
    if (payload.userErrors.length > 0) throw new Error(`${name}: ${JSON.stringify(payload.userErrors)}`);
    return payload;
  }

  /** Changes what is on hand, and returns the level. */
  async adjust(sku, locationCode, delta) {
    const { rows } = await this.do(
      'inventoryAdjust',
      'InventoryAdjustInput',
      { reason: 'CORRECTED', changes: [{ stock: { sku, locationCode }, delta }] },
      'rows { level { version onHand available } }',
    );
    return rows[0].level;
  }

  /** Sends a feed of a supplier's own SKUs and quantities. */
  feed(rows) {
    return this.do('supplierFeedSubmit', 'SupplierFeedInput', { mode: 'PARTIAL', asOf: new Date().toISOString(), rows }, 'applied rejected');
  }

  /** What is on hand of every level. */
  async everyLevel() {
    const all = [];
    for (let after = null; ; ) {
      const { inventoryLevels } = await this.ask(
        'query($after: String) { inventoryLevels(first: 250, after: $after) { nodes { onHand } pageInfo { hasNextPage endCursor } } }',
        { after },
      );
      all.push(...inventoryLevels.nodes);
      if (!inventoryLevels.pageInfo.hasNextPage) return all;
      after = inventoryLevels.pageInfo.endCursor;
    }
  }
}

/** Somebody of the demo. */
export async function demoUser(url, id) {
  const answer = await fetch(`${url}/dashboard/token`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ id }),
  });
  if (!answer.ok) throw new Error(`no token for ${id}: ${answer.status}`);
  return new Caller(url, (await answer.json()).access_token);
}
