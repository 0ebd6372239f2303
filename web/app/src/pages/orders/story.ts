import { number, words } from "../../format";
import type { Order } from "./model";

/** One thing that happened to an order. */
export interface Chapter {
  at: string;
  text: string;
  /** In somebody's own words. */
  note: string | null;
  actor: string | null;
}

/** What happened to an order, the newest first: its statuses, its shipments and what came back. */
export function story(order: Order): Chapter[] {
  const chapters: Chapter[] = order.history.map(({ from, to, actor, note, at }) => ({
    at,
    text: from === null ? `Placed, ${words(to).toLowerCase()}` : from === to ? words(to) : `${words(from)} → ${words(to).toLowerCase()}`,
    note,
    actor,
  }));
  const add = (at: string | null, text: string, note: string | null = null) => at && chapters.push({ at, text, note, actor: null });
  for (const part of order.fulfillmentOrders)
    for (const s of part.fulfillments) {
      const units = number(s.lines.reduce((n, l) => n + l.quantity, 0));
      const by = [s.carrier, s.trackingNumber].filter(Boolean).join(" ") || null;
      add(s.shippedAt, `Shipped from ${part.location.name}: ${units}`, by);
      add(s.deliveredAt, `Delivered from ${part.location.name}: ${units}`, by);
    }
  for (const r of order.returns) {
    const sum = (of: (l: (typeof r.lines)[number]) => number) => r.lines.reduce((n, l) => n + of(l), 0);
    add(r.createdAt, `Return announced: ${number(sum((l) => l.quantity))}`, r.reason);
    const [restocked, gone] = [sum((l) => l.restocked), sum((l) => l.writtenOff)];
    if (r.status === "CANCELLED") add(r.updatedAt, "Return given up");
    else if (restocked + gone > 0) add(r.updatedAt, `Came back: ${number(restocked)} restocked, ${number(gone)} written off`);
  }
  return chapters
    .map((chapter, i) => ({ chapter, i }))
    .sort((a, b) => Date.parse(b.chapter.at) - Date.parse(a.chapter.at) || b.i - a.i)
    .map(({ chapter }) => chapter);
}

/** What is different between two readings of an order, in sentences: what somebody who looked at the first has to know. */
export function differences(before: Order, after: Order): string[] {
  const said: string[] = [];
  if (before.status !== after.status) said.push(`The order was ${words(before.status).toLowerCase()}, and is ${words(after.status).toLowerCase()}.`);
  if (after.holdReason && before.holdReason !== after.holdReason) said.push(`It is on hold: ${after.holdReason}`);
  for (const part of after.fulfillmentOrders) {
    const was = before.fulfillmentOrders.find((f) => f.id === part.id);
    if (!was) said.push(`A part from ${part.location.name} is new.`);
    else if (was.status !== part.status)
      said.push(`The part from ${part.location.name} was ${words(was.status).toLowerCase()}, and is ${words(part.status).toLowerCase()}.`);
    for (const s of part.fulfillments) {
      const seen = was?.fulfillments.find((f) => f.id === s.id);
      if (seen?.status !== s.status)
        said.push(`A shipment from ${part.location.name} is ${seen ? "" : "new, and "}${words(s.status).toLowerCase()}.`);
    }
  }
  for (const line of after.lines) {
    const was = before.lines.find((l) => l.id === line.id);
    if (!was) continue;
    for (const name of ["open", "backordered", "shipped", "cancelled", "returned"] as const)
      if (was[name] !== line[name]) said.push(`Of ${line.product.name} ${number(line[name])} are ${name}, and were ${number(was[name])}.`);
  }
  for (const r of after.returns) {
    const was = before.returns.find((b) => b.id === r.id);
    if (!was) said.push("A return was announced.");
    else if (was.status !== r.status) said.push(`A return was ${words(was.status).toLowerCase()}, and is ${words(r.status).toLowerCase()}.`);
  }
  return said.length > 0 ? said : ["What you see of it is the same; something that you don't see has changed."];
}
