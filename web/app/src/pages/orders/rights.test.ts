import { describe, expect, it } from "vitest";
import type { Viewer } from "../../api/session";
import { returnable, shippable, type Order, type Part } from "./model";
import { orderActs, partActs, returnActs, shipmentActs, stillMay } from "./rights";
import { anOrder, aPart } from "./testorder";

const viewer = (role: Viewer["role"], scopes: string[], suppliers: string[] = []): Viewer => ({
  subject: "s",
  role,
  scopes,
  suppliers: suppliers.map((id) => ({ id, code: id, name: id })),
  expiresAt: null,
});
const operator = viewer("OPERATOR", ["orders:read", "orders:write", "orders:manage", "fulfillments:write"]);
const supplier = viewer("SUPPLIER", ["orders:read", "fulfillments:write"], ["sup_1"]);
const shop = viewer("STOREFRONT", ["orders:read", "orders:write"]);
const reader = viewer("OPERATOR", ["orders:read"]);

describe("of an order", () => {
  const two = anOrder({
    nextStatuses: ["PROCESSING", "ON_HOLD", "SHIPPED", "CANCELLED"],
    fulfillmentOrders: [aPart(), aPart({ id: "fo_2" })],
  });
  it("an operator may do what is next", () => {
    expect(orderActs(two, operator)).toEqual(["accept-all", "ship-all", "hold", "cancel"]);
  });
  it("a single part's own actions aren't repeated", () => {
    expect(orderActs({ ...two, fulfillmentOrders: [aPart()] }, operator)).toEqual(["hold", "cancel"]);
  });
  it("a shop may cancel what it placed, where the gateway says so", () => {
    expect(orderActs({ ...two, nextStatuses: ["CANCELLED"] }, shop)).toEqual(["cancel"]);
    expect(orderActs({ ...two, nextStatuses: [] }, shop)).toEqual([]);
  });
  it("scopes count, whatever is next", () => {
    expect(orderActs(two, reader)).toEqual([]);
  });
  it("one on hold is only released", () => {
    const held = { ...two, status: "ON_HOLD", nextStatuses: ["PENDING"] } as Order;
    expect(orderActs(held, operator)).toEqual(["release"]);
    expect(partActs(held, aPart({ nextStatuses: ["ACCEPTED"] }), operator)).toEqual([]);
  });
});

describe("of a part", () => {
  const part = aPart({ nextStatuses: ["ACCEPTED", "PARTIALLY_ACCEPTED", "REJECTED", "IN_PROGRESS", "CLOSED", "CANCELLED"] });
  const order = anOrder({ fulfillmentOrders: [part] });
  it("its supplier and an operator may answer and ship", () => {
    expect(partActs(order, part, supplier)).toEqual(["accept", "reject", "ship"]);
    expect(partActs(order, part, operator)).toEqual(["accept", "reject", "ship"]);
  });
  it("another supplier and a shop may not", () => {
    expect(partActs(order, part, { ...supplier, suppliers: [{ id: "sup_2", code: "2", name: "2" }] })).toEqual([]);
    expect(partActs(order, part, shop)).toEqual([]);
  });
  it("a cancellation that was asked for is answered, or shipped all the same", () => {
    const asked: Part = { ...part, status: "CANCELLATION_REQUESTED", nextStatuses: ["IN_PROGRESS", "CLOSED", "CANCELLED", "ACCEPTED"] };
    expect(partActs(order, asked, supplier)).toEqual(["accept-cancellation", "reject-cancellation", "ship"]);
  });
  it("what is in a shipment that is made ready can't be shipped twice", () => {
    const ready = shipment("PENDING", 10);
    const all: Part = { ...part, fulfillments: [ready] };
    expect(shippable(all, all.lines[0]!)).toBe(0);
    expect(partActs(order, all, supplier)).toEqual(["accept", "reject"]);
    expect(shipmentActs(order, all, ready, supplier)).toEqual(["mark-shipped", "cancel-shipment"]);
  });
  it("what is on its way may arrive while the order is on hold", () => {
    const held = { ...order, status: "ON_HOLD" } as Order;
    expect(shipmentActs(held, part, shipment("SHIPPED", 1), supplier)).toEqual(["mark-delivered", "mark-failed"]);
    expect(shipmentActs(held, part, shipment("PENDING", 1), supplier)).toEqual([]);
    expect(shipmentActs(order, part, shipment("DELIVERED", 1), supplier)).toEqual([]);
  });
});

describe("of a return", () => {
  const back = { id: "ret_1", status: "REQUESTED", reason: null, version: 1, createdAt: "", updatedAt: "", lines: [{ id: "rl", orderLine: { id: "line_1" }, quantity: 3, restocked: 1, writtenOff: 0 }] } as Order["returns"][number];
  it("who receives and who gives up", () => {
    expect(returnActs(back, operator)).toEqual(["receive", "cancel-return"]);
    expect(returnActs(back, supplier)).toEqual(["receive"]);
    expect(returnActs(back, shop)).toEqual(["cancel-return"]);
    expect(returnActs({ ...back, status: "RECEIVED" }, operator)).toEqual([]);
  });
  it("what is on its way back isn't announced again", () => {
    const order = anOrder({ returns: [back] }, { shipped: 10, returned: 1 });
    expect(returnable(order, order.lines[0]!)).toBe(7);
    expect(orderActs(order, shop)).toContain("return");
    expect(returnable({ ...order, returns: [{ ...back, status: "RECEIVED" }] }, order.lines[0]!)).toBe(9);
  });
});

it("an action that was begun may be over", () => {
  const part = aPart({ nextStatuses: ["ACCEPTED"] });
  const order = anOrder({ fulfillmentOrders: [part] });
  expect(stillMay({ act: "accept", partId: "fo_1" }, order, supplier)).toBe(true);
  expect(stillMay({ act: "accept", partId: "fo_1" }, anOrder({ fulfillmentOrders: [{ ...part, nextStatuses: [] }] }), supplier)).toBe(false);
  expect(stillMay({ act: "accept", partId: "fo_9" }, order, supplier)).toBe(false);
});

function shipment(status: Part["fulfillments"][number]["status"], quantity: number): Part["fulfillments"][number] {
  const none = { carrier: null, trackingNumber: null, trackingUrl: null, shippedAt: null, deliveredAt: null };
  return { id: "ful_1", status, ...none, lines: [{ orderLine: { id: "line_1" }, quantity }] };
}
