import { describe, expect, test, vi } from "vitest";
import { ringSize } from "./ring";
import { StockStore, type StockEvent } from "./store";
import { noFilter, order, ownSupplier, select, StockView } from "./view";

let cursors = 0;

interface Given {
  version?: number;
  available?: number;
  onHand?: number;
  reorderPoint?: number;
  stale?: boolean;
  supplier?: string | null;
}

function event(kind: StockEvent["kind"], id: string, given: Given = {}): StockEvent {
  const { version = 1, available = 10, onHand = available, reorderPoint = 2, stale = false, supplier = null } = given;
  return {
    cursor: `c${++cursors}`,
    kind,
    at: "2026-01-01T00:00:00Z",
    reason: null,
    level: {
      id,
      version,
      onHand,
      available,
      reserved: 1,
      committed: 2,
      incoming: 0,
      shortfall: 0,
      reorderPoint,
      stale,
      asOf: "2026-01-01T00:00:00Z",
      product: { id: `prod_${id}`, sku: `SKU-${id}`, name: `Thing ${id}`, category: "things", baseUnit: "PIECE" },
      location: { id: "loc_1", code: "MAIN", name: "Main", supplier: supplier === null ? null : { id: supplier, name: supplier } },
    },
  };
}

const caughtUp = (): StockEvent => ({ cursor: `c${++cursors}`, kind: "CAUGHT_UP", at: "2026-01-01T00:00:00Z", reason: null, level: null });

/** A store whose frames come when they are asked for. */
function newStore() {
  const frames: (() => void)[] = [];
  let now = 1_000_000;
  const store = new StockStore(
    (f) => frames.push(f),
    () => now,
  );
  const frame = () => frames.splice(0).forEach((f) => f());
  return { store, frame, frames, pass: (ms: number) => (now += ms) };
}

function live(...events: StockEvent[]) {
  const made = newStore();
  made.store.begin();
  for (const e of events) made.store.apply(e);
  made.store.apply(caughtUp());
  made.frame();
  return made;
}

test("after an expired cursor the snapshot's word counts, of older versions too: a database may have been restored", () => {
  const { store, frame } = live(event("SNAPSHOT", "a", { version: 7, available: 1 }), event("SNAPSHOT", "b", { version: 7 }));
  store.expired();
  store.begin();
  store.apply(event("SNAPSHOT", "a", { version: 3, available: 10 }));
  store.apply(event("CHANGE", "a", { version: 4, available: 9 }));
  store.apply(caughtUp());
  frame();
  expect([...store.rows.keys()]).toEqual(["a"]);
  expect(store.rows.get("a")).toMatchObject({ version: 4, available: 9 });
  expect(store.refused).toBe(0);
});

describe("a snapshot, then changes", () => {
  test("what there is, and its totals", () => {
    const { store } = live(event("SNAPSHOT", "a"), event("SNAPSHOT", "b", { available: 1, onHand: 4, stale: true }));
    expect(store.totals).toEqual({ levels: 2, units: 14, low: 1, stale: 1 });
    expect(store.complete).toBe(true);
    expect(store.events).toBe(0);
  });

  test("a change takes the place of what was there", () => {
    const { store } = live(event("SNAPSHOT", "a"));
    const before = store.rows.get("a");
    const change = event("CHANGE", "a", { version: 2, available: 2 });
    store.apply(change);
    expect(store.rows.get("a")).not.toBe(before);
    expect(store.rows.get("a")).toMatchObject({ version: 2, available: 2, claimed: 3, low: true });
    expect(store.totals).toEqual({ levels: 1, units: 2, low: 1, stale: 0 });
    expect(store.cursor).toBe(change.cursor);
    expect(store.events).toBe(1);
  });

  test("a change between the parts of a snapshot isn't undone by it", () => {
    const { store } = newStore();
    store.begin();
    store.apply(event("CHANGE", "a", { version: 5, available: 7 }));
    store.apply(event("SNAPSHOT", "a", { version: 4, available: 9 }));
    store.apply(caughtUp());
    expect(store.rows.get("a")).toMatchObject({ version: 5, available: 7 });
    expect(store.totals.levels).toBe(1);
  });

  test("products and locations are kept once", () => {
    const { store } = live(event("SNAPSHOT", "a"), event("SNAPSHOT", "b"));
    expect(store.rows.get("a")?.location).toBe(store.rows.get("b")?.location);
  });
});

describe("what is told twice or late", () => {
  test("the same event again is refused, and counted", () => {
    const { store } = live(event("SNAPSHOT", "a"));
    const change = event("CHANGE", "a", { version: 2, available: 4 });
    store.apply(change);
    const row = store.rows.get("a");
    store.apply(change);
    expect(store.rows.get("a")).toBe(row);
    expect(store.events).toBe(1);
    expect(store.refused).toBe(1);
    expect(row?.moves?.length).toBe(2);
  });

  test("an older event doesn't undo a newer one", () => {
    const { store } = live(event("SNAPSHOT", "a"));
    store.apply(event("CHANGE", "a", { version: 3, available: 3 }));
    store.apply(event("CHANGE", "a", { version: 2, available: 8 }));
    expect(store.rows.get("a")).toMatchObject({ version: 3, available: 3 });
    expect(store.totals.units).toBe(3);
    expect(store.refused).toBe(1);
  });

  test("an old change doesn't bring back what was removed", () => {
    const { store } = live(event("SNAPSHOT", "a"));
    store.apply(event("REMOVED", "a", { version: 3 }));
    store.apply(event("CHANGE", "a", { version: 2 }));
    expect(store.rows.has("a")).toBe(false);
    store.apply(event("REMOVED", "a", { version: 3 }));
    expect(store.totals).toEqual({ levels: 0, units: 0, low: 0, stale: 0 });
    expect(store.refused).toBe(2);
  });
});

test("what is removed goes, and may come back", () => {
  const { store } = live(event("SNAPSHOT", "a"), event("SNAPSHOT", "b"));
  store.apply(event("REMOVED", "a", { version: 2 }));
  expect([...store.rows.keys()]).toEqual(["b"]);
  expect(store.totals.levels).toBe(1);
  store.apply(event("CHANGE", "a", { version: 3, available: 6 }));
  expect(store.rows.get("a")).toMatchObject({ available: 6 });
  expect(store.events).toBe(2);
});

describe("a lost connection", () => {
  test("after the snapshot, what is there stays", () => {
    const { store } = live(event("SNAPSHOT", "a"), event("SNAPSHOT", "b"));
    store.begin();
    store.apply(event("CHANGE", "a", { version: 2 }));
    store.apply(caughtUp());
    expect(store.totals.levels).toBe(2);
  });

  test("within the snapshot, what the next one doesn't tell of goes", () => {
    const { store } = newStore();
    store.begin();
    store.apply(event("SNAPSHOT", "a"));
    store.apply(event("SNAPSHOT", "b"));
    store.begin();
    store.apply(event("SNAPSHOT", "b"));
    expect(store.totals.levels).toBe(2);
    store.apply(caughtUp());
    expect([...store.rows.keys()]).toEqual(["b"]);
    expect(store.complete).toBe(true);
  });

  test("with an expired cursor, a new snapshot takes the place of all", () => {
    const { store } = live(event("SNAPSHOT", "a", { version: 4 }), event("SNAPSHOT", "b"));
    store.apply(event("REMOVED", "b", { version: 9 }));
    store.expired();
    store.begin();
    store.apply(event("SNAPSHOT", "b", { version: 2 }));
    store.apply(caughtUp());
    expect([...store.rows.keys()]).toEqual(["b"]);
  });
});

describe("telling", () => {
  test("once in a frame, and of a row only if it changed", () => {
    const { store, frame, frames } = live(event("SNAPSHOT", "a"), event("SNAPSHOT", "b"));
    const all = vi.fn();
    const a = vi.fn();
    const b = vi.fn();
    store.onFrame(all);
    const stop = store.onRow("a", a);
    store.onRow("b", b);
    for (let version = 2; version < 50; version++) store.apply(event("CHANGE", "a", { version }));
    expect(frames).toHaveLength(1);
    frame();
    expect([all.mock.calls.length, a.mock.calls.length, b.mock.calls.length]).toEqual([1, 1, 0]);
    stop();
    store.apply(event("CHANGE", "a", { version: 50 }));
    frame();
    expect(a).toHaveBeenCalledTimes(1);
  });

  test("the rate is over the last whole seconds", () => {
    const { store, pass } = live(event("SNAPSHOT", "a"));
    for (let version = 2; version < 12; version++) store.apply(event("CHANGE", "a", { version }));
    expect(store.rate()).toBe(0);
    pass(1000);
    expect(store.rate()).toBe(2);
    pass(10_000);
    expect(store.rate()).toBe(0);
  });
});

test("a sparkline has what was before the first change, and the last changes", () => {
  const { store } = live(event("SNAPSHOT", "a", { available: 100 }));
  store.apply(event("CHANGE", "a", { version: 2, available: 90 }));
  const moves = store.rows.get("a")?.moves;
  expect([moves?.at(0), moves?.at(1)]).toEqual([100, 90]);
  for (let i = 0; i < 2 * ringSize; i++) store.apply(event("CHANGE", "a", { version: 3 + i, available: i }));
  expect(moves?.length).toBe(ringSize);
  expect(moves?.at(0)).toBe(ringSize);
  expect(moves?.at(ringSize - 1)).toBe(2 * ringSize - 1);
});

describe("filters", () => {
  const { store } = live(
    event("SNAPSHOT", "a", { available: 1 }),
    event("SNAPSHOT", "b", { available: 30, stale: true, supplier: "sup_1" }),
    event("SNAPSHOT", "c", { available: 20 }),
  );
  const found = (filter: Partial<typeof noFilter>) => select(store.rows.values(), { ...noFilter, ...filter }).map((r) => r.id);

  test("narrow", () => {
    expect(found({})).toEqual(["a", "b", "c"]);
    expect(found({ low: true })).toEqual(["a"]);
    expect(found({ stale: true })).toEqual(["b"]);
    expect(found({ supplier: ownSupplier })).toEqual(["a", "c"]);
    expect(found({ supplier: "sup_1" })).toEqual(["b"]);
    expect(found({ search: "thing sku-C" })).toEqual(["c"]);
    expect(found({ category: "other" })).toEqual([]);
  });

  test("and are put in order", () => {
    const rows = [...store.rows.values()];
    expect(rows.sort(order({ key: "available", descending: true })).map((r) => r.id)).toEqual(["b", "c", "a"]);
    expect(rows.sort(order({ key: "sku", descending: false })).map((r) => r.id)).toEqual(["a", "b", "c"]);
  });
});

test("what moved last is first, and others come before it at most once a second", () => {
  vi.useFakeTimers();
  try {
    const { store, frame, pass } = live(event("SNAPSHOT", "a"), event("SNAPSHOT", "b"), event("SNAPSHOT", "c"));
    const view = new StockView(store);
    view.show(noFilter, { key: "moved", descending: true });
    const stop = view.follow();
    const change = (id: string, version: number) => {
      pass(10);
      store.apply(event("CHANGE", id, { version }));
      frame();
    };
    expect(view.ids).toEqual(["a", "b", "c"]);
    change("b", 2);
    change("c", 2);
    vi.advanceTimersByTime(990);
    expect(view.ids).toEqual(["a", "b", "c"]);
    vi.advanceTimersByTime(10);
    expect(view.ids).toEqual(["c", "b", "a"]);
    change("b", 3);
    vi.advanceTimersByTime(1_000);
    expect(view.ids).toEqual(["b", "c", "a"]);
    stop();
  } finally {
    vi.useRealTimers();
  }
});

test.each(["sku", "available", "onHand"] as const)("by %s, levels are in order again after some have changed, come and gone", (key) => {
  const levels = Array.from({ length: 60 }, (_, i) => String(i).padStart(2, "0"));
  const { store, frame } = live(...levels.map((id, i) => event("SNAPSHOT", id, { available: (i * 37) % 60, onHand: i % 7 })));
  const view = new StockView(store);
  const sort = { key, descending: true };
  view.show(noFilter, sort);
  for (let version = 2; version < 12; version++) {
    for (let i = version; i < 60; i += version) store.apply(event("CHANGE", `${levels[i]}`, { version, available: (i * version) % 60, onHand: version }));
    store.apply(event("REMOVED", `${levels[version]}`, { version }));
    store.apply(event("CHANGE", `new ${version}`, { available: version }));
    frame();
    view.show(noFilter, sort);
    expect(view.ids).toEqual([...store.rows.values()].sort(order(sort)).map((row) => row.id));
  }
  const { ids } = view;
  view.show(noFilter, sort);
  expect(view.ids, "where nothing has changed it is the same").toBe(ids);
});

test("turned to another part of stock, it has what that has once it was told, and nothing else", () => {
  const { store, frame } = live(event("SNAPSHOT", "a"), event("SNAPSHOT", "b"));
  store.turnTo("b's");
  store.begin();
  store.apply(event("SNAPSHOT", "b"));
  store.apply(caughtUp());
  frame();
  expect(store.part).toBe("b's");
  expect([...store.rows.keys()]).toEqual(["b"]);
  expect(store.totals.levels).toBe(1);
});
