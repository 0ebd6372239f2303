import type { Viewer } from "../../api/session";
import { words } from "../../format";
import type { ConflictKind } from "../../gql/graphql";
import type { Conflict } from "./facts";

/** UNMAPPED_SKU → Unmapped SKU */
export const kindName = (kind: string) => words(kind).replace(/\bsku\b/, "SKU");

/** What each kind is, in plain words. */
export const meaning: Record<ConflictKind, string> = {
  OVERSOLD: "The supplier reports less than has been promised.",
  STALE_FEED: "The supplier has been silent for longer than agreed.",
  UNMAPPED_SKU: "A feed names a SKU of the supplier that stands for nothing here.",
  PACK_MISMATCH: "A feed counts by a unit in which the SKU isn't packed.",
  SEQUENCE_GAP: "Feeds are missing between two that came.",
  MASS_ZEROING: "A full feed would empty more than was agreed. It waits, and nothing of it is applied.",
  SHIP_AFTER_CANCEL: "Goods left after they were cancelled. The shipment is recorded, and taken from stock.",
  QUANTITY_EXCEEDS_ORDER: "The supplier says that it shipped more than was left to ship. Nothing is recorded.",
  PRICE_MISMATCH: "A feed states another cost than was agreed. Its quantity is applied.",
};

/** What resolving does, in plain words. Dismissing does nothing but close it. */
export const effect: Record<ConflictKind, string> = {
  OVERSOLD:
    "The newest promises that the supplier can't keep are withdrawn from it: they go to another location that has the goods, else to backorder. What is held for carts stays until it expires.",
  STALE_FEED: "All levels of the supplier count as confirmed now, with the quantities that they have.",
  UNMAPPED_SKU: "The SKU stands for the product that you choose from now on, and what feeds have said of it is applied.",
  PACK_MISMATCH: "The SKU is packed as you say from now on, and what feeds have said of it in that unit is applied.",
  SEQUENCE_GAP: "The missing feeds are given up: should they come yet, they are refused as too old.",
  MASS_ZEROING: "The feed is applied as it came: the levels that it leaves out or sets to nothing are emptied.",
  SHIP_AFTER_CANCEL: "A return is opened for the goods that left, for somebody to receive.",
  QUANTITY_EXCEEDS_ORDER: "What was left is recorded as shipped, and the rest is taken from the supplier's stock.",
  PRICE_MISMATCH: "The item gets the cost that the feed states.",
};

export const mapped = (kind: ConflictKind) => kind === "UNMAPPED_SKU" || kind === "PACK_MISMATCH";

export interface Settling {
  dismiss: boolean;
  resolve: boolean;
  /** Why it can't be resolved by this viewer, where it may be dismissed. */
  why: string | null;
}

/** What the viewer may do about a conflict. */
export function settling(conflict: Pick<Conflict, "kind" | "status">, viewer: Viewer): Settling {
  if (conflict.status !== "OPEN" || !viewer.scopes.includes("conflicts:write")) return { dismiss: false, resolve: false, why: null };
  const needs = mapped(conflict.kind) ? "catalog:write" : conflict.kind === "PRICE_MISMATCH" ? "catalog:cost" : null;
  const may = needs === null || viewer.scopes.includes(needs);
  return { dismiss: true, resolve: may, why: may ? null : `To resolve it takes the scope ${needs}, which your token hasn't.` };
}
