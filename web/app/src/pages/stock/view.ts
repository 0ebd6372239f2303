import type { Row, StockStore } from "./store";

export interface Filter {
  search: string;
  category: string;
  /** A supplier's id; "own" is for locations that are no supplier's. */
  supplier: string;
  /** A location's id. */
  location: string;
  low: boolean;
  stale: boolean;
}

export const noFilter: Filter = { search: "", category: "", supplier: "", location: "", low: false, stale: false };
export const ownSupplier = "own";

const sortKeys = ["sku", "location", "supplier", "moved", "available", "onHand", "claimed", "incoming", "reorderPoint", "asOf"] as const;
export type SortKey = (typeof sortKeys)[number];
export const isSortKey = (key: string): key is SortKey => sortKeys.some((k) => k === key);
/** Of a moment, the newest come first until it is said otherwise. */
export const descends = (key: SortKey) => key === "moved" || key === "asOf";
export interface Sort {
  key: SortKey;
  descending: boolean;
}

export const plain: Sort = { key: "sku", descending: false };

export interface Option {
  value: string;
  label: string;
}

/** What the filters may be set to: what there is. */
export interface Options {
  categories: Option[];
  suppliers: Option[];
  locations: Option[];
}

/** The shown levels are put in order again at most so often, in milliseconds. */
const recomputeEvery = 250;
/** And while a snapshot is being told, in which each of thousands of levels changes it; or where each change puts another level first, to be read. */
const recomputeSlowly = 1000;
const collator = new Intl.Collator(undefined, { numeric: true });

/** Those levels of a store that meet a filter, in order. Told of by a new array, at most four times a second; once a second, where what moved last is first. */
export class StockView {
  ids: readonly string[] = [];
  options: Options = { categories: [], suppliers: [], locations: [] };
  filter = noFilter;
  sort = plain;

  private readonly store: StockStore;
  private readonly listeners = new Set<() => void>();
  private membership = -1;
  private changes = -1;
  private inOrder: { sort: Sort; rows: Row[] } = { sort: plain, rows: [] };
  private last = -Infinity;
  private timer: ReturnType<typeof setTimeout> | undefined;

  constructor(store: StockStore) {
    this.store = store;
  }

  /** Follows the store until the returned function is called. */
  follow(): () => void {
    const stop = this.store.onFrame(() => this.plan());
    this.plan();
    return () => {
      stop();
      clearTimeout(this.timer);
      this.timer = undefined;
    };
  }

  listen(tell: () => void): () => void {
    this.listeners.add(tell);
    return () => this.listeners.delete(tell);
  }

  show(filter: Filter, sort: Sort): void {
    this.filter = filter;
    this.sort = sort;
    this.compute();
  }

  private plan(): void {
    const grew = this.store.membership !== this.membership;
    // Where neither what is shown nor its order depends on numbers, changes of them change nothing here.
    const moved = this.store.changes !== this.changes && (this.filter.low || this.filter.stale || !isName(this.sort.key));
    if (!(grew || moved) || this.timer !== undefined) return;
    const every = this.store.complete && this.sort.key !== "moved" ? recomputeEvery : recomputeSlowly;
    const wait = this.last + every - performance.now();
    // Never at once: the frame that is begun has enough to do with what changed.
    this.timer = setTimeout(
      () => {
        this.timer = undefined;
        this.compute();
      },
      Math.max(wait, 0),
    );
  }

  private compute(): void {
    this.last = performance.now();
    if (this.membership !== this.store.membership) this.options = readOptions(this.store.rows.values());
    this.membership = this.store.membership;
    this.changes = this.store.changes;
    const ids = select(this.ordered(), this.filter).map((row) => row.id);
    if (!same(ids, this.ids)) this.ids = ids;
    for (const tell of this.listeners) tell();
  }

  /** All levels in order. A change makes a new row: those that are the same as last time are in order already, and the others are put between them. */
  private ordered(): Row[] {
    const { rows } = this.store;
    const { sort, inOrder } = this;
    const settled: Row[] = [];
    const others: Row[] = [];
    if (inOrder.sort.key === sort.key && inOrder.sort.descending === sort.descending)
      for (const row of inOrder.rows) {
        const now = rows.get(row.id);
        if (now === row) settled.push(row);
        else if (now) others.push(now);
      }
    if (settled.length + others.length < rows.size) {
      const known = new Set(settled.concat(others));
      for (const row of rows.values()) if (!known.has(row)) others.push(row);
    }
    this.inOrder = { sort, rows: merge(settled, others, order(sort)) };
    return this.inOrder.rows;
  }
}

/** Puts rows between those that are in order, by a search for the place of each: for few that is much less than a sort of all. */
function merge(settled: readonly Row[], others: Row[], compare: (a: Row, b: Row) => number): Row[] {
  const all: Row[] = [];
  let taken = 0;
  for (const row of others.sort(compare)) {
    let low = taken;
    let high = settled.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (compare(settled[middle] as Row, row) < 0) low = middle + 1;
      else high = middle;
    }
    for (; taken < low; taken++) all.push(settled[taken] as Row);
    all.push(row);
  }
  return all.concat(settled.slice(taken));
}

const same = (a: readonly string[], b: readonly string[]) => a.length === b.length && a.every((id, i) => id === b[i]);

export function select(rows: Iterable<Row>, filter: Filter): Row[] {
  const terms = filter.search.toLowerCase().split(/\s+/).filter(Boolean);
  const found: Row[] = [];
  for (const row of rows) {
    if (filter.low && !row.low) continue;
    if (filter.stale && !row.stale) continue;
    if (filter.category && row.product.category !== filter.category) continue;
    if (filter.location && row.location.id !== filter.location) continue;
    if (filter.supplier && (row.location.supplier?.id ?? ownSupplier) !== filter.supplier) continue;
    if (terms.length === 0 || terms.every((term) => row.text.includes(term))) found.push(row);
  }
  return found;
}

const isName = (key: SortKey) => key === "sku" || key === "location" || key === "supplier";

/** By the key, then by SKU and location, so that the order is always the same. */
export function order({ key, descending }: Sort): (a: Row, b: Row) => number {
  const sign = descending ? -1 : 1;
  const byName = (a: Row, b: Row) => compare(a.product.sku, b.product.sku) || compare(a.location.code, b.location.code);
  switch (key) {
    case "sku":
      return (a, b) => sign * byName(a, b);
    case "location":
      return (a, b) => sign * compare(a.location.code, b.location.code) || byName(a, b);
    case "supplier":
      return (a, b) => sign * collator.compare(a.location.supplier?.name ?? "", b.location.supplier?.name ?? "") || byName(a, b);
    default:
      return (a, b) => sign * (a[key] - b[key]) || byName(a, b);
  }
}

/** Codes are compared letter by letter, which is much faster than as words. */
const compare = (a: string, b: string) => (a < b ? -1 : a > b ? 1 : 0);

function readOptions(rows: Iterable<Row>): Options {
  const categories = new Set<string>();
  const locations = new Set<Row["location"]>();
  for (const { product, location } of rows) {
    categories.add(product.category);
    locations.add(location);
  }
  return { categories: sorted([...categories].map((c): [string, string] => [c, c])), ...optionsOf(locations) };
}

/** What suppliers and locations there are. */
export function optionsOf(places: Iterable<Pick<Row["location"], "id" | "code" | "supplier">>): Pick<Options, "suppliers" | "locations"> {
  const suppliers = new Map<string, string>();
  const locations = new Map<string, string>();
  for (const { id, code, supplier } of places) {
    locations.set(id, code);
    if (supplier) suppliers.set(supplier.id, supplier.name);
    else suppliers.set(ownSupplier, "Our own locations");
  }
  return { suppliers: sorted(suppliers), locations: sorted(locations) };
}

const sorted = (entries: Iterable<[string, string]>): Option[] =>
  Array.from(entries, ([value, label]) => ({ value, label })).sort((a, b) => collator.compare(a.label, b.label));
