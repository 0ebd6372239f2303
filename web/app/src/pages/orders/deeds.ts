import { call, type Call } from "../../api/intent";
import { list, number } from "../../format";
import {
  OrderCancelDocument,
  OrderHoldDocument,
  OrderReleaseHoldDocument,
  OrderSetStatusDocument,
  PartAcceptCancellationDocument,
  PartRejectCancellationDocument,
  PartRejectDocument,
  ReturnCancelDocument,
  ShipmentCancelDocument,
  ShipmentDeliveredDocument,
  ShipmentFailedDocument,
  type OrderStatus,
} from "../../gql/graphql";
import { toCome, type Order, type Part } from "./model";
import type { Action } from "./rights";

/** What the button of each action says. */
export const labels: Record<Action["act"], string> = {
  "accept-all": "Accept all parts…",
  "ship-all": "Ship all that remains…",
  "deliver-all": "All has arrived…",
  hold: "Hold…",
  release: "Release hold…",
  cancel: "Cancel order…",
  return: "Announce a return…",
  accept: "Accept…",
  reject: "Reject…",
  ship: "Ship…",
  "accept-cancellation": "Accept cancellation…",
  "reject-cancellation": "Reject cancellation…",
  "mark-shipped": "It has left…",
  "mark-delivered": "Delivered…",
  "mark-failed": "Failed…",
  "cancel-shipment": "Won't leave…",
  receive: "Receive…",
  "cancel-return": "Give up…",
};

/** Something that is done by saying yes, and perhaps why. */
export interface Deed {
  title: string;
  /** What will happen, in plain words. */
  says: string;
  verb: string;
  danger?: boolean;
  /** What to ask for beside the yes. */
  reason?: { label: string; required: boolean; field: "reason" | "note" };
  /** Said once it is done. */
  done: string;
  call: (key: string, reason: string) => Call;
}

const names = (parts: Part[]) => list(parts.map((p) => p.location.name));
const open = (part: Part) => ["SUBMITTED", "ACCEPTED", "PARTIALLY_ACCEPTED", "IN_PROGRESS"].includes(part.status);

/** The deed that an action is, or null for those that ask for more than a yes. */
export function deedOf(action: Action, order: Order): Deed | null {
  const orderId = order.id;
  const expectedVersion = order.version;
  const title = (what: string) => `${what} order ${order.number}`;
  const part = "partId" in action ? order.fulfillmentOrders.find((f) => f.id === action.partId) : undefined;
  const from = part ? `from ${part.location.name}` : "";
  const setStatus = (status: OrderStatus) => (key: string, note: string) =>
    call(OrderSetStatusDocument, { input: { idempotencyKey: key, orderId, status, note: note || null, expectedVersion } });
  const note = { label: "Note (optional)", required: false, field: "note" } as const;
  const why = { label: "Reason", required: true, field: "reason" } as const;
  const maybeWhy = { label: "Reason (optional)", required: false, field: "reason" } as const;
  const respond = (key: string, reason: string) => ({
    input: { idempotencyKey: key, fulfillmentOrderId: part?.id ?? "", expectedVersion: part?.version ?? null, reason: reason || null },
  });
  const end = (key: string, reason: string) => ({
    input: { idempotencyKey: key, fulfillmentId: "shipmentId" in action ? action.shipmentId : "", reason },
  });

  switch (action.act) {
    case "accept-all":
      return {
        title: title("Accept"),
        says: "Every part that waits for an answer, and that you may answer, is accepted in full.",
        verb: "Accept all",
        reason: note,
        done: `Order ${order.number} is accepted.`,
        call: setStatus("PROCESSING"),
      };
    case "ship-all":
      return {
        title: title("Ship"),
        says: "All that remains of the parts that you may ship has left, as of now, without a carrier or a tracking number. It is taken from stock.",
        verb: "Ship all that remains",
        reason: note,
        done: `What remained of order ${order.number} is on its way.`,
        call: setStatus("SHIPPED"),
      };
    case "deliver-all":
      return {
        title: title("Deliver"),
        says: "Every shipment that is on its way, and is yours to report on, has arrived.",
        verb: "All has arrived",
        reason: note,
        done: `The shipments of order ${order.number} are delivered.`,
        call: setStatus("DELIVERED"),
      };
    case "hold":
      return {
        title: title("Hold"),
        says: "Nothing of the order moves until it is released: no part of it can be accepted, shipped or cancelled, and backorders wait. It keeps the stock that it has.",
        verb: "Hold",
        reason: { ...why, label: "Why it has to wait" },
        done: `Order ${order.number} is on hold.`,
        call: (key, reason) => call(OrderHoldDocument, { input: { idempotencyKey: key, orderId, reason, expectedVersion } }),
      };
    case "release":
      return {
        title: title("Release"),
        says: "The order goes on where it stood, and what is backordered takes its turn again.",
        verb: "Release",
        done: `Order ${order.number} is released.`,
        call: (key) => call(OrderReleaseHoldDocument, { input: { idempotencyKey: key, orderId, expectedVersion } }),
      };
    case "cancel":
      return {
        title: title("Cancel"),
        says: cancelWords(order),
        verb: "Cancel the order",
        danger: true,
        reason: why,
        done: `Order ${order.number}: what could be cancelled is.`,
        call: (key, reason) => call(OrderCancelDocument, { input: { idempotencyKey: key, orderId, reason, expectedVersion } }),
      };
    case "reject":
      return {
        title: `Reject the part ${from}`,
        says: "All of it is refused. It goes to another location that can serve it, as a new part; else it is backordered. This location isn't asked again for these products by this order.",
        verb: "Reject all of it",
        danger: true,
        reason: why,
        done: `The part ${from} is rejected.`,
        call: (key, reason) => call(PartRejectDocument, respond(key, reason)),
      };
    case "accept-cancellation":
      return {
        title: `Accept the cancellation ${from}`,
        says: "What remains of this part won't be shipped, and its stock is given back. What has shipped stays shipped.",
        verb: "Accept the cancellation",
        reason: maybeWhy,
        done: `What remained ${from} is cancelled.`,
        call: (key, reason) => call(PartAcceptCancellationDocument, respond(key, reason)),
      };
    case "reject-cancellation":
      return {
        title: `Reject the cancellation ${from}`,
        says: "The part is again what it was before it was asked to be cancelled, and goes on.",
        verb: "Reject the cancellation",
        reason: maybeWhy,
        done: `The part ${from} goes on.`,
        call: (key, reason) => call(PartRejectCancellationDocument, respond(key, reason)),
      };
    case "mark-delivered":
      return {
        title: `Shipment ${from}`,
        says: "It has arrived, as of now. Once all of an order's shipments have, and nothing is open, the order is delivered.",
        verb: "It has arrived",
        done: "The shipment is delivered.",
        call: (key) => call(ShipmentDeliveredDocument, { input: { idempotencyKey: key, fulfillmentId: "shipmentId" in action ? action.shipmentId : "" } }),
      };
    case "mark-failed":
      return {
        title: `Shipment ${from}`,
        says: "It won't arrive. Its goods stay counted as shipped: they don't come back to stock by this.",
        verb: "It won't arrive",
        danger: true,
        reason: { ...why, label: "What became of it" },
        done: "The shipment is marked as failed.",
        call: (key, reason) => call(ShipmentFailedDocument, end(key, reason)),
      };
    case "cancel-shipment":
      return {
        title: `Shipment ${from}`,
        says: "It was made ready and won't leave. Its goods can be put into another shipment.",
        verb: "It won't leave",
        danger: true,
        reason: why,
        done: "The shipment is cancelled.",
        call: (key, reason) => call(ShipmentCancelDocument, end(key, reason)),
      };
    case "cancel-return": {
      const back = order.returns.find((r) => r.id === action.returnId);
      const left = back?.lines.reduce((n, l) => n + toCome(l), 0) ?? 0;
      return {
        title: `Return of order ${order.number}`,
        says: `The ${number(left)} that have not come back are given up: they won't. What has come in stays as it is.`,
        verb: "Give it up",
        danger: true,
        reason: maybeWhy,
        done: "The return is given up.",
        call: (key, reason) =>
          call(ReturnCancelDocument, {
            input: { idempotencyKey: key, returnId: action.returnId, reason: reason || null, expectedVersion: back?.version ?? null },
          }),
      };
    }
    default:
      return null;
  }
}

function cancelWords(order: Order): string {
  const going = order.fulfillmentOrders.filter(open);
  const asked = going.filter((f) => f.supplier && f.status !== "SUBMITTED");
  const atOnce = going.filter((f) => !asked.includes(f));
  const said: string[] = [];
  if (atOnce.length > 0) said.push(`Cancelled at once, with the stock given back: ${names(atOnce)}.`);
  if (asked.length > 0) said.push(`Asked to cancel, because they have taken it on: ${names(asked)}.`);
  const waits = order.lines.reduce((n, l) => n + l.backordered, 0);
  if (waits > 0) said.push(`The ${number(waits)} that are backordered are given up.`);
  if (order.lines.some((l) => l.shipped > 0)) said.push("What has shipped stays shipped.");
  said.push("This can't be taken back.");
  return said.join(" ");
}
