import type { ConflictKind } from "../../gql/graphql";
import { linkTo } from "../stock/address";
import type { Conflict } from "./facts";

export interface InboxFilter {
  kind: ConflictKind | "";
  /** An id, or "" for all. */
  supplier: string;
  /** Without those that are settled. */
  openOnly: boolean;
}

/** Those that meet the filter: what is open first, and of each the newest first. */
export function inbox(conflicts: Iterable<Conflict>, { kind, supplier, openOnly }: InboxFilter): Conflict[] {
  return Array.from(conflicts)
    .filter((c) => (!kind || c.kind === kind) && (!supplier || c.supplier?.id === supplier) && (!openOnly || c.status === "OPEN"))
    .sort(openFirst);
}

function openFirst(a: Conflict, b: Conflict): number {
  if ((a.status === "OPEN") !== (b.status === "OPEN")) return a.status === "OPEN" ? -1 : 1;
  return Date.parse(b.resolvedAt ?? b.openedAt) - Date.parse(a.resolvedAt ?? a.openedAt) || (a.id < b.id ? 1 : -1);
}

/** Where the subject of a conflict is, and what to call it; null where the viewer may not see it, or it has none. */
export function subjectLink({ subject, supplier }: Conflict): { href: string | null; text: string } | null {
  switch (subject?.__typename) {
    case "FulfillmentOrder":
      return { href: `#/orders/${subject.order.id}`, text: `Order ${subject.order.number}, part from ${subject.location.name}` };
    case "Supplier":
      return { href: `#/suppliers/${subject.id}`, text: subject.name };
    case "SupplierItem":
      return { href: `#/suppliers/${subject.supplier.id}`, text: `${subject.supplierSku}: ${subject.product.name}` };
    case "InventoryLevel":
      return { href: linkTo({ search: `${subject.product.sku} ${subject.location.code}` }), text: `${subject.product.name} at ${subject.location.name}` };
    default:
      return supplier && { href: `#/suppliers/${supplier.id}`, text: supplier.name };
  }
}
