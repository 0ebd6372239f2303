import type { SubmitFeedMutation, SupplierLevelsQuery } from "../../gql/graphql";
import type { UserError } from "../../api/errors";

type Payload = SubmitFeedMutation["supplierFeedSubmit"];
export type Level = NonNullable<SupplierLevelsQuery["inventoryLevels"]>["nodes"][number];

/** What a feed would do to one level, or why it does nothing with one row. */
export interface Effect {
  key: string;
  /** Where it is in the document; null: the document leaves the level out. */
  place: string | null;
  supplierSku: string | null;
  level: Level | null;
  /** What is on hand now; null: there is no such level yet. */
  before: number | null;
  after: number | null;
  errors: readonly UserError[];
}

/** What a feed would do: first what is rejected, then what changes, most first. What stays is only counted. */
export interface Preview {
  rejected: Effect[];
  changes: Effect[];
  unchanged: number;
  /** How many levels the document leaves out, and would empty. Where it is known which they are, they are among changes. */
  emptied: number;
  held: boolean;
}

/** Compares the levels of now with what a dry run answered. */
export function previewOf(
  payload: Pick<Payload, "rows" | "held" | "emptied">,
  now: readonly Level[],
  rows: readonly { supplierSku: string }[],
  places: readonly string[],
): Preview {
  const before = new Map(now.map((l) => [l.id, l]));
  const named = new Set<string>();
  const rejected: Effect[] = [];
  const changes: Effect[] = [];
  let unchanged = 0;
  for (const row of payload.rows) {
    const place = places[row.index] ?? null;
    const supplierSku = rows[row.index]?.supplierSku ?? null;
    if (row.level) named.add(row.level.id);
    const known = row.level ? before.get(row.level.id) : undefined;
    const effect: Effect = {
      key: `row ${row.index}`,
      place,
      supplierSku,
      level: row.level,
      before: known?.onHand ?? null,
      after: row.level?.onHand ?? null,
      errors: row.userErrors,
    };
    if (row.userErrors.length > 0) rejected.push(effect);
    else if (row.level && known?.onHand !== row.level.onHand) changes.push(effect);
    else unchanged++;
  }
  const left = payload.emptied > 0 ? now.filter((level) => !named.has(level.id) && level.onHand > 0) : [];
  // What a row that was rejected may have meant isn't emptied, and only the gateway knows what that is.
  if (left.length === payload.emptied)
    for (const level of left) changes.push({ key: level.id, place: null, supplierSku: null, level, before: level.onHand, after: 0, errors: [] });
  const size = (e: Effect) => Math.abs((e.after ?? 0) - (e.before ?? 0));
  changes.sort((a, b) => size(b) - size(a));
  return { rejected, changes, unchanged, emptied: payload.emptied, held: payload.held };
}
