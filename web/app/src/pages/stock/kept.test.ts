import { expect, test } from "vitest";
import { read, write } from "./kept";
import { StockStore, type StockEvent } from "./store";

let cursors = 0;

function event(kind: StockEvent["kind"], id: string, version: number, available: number): StockEvent {
  return {
    cursor: `c${++cursors}`,
    kind,
    at: "2026-01-01T00:00:00Z",
    reason: null,
    level: {
      id,
      version,
      onHand: available + 3,
      available,
      reserved: 1,
      committed: 2,
      incoming: 4,
      shortfall: 0,
      reorderPoint: 5,
      stale: id === "b",
      asOf: "2026-01-01T00:00:00Z",
      product: { id: "prod_1", sku: "ONE", name: "Thing", category: "things", baseUnit: "PIECE" },
      location: { id: `loc_${id}`, code: id, name: `At ${id}`, supplier: id === "a" ? null : { id: "sup_1", name: "Bottles & Co" } },
    },
  };
}

function followed(): StockStore {
  const store = new StockStore(() => {});
  store.begin();
  store.apply(event("SNAPSHOT", "a", 1, 10));
  store.apply(event("SNAPSHOT", "b", 1, 4));
  store.apply({ cursor: "caught up", kind: "CAUGHT_UP", at: "2026-01-01T00:00:00Z", reason: null, level: null });
  store.apply(event("CHANGE", "a", 2, 7));
  store.apply(event("CHANGE", "a", 3, 8));
  return store;
}

test("what was written is read: its levels, totals, movement and cursor", () => {
  const store = followed();
  const again = read(write("me", store, 1_000), "me", 2_000);
  expect(again?.complete).toBe(true);
  expect(again?.cursor).toBe(store.cursor);
  expect(again?.totals).toEqual(store.totals);
  expect([...(again?.rows.values() ?? [])]).toEqual([...store.rows.values()]);
  expect(again?.rows.get("a")?.moves?.all()).toEqual([10, 7, 8]);
});

test("what follows goes on from it, and what was told before is refused", () => {
  const again = read(write("me", followed(), 1_000), "me", 2_000, new StockStore(() => {}));
  again?.begin();
  again?.apply(event("CHANGE", "a", 3, 8));
  again?.apply(event("CHANGE", "a", 4, 1));
  expect(again?.refused).toBe(1);
  expect(again?.events).toBe(1);
  expect(again?.rows.get("a")).toMatchObject({ version: 4, available: 1, low: true });
  expect(again?.rows.get("a")?.moves?.all()).toEqual([10, 7, 8, 1]);
});

test("another viewer's is nobody's, and neither is one of long ago", () => {
  const text = write("me", followed(), 1_000);
  expect(read(text, "you", 2_000)).toBeNull();
  expect(read(text, "me", 1_000 + 5 * 60_000)).toBeNull();
});
