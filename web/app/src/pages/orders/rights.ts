import type { Viewer } from "../../api/session";
import { returnable, shippable, type Order, type Part, type Return, type Shipment } from "./model";

export type OrderAct = "accept-all" | "ship-all" | "deliver-all" | "hold" | "release" | "cancel" | "return";
export type PartAct = "accept" | "reject" | "ship" | "accept-cancellation" | "reject-cancellation";
export type ShipmentAct = "mark-shipped" | "mark-delivered" | "mark-failed" | "cancel-shipment";
export type ReturnAct = "receive" | "cancel-return";

/** Something that may be done, and to what. */
export type Action =
  | { act: OrderAct }
  | { act: PartAct; partId: string }
  | { act: ShipmentAct; partId: string; shipmentId: string }
  | { act: ReturnAct; returnId: string };

const has = (viewer: Viewer, scope: string) => viewer.scopes.includes(scope);
const everywhere = (viewer: Viewer) => viewer.role === "OPERATOR" || viewer.role === "ADMIN";

/** Whether the viewer may fulfil the part: an operator any, a supplier its own. */
function fulfils(part: Part, viewer: Viewer): boolean {
  if (!has(viewer, "fulfillments:write")) return false;
  return everywhere(viewer) || viewer.suppliers.some((s) => s.id === part.supplier?.id);
}

/** What the viewer may do to the whole order. */
export function orderActs(order: Order, viewer: Viewer): OrderAct[] {
  const acts: OrderAct[] = [];
  const next = order.nextStatuses;
  if (order.status === "ON_HOLD") {
    if (next.length > 0 && has(viewer, "orders:manage")) acts.push("release");
  } else {
    const moves = has(viewer, "orders:manage") || has(viewer, "fulfillments:write");
    // Of a single part its own buttons do the same, and more.
    const several = order.fulfillmentOrders.length > 1;
    if (next.includes("PROCESSING") && moves && several) acts.push("accept-all");
    if (next.includes("SHIPPED") && moves && several) acts.push("ship-all");
    if (next.includes("DELIVERED") && moves && onTheirWay(order) > 1) acts.push("deliver-all");
    if (next.includes("ON_HOLD") && has(viewer, "orders:manage")) acts.push("hold");
    if (next.includes("CANCELLED") && has(viewer, "orders:write")) acts.push("cancel");
  }
  if (has(viewer, "orders:write") && order.lines.some((l) => returnable(order, l) > 0)) acts.push("return");
  return acts;
}

function onTheirWay(order: Order): number {
  return order.fulfillmentOrders.reduce((n, f) => n + f.fulfillments.filter((s) => s.status === "SHIPPED").length, 0);
}

/** What the viewer may do to a part of the order. Nothing of an order on hold moves. */
export function partActs(order: Order, part: Part, viewer: Viewer): PartAct[] {
  if (order.status === "ON_HOLD" || !fulfils(part, viewer)) return [];
  const next = part.nextStatuses;
  const acts: PartAct[] = [];
  if (part.status === "CANCELLATION_REQUESTED") {
    if (next.length > 0) acts.push("accept-cancellation", "reject-cancellation");
  } else {
    if (next.includes("ACCEPTED")) acts.push("accept");
    if (next.includes("REJECTED")) acts.push("reject");
  }
  const ships = next.includes("IN_PROGRESS") || next.includes("CLOSED");
  if (ships && part.lines.some((l) => shippable(part, l) > 0)) acts.push("ship");
  return acts;
}

/** What the viewer may do to a shipment. What is on its way may arrive while the order is on hold. */
export function shipmentActs(order: Order, part: Part, shipment: Shipment, viewer: Viewer): ShipmentAct[] {
  if (!fulfils(part, viewer)) return [];
  if (shipment.status === "SHIPPED") return ["mark-delivered", "mark-failed"];
  if (shipment.status !== "PENDING" || order.status === "ON_HOLD") return [];
  return ["mark-shipped", "cancel-shipment"];
}

/** What the viewer may do to goods that come back. */
export function returnActs(back: Return, viewer: Viewer): ReturnAct[] {
  if (back.status !== "REQUESTED" && back.status !== "PARTIALLY_RECEIVED") return [];
  const acts: ReturnAct[] = [];
  const receives = everywhere(viewer) || viewer.role === "SUPPLIER";
  if (receives && (has(viewer, "orders:manage") || has(viewer, "fulfillments:write"))) acts.push("receive");
  if (has(viewer, "orders:write")) acts.push("cancel-return");
  return acts;
}

/** Whether an action that somebody began may still be done, now that the order is so. */
export function stillMay(action: Action, order: Order, viewer: Viewer): boolean {
  if ("returnId" in action) {
    const back = order.returns.find((r) => r.id === action.returnId);
    return !!back && returnActs(back, viewer).includes(action.act);
  }
  if (!("partId" in action)) return orderActs(order, viewer).includes(action.act);
  const part = order.fulfillmentOrders.find((f) => f.id === action.partId);
  if (!part) return false;
  if (!("shipmentId" in action)) return partActs(order, part, viewer).includes(action.act);
  const shipment = part.fulfillments.find((s) => s.id === action.shipmentId);
  return !!shipment && shipmentActs(order, part, shipment, viewer).includes(action.act);
}
