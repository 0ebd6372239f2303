import { describe, expect, it } from "vitest";
import type { LiveEvent } from "../../api/live";
import { Board, meets, neighbour } from "./board";
import type { BoardOrder } from "./model";

const order = (id: string, status: BoardOrder["status"], version = 1, more: Partial<BoardOrder> = {}): BoardOrder => ({
  id,
  number: id.toUpperCase(),
  externalReference: null,
  status,
  version,
  customer: null,
  total: null,
  lines: [],
  fulfillmentOrders: [],
  placedAt: "2026-11-01T00:00:00Z",
  updatedAt: `2026-11-01T00:00:0${version}Z`,
  ...more,
});
const event = (kind: LiveEvent["kind"], of: BoardOrder | null = null) => ({ kind, order: of, cursor: "c", at: "2026-11-01T00:00:00Z" });
const all = { text: "", supplier: "" };

function opened() {
  const board = new Board((tell) => (tell(), null));
  let closings = 0;
  board.onClosing = () => closings++;
  const ids = () => Object.fromEntries(board.columns(all).map((c) => [c.status, c.orders.map((o) => o.id)]).filter(([, of]) => of?.length));
  return { board, ids, closings: () => closings };
}

describe("the board", () => {
  it("puts each order into the column of its status, the newest change first", () => {
    const { board, ids } = opened();
    board.orders.begin();
    for (const o of [order("a", "PENDING", 1), order("b", "PENDING", 3), order("c", "SHIPPED", 2)]) board.take(event("SNAPSHOT", o));
    board.take(event("CAUGHT_UP"));
    expect(ids()).toEqual({ PENDING: ["b", "a"], SHIPPED: ["c"] });
  });

  it("moves a card as it changes, and keeps one that has ended", () => {
    const { board, ids, closings } = opened();
    board.take(event("CHANGE", order("a", "PENDING", 1)));
    board.take(event("CHANGE", order("a", "PROCESSING", 2)));
    expect(ids()).toEqual({ PROCESSING: ["a"] });
    expect(closings()).toBe(0);
    board.take(event("REMOVED", order("a", "DELIVERED", 3)));
    expect(ids()).toEqual({ DELIVERED: ["a"] });
    expect(closings()).toBe(1);
    board.take(event("CHANGE", order("a", "SHIPPED", 4)));
    expect(ids()).toEqual({ SHIPPED: ["a"] });
    expect(closings()).toBe(2);
  });

  it("isn't led back by what was read before, or told twice", () => {
    const { board, ids } = opened();
    board.take(event("CHANGE", order("a", "SHIPPED", 5)));
    board.orders.put(order("a", "PENDING", 4));
    board.take(event("CHANGE", order("a", "PROCESSING", 3)));
    expect(ids()).toEqual({ SHIPPED: ["a"] });
  });

  it("drops what a snapshot that began again doesn't name, but for what has ended", () => {
    const { board, ids } = opened();
    board.orders.begin();
    board.take(event("SNAPSHOT", order("gone", "PENDING")));
    board.take(event("SNAPSHOT", order("stays", "PENDING", 2)));
    board.orders.put(order("old", "DELIVERED"));
    board.orders.begin();
    board.take(event("SNAPSHOT", order("stays", "PENDING", 2)));
    board.take(event("CHANGE", order("new", "PROCESSING")));
    board.take(event("CAUGHT_UP"));
    expect(ids()).toEqual({ PENDING: ["stays"], PROCESSING: ["new"], DELIVERED: ["old"] });
  });

  it("keeps all where it goes on by its cursor, and begins anew where that has expired", () => {
    const { board, ids } = opened();
    board.orders.begin();
    board.take(event("SNAPSHOT", order("a", "PENDING")));
    board.take(event("CAUGHT_UP"));
    board.orders.begin();
    board.take(event("CAUGHT_UP"));
    expect(ids()).toEqual({ PENDING: ["a"] });
    board.orders.expire();
    board.orders.begin();
    board.take(event("CAUGHT_UP"));
    expect(ids()).toEqual({});
  });
});

describe("the filter", () => {
  const o = order("x", "PENDING", 1, {
    number: "11077",
    externalReference: "Shop-7",
    customer: { id: "RATTC", name: "Rattlesnake Canyon" },
    fulfillmentOrders: [{ id: "f", supplier: { id: "sup_1", name: "One" } }],
  });
  it.each([["107", true], ["shop-7", true], ["rattle", true], ["rattc", true], [" 11077 ", true], ["nobody", false]])("finds %s: %s", (text, found) => {
    expect(meets(o, { text, supplier: "" })).toBe(found);
  });
  it("is of a supplier", () => {
    expect(meets(o, { text: "", supplier: "sup_1" })).toBe(true);
    expect(meets(o, { text: "", supplier: "sup_2" })).toBe(false);
  });
  it("has nothing to find where a supplier sees no customer", () => {
    expect(meets(order("x", "PENDING"), { text: "rattle", supplier: "" })).toBe(false);
  });
});

describe("the arrows", () => {
  const lengths = [2, 0, 3];
  it.each([
    [0, 0, "ArrowDown", [0, 1]],
    [0, 1, "ArrowDown", null],
    [0, 0, "ArrowUp", null],
    [0, 1, "ArrowRight", [2, 1]],
    [2, 2, "ArrowLeft", [0, 1]],
    [0, 0, "ArrowLeft", null],
    [2, 0, "End", [2, 2]],
    [2, 2, "Home", [2, 0]],
    [2, 2, "x", null],
  ] as const)("from column %i, card %i, %s", (column, index, key, to) => {
    expect(neighbour(lengths, column, index, key)).toEqual(to);
  });
});
