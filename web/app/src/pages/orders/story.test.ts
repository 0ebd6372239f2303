import { describe, expect, it } from "vitest";
import { differences, story } from "./story";
import { anOrder, aPart } from "./testorder";

describe("the timeline", () => {
  it("has statuses, shipments and returns, the newest first", () => {
    const told = story(
      anOrder({
        history: [
          { from: null, to: "PENDING", actor: "shop", note: null, at: "2026-11-01T08:00:00Z" },
          { from: "PENDING", to: "SHIPPED", actor: null, note: "go", at: "2026-11-02T08:00:00Z" },
        ],
        fulfillmentOrders: [
          aPart({
            fulfillments: [
              { id: "ful_1", status: "DELIVERED", carrier: "UPS", trackingNumber: "1Z", trackingUrl: null, shippedAt: "2026-11-02T08:00:00Z", deliveredAt: "2026-11-03T08:00:00Z", lines: [{ orderLine: { id: "line_1" }, quantity: 10 }] },
            ],
          }),
        ],
        returns: [
          { id: "ret_1", status: "REQUESTED", reason: "broken", version: 1, createdAt: "2026-11-04T08:00:00Z", updatedAt: "2026-11-04T08:00:00Z", lines: [{ id: "rl", orderLine: { id: "line_1" }, quantity: 2, restocked: 0, writtenOff: 0 }] },
        ],
      }),
    );
    expect(told.map((c) => c.text)).toEqual(["Return announced: 2", "Delivered from One: 10", "Shipped from One: 10", "Pending → shipped", "Placed, pending"]);
    expect(told.map((c) => c.note)).toEqual(["broken", "UPS 1Z", "UPS 1Z", "go", null]);
  });
});

describe("what has changed", () => {
  const before = anOrder({ fulfillmentOrders: [aPart()] });
  it("is told of the order, its parts and its lines", () => {
    const after = anOrder({ status: "PROCESSING", version: 2, fulfillmentOrders: [aPart({ status: "ACCEPTED" }), aPart({ id: "fo_2" })] }, { open: 8, backordered: 2 });
    expect(differences(before, after)).toEqual([
      "The order was pending, and is processing.",
      "The part from One was submitted, and is accepted.",
      "A part from One is new.",
      "Of Hot sauce 8 are open, and were 10.",
      "Of Hot sauce 2 are backordered, and were 0.",
    ]);
  });
  it("is something unseen where nothing that is seen is different", () => {
    expect(differences(before, { ...before, version: 2 })).toHaveLength(1);
  });
});
