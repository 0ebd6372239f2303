import { onSignOut, type Viewer } from "../../api/session";
import { Ring } from "./ring";
import { isLow, searchText, StockStore, type Row } from "./store";

/** Under this name a tab keeps its stock over a reload. */
const name = "redline.stock";
/** The form of what is kept; another one is left where it is found. */
const form = 1;
/** After so long, in milliseconds, a snapshot is less than all the changes that were missed. */
const keptFor = 5 * 60_000;

/** What is kept of a store: each product and location once, and of each level its numbers. */
interface Kept {
  form: number;
  /** Whose it is. */
  of: string;
  /** When it was last followed, in milliseconds since 1970. */
  at: number;
  cursor: string;
  products: Row["product"][];
  locations: Row["location"][];
  /** id, version, product, location, onHand, available, claimed, incoming, shortfall, reorderPoint, stale, asOf, moved, moves. */
  rows: [string, number, number, number, number, number, number, number, number, number, boolean, number, number, number[] | null][];
}

let held: { of: string; store: StockStore; leftAt: number | null } | null = null;
onSignOut(() => (held = null));
if (typeof window !== "undefined") addEventListener("pagehide", () => held && keep(held.of, held.store, held.leftAt ?? Date.now()));

/**
 * The stock of this viewer where it was left, by another page of the dashboard or before a reload, to go on from its cursor; or else none, to
 * begin with a snapshot. It is kept for this tab alone, for minutes, and until whoever is signed in signs out. What one viewer was told is never another's:
 * neither of a token that may see more or less.
 */
export function stockOf({ subject, role, scopes, suppliers }: Viewer): StockStore {
  const of = JSON.stringify([subject, role, scopes, suppliers.map((s) => s.id)]);
  const usable = held?.of === of && (held.leftAt === null || (held.store.complete && Date.now() - held.leftAt < keptFor));
  const store = (usable && held?.store) || kept(of) || new StockStore();
  held = { of, store, leftAt: null };
  return store;
}

/** The store is followed until the returned function is called. */
export function stay(store: StockStore): () => void {
  const left = (at: number | null) => {
    if (held?.store === store) held.leftAt = at;
  };
  left(null);
  return () => left(Date.now());
}

function keep(of: string, store: StockStore, at: number): void {
  if (!store.complete || store.part) return;
  try {
    sessionStorage.setItem(name, write(of, store, at));
  } catch {
    // There is no more room: a reload begins with a snapshot.
    sessionStorage.removeItem(name);
  }
}

function kept(of: string): StockStore | null {
  const text = sessionStorage.getItem(name);
  sessionStorage.removeItem(name);
  return text === null ? null : read(text, of, Date.now());
}

/** A complete store as text. */
export function write(of: string, store: StockStore, at: number): string {
  const products = new Map<Row["product"], number>();
  const locations = new Map<Row["location"], number>();
  const index = <T>(known: Map<T, number>, value: T) => {
    const i = known.get(value) ?? known.size;
    known.set(value, i);
    return i;
  };
  const rows = Array.from(store.rows.values(), (r): Kept["rows"][number] => [
    r.id,
    r.version,
    index(products, r.product),
    index(locations, r.location),
    r.onHand,
    r.available,
    r.claimed,
    r.incoming,
    r.shortfall,
    r.reorderPoint,
    r.stale,
    r.asOf,
    r.moved,
    r.moves && r.moves.all(),
  ]);
  const kept: Kept = { form, of, at, cursor: store.cursor, products: [...products.keys()], locations: [...locations.keys()], rows };
  return JSON.stringify(kept);
}

/** The store that was written; null where it was somebody else's, or too long ago, or in another form. */
export function read(text: string, of: string, now: number, store = new StockStore()): StockStore | null {
  const kept = JSON.parse(text) as Kept;
  if (kept.form !== form || kept.of !== of || now - kept.at >= keptFor) return null;
  store.adopt(rowsOf(kept), kept.cursor);
  return store;
}

function* rowsOf({ rows, products, locations }: Kept): Generator<Row> {
  for (const [id, version, p, l, onHand, available, claimed, incoming, shortfall, reorderPoint, stale, asOf, moved, moves] of rows) {
    const product = products[p];
    const location = locations[l];
    if (!product || !location) continue;
    const low = isLow(available, reorderPoint);
    const text = searchText(product, location);
    yield { id, version, product, location, onHand, available, claimed, incoming, shortfall, reorderPoint, low, stale, asOf, moved, moves: moves && Ring.of(moves), text };
  }
}
