import { dateTime, duration, number, readable, unitName, words } from "../../format";
import type { ConflictKind, InboxConflictFragment } from "../../gql/graphql";

export type Conflict = InboxConflictFragment;

/** One thing that both sides speak of, or one of them. */
export interface Pair {
  about: string;
  theirs: string | null;
  ours: string | null;
}

/** A conflict's facts, by whose they are. */
export interface Sides {
  /** What it is about, which nobody disputes. */
  shared: { name: string; value: string }[];
  pairs: Pair[];
}

type Side = "shared" | "theirs" | "ours";

/** Whose each fact is, by its name. What isn't named here is what the supplier said. */
const owners: Record<ConflictKind, Record<string, Side>> = {
  OVERSOLD: { sku: "shared", location: "shared", reason: "shared", toldBy: "shared", onHand: "theirs", unavailable: "theirs", reserved: "ours", committed: "ours" },
  STALE_FEED: { confirmWithinSeconds: "ours", staleLevels: "ours" },
  UNMAPPED_SKU: { supplierSku: "shared" },
  PACK_MISMATCH: { supplierSku: "shared", unit: "shared" },
  SEQUENCE_GAP: { from: "ours", to: "ours" },
  MASS_ZEROING: { limitPercent: "ours" },
  SHIP_AFTER_CANCEL: { order: "shared", cancelledAt: "ours" },
  QUANTITY_EXCEEDS_ORDER: { order: "shared" },
  PRICE_MISMATCH: { supplierSku: "shared", agreed: "ours" },
};

const names: Record<string, string> = {
  sku: "SKU",
  supplierSku: "Supplier's SKU",
  onHand: "On hand",
  toldBy: "Told by",
  silentSince: "Silent since",
  confirmWithinSeconds: "Has to confirm within",
  staleLevels: "Stale levels",
  emptied: "Levels it would empty",
  of: "Levels with stock",
  limitPercent: "Most that it may empty",
  asOf: "As of",
  cancelledAt: "Cancelled",
  shippedAt: "Shipped",
  trackingNumber: "Tracking number",
  from: "First one missing",
  to: "Last one missing",
};

/** Sorts a conflict's facts by side; where both speak of the same they stand beside each other. */
export function sides({ kind, status, facts, subject }: Pick<Conflict, "kind" | "status" | "facts" | "subject">): Sides {
  if (kind === "PRICE_MISMATCH") return priceSides(facts);
  const shared: Sides["shared"] = [];
  const pairs: Pair[] = [];
  if (kind === "UNMAPPED_SKU" && status === "OPEN") pairs.push({ about: "Stands for", theirs: null, ours: "Nothing yet" });
  if (subject?.__typename === "SupplierItem")
    pairs.push({ about: "Packed as", theirs: null, ours: `${words(subject.unit)} of ${number(subject.packQuantity)}` });
  for (const { name, value } of facts) {
    const text = show(name, value);
    const [left, product] = [/^left (.+)$/.exec(name), /^shipped (.+)$/.exec(name)];
    if (kind === "QUANTITY_EXCEEDS_ORDER" && left) {
      const pair = pairs.find((p) => p.about === left[1] && p.ours === null);
      if (pair) pair.ours = `${text} left to ship`;
      else pairs.push({ about: left[1] ?? "", theirs: null, ours: `${text} left to ship` });
    } else if (product) pairs.push({ about: product[1] ?? "", theirs: `${text} shipped`, ours: kind === "SHIP_AFTER_CANCEL" ? "Cancelled" : null });
    else {
      const side = owners[kind][name] ?? "theirs";
      const about = names[name] ?? words(name);
      if (side === "shared") shared.push({ name: about, value: text });
      else pairs.push({ about, theirs: side === "theirs" ? text : null, ours: side === "ours" ? text : null });
    }
  }
  return { shared, pairs };
}

function priceSides(facts: Conflict["facts"]): Sides {
  const of = (name: string) => facts.find((f) => f.name === name)?.value ?? null;
  const sku = of("supplierSku");
  const [theirs, ours] = [of("stated"), of("agreed")];
  return {
    shared: sku === null ? [] : [{ name: "Supplier's SKU", value: sku }],
    pairs: theirs === null && ours === null ? [] : [{ about: "Cost of one of its units", theirs, ours }],
  };
}

function show(name: string, value: string): string {
  if (/^\d{4}-\d\d-\d\dT/.test(value) && !Number.isNaN(Date.parse(value))) return dateTime(value);
  if (name === "confirmWithinSeconds") return duration(Number(value));
  if (name === "limitPercent") return `${number(Number(value))} %`;
  if (name === "unit" || name === "reason") return words(value);
  const counts = /^(onHand|reserved|committed|unavailable|staleLevels|emptied|of|quantity|shipped .+|left .+)$/;
  return counts.test(name) && /^-?\d+$/.test(value) ? number(Number(value)) : value;
}

/** A conflict in one sentence: the gateway's, with the supplier's name for its code, and times and units as people write them. */
export function summaryOf({ kind, summary, supplier, facts }: Pick<Conflict, "kind" | "summary" | "supplier" | "facts">): string {
  const text = readable(summary).replace(/[\w-]+/g, (word) => (word === supplier?.code ? supplier.name : word));
  const unit = facts.find((f) => f.name === "unit")?.value;
  return kind === "PACK_MISMATCH" && unit ? text.replace(` by the ${unit},`, ` by the ${unitName(unit) ?? unit},`) : text;
}
