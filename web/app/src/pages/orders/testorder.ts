import type { Line, Order, Part } from "./model";

/** An order for tests: ten of one product, all open. */
export function anOrder(more: Partial<Order> = {}, line: Partial<Line> = {}): Order {
  return {
    id: "ord_1",
    number: "11077",
    externalReference: null,
    status: "PENDING",
    nextStatuses: [],
    holdReason: null,
    version: 1,
    placedAt: "2026-11-01T08:00:00Z",
    updatedAt: "2026-11-01T08:00:00Z",
    customer: null,
    total: null,
    lines: [
      {
        id: "line_1",
        product: { id: "prod_1", sku: "NW-065", name: "Hot sauce", baseUnit: "BOTTLE" },
        quantity: 10,
        open: 10,
        backordered: 0,
        shipped: 0,
        cancelled: 0,
        returned: 0,
        unitPrice: null,
        discount: null,
        total: null,
        ...line,
      },
    ],
    fulfillmentOrders: [],
    history: [],
    returns: [],
    ...more,
  };
}

/** Its part, with the supplier sup_1. */
export function aPart(more: Partial<Part> = {}): Part {
  return {
    id: "fo_1",
    status: "SUBMITTED",
    nextStatuses: [],
    version: 1,
    submittedAt: "2026-11-01T08:00:00Z",
    acknowledgeBy: null,
    location: { id: "loc_1", code: "one", name: "One", kind: "SUPPLIER" },
    supplier: { id: "sup_1", name: "One" },
    shipTo: null,
    lines: [
      {
        id: "fol_1",
        orderLine: { id: "line_1" },
        quantity: 10,
        accepted: null,
        shipped: 0,
        supplierSku: "65",
        supplierUnit: "CASE",
        packQuantity: 5,
        supplierQuantity: 2,
      },
    ],
    fulfillments: [],
    ...more,
  };
}
