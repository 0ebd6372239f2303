import type { BoardOrderFragment, OrderDetailQuery, OrderStatus } from "../../gql/graphql";

export type BoardOrder = BoardOrderFragment;
export type Order = NonNullable<OrderDetailQuery["order"]>;
export type Line = Order["lines"][number];
export type Part = Order["fulfillmentOrders"][number];
export type PartLine = Part["lines"][number];
export type Shipment = Part["fulfillments"][number];
export type Return = Order["returns"][number];

/** The board's columns, in the order in which orders go through them. */
export const statuses: OrderStatus[] = ["PENDING", "PROCESSING", "ON_HOLD", "PARTIALLY_SHIPPED", "SHIPPED", "DELIVERED", "CANCELLED"];

/** Those at which an order normally ends. The board asks for the newest of them, and is told of all others. */
export const isClosed = (status: OrderStatus) => status === "DELIVERED" || status === "CANCELLED";

export function lineOf(order: Order, id: string): Line | undefined {
  return order.lines.find((l) => l.id === id);
}

/** What a part has still to ship of one of its lines. */
export function remaining(line: PartLine): number {
  return Math.max((line.accepted ?? line.quantity) - line.shipped, 0);
}

/** What could be put into another shipment: what remains, less what is in shipments that are made ready. */
export function shippable(part: Part, line: PartLine): number {
  let ready = 0;
  for (const s of part.fulfillments)
    if (s.status === "PENDING") for (const l of s.lines) if (l.orderLine.id === line.orderLine.id) ready += l.quantity;
  return Math.max(remaining(line) - ready, 0);
}

const returning = (r: Return) => r.status === "REQUESTED" || r.status === "PARTIALLY_RECEIVED";

/** What has been announced of a return's line and hasn't come in. */
export const toCome = (line: Return["lines"][number]) => Math.max(line.quantity - line.restocked - line.writtenOff, 0);

/** What may yet be announced to come back of a line: what was shipped, less what has come back and what is on its way. */
export function returnable(order: Order, line: Line): number {
  let n = line.shipped - line.returned;
  for (const r of order.returns) if (returning(r)) for (const l of r.lines) if (l.orderLine.id === line.id) n -= toCome(l);
  return Math.max(n, 0);
}
