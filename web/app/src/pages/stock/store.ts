import type { StockSubscription } from "../../gql/graphql";
import { Ring } from "./ring";

export type StockEvent = StockSubscription["inventoryChanged"];
type Level = NonNullable<StockEvent["level"]>;

/** One level, as the table shows it. A change makes a new row; `moves` goes on from one to the next. */
export interface Row {
  id: string;
  version: number;
  product: Level["product"];
  location: Level["location"];
  onHand: number;
  available: number;
  /** Reserved and committed. */
  claimed: number;
  incoming: number;
  shortfall: number;
  reorderPoint: number;
  low: boolean;
  stale: boolean;
  /** When its source says that it was so, in milliseconds since 1970. */
  asOf: number;
  /** When it last changed, in milliseconds since 1970; 0: not since it was first told of. */
  moved: number;
  /** What was available after each of the last changes; null before the first. */
  moves: Ring | null;
  /** What a search looks in, in lower case. */
  text: string;
}

export interface Totals {
  levels: number;
  /** Units on hand. */
  units: number;
  low: number;
  stale: number;
}

/** How many changes there were in each of the last seconds. */
const rateSeconds = 5;

/**
 * All levels that the viewer may see, as told by a subscription that begins with a snapshot. It is kept outside of React: whoever shows it is told
 * at most once in a frame, and of a row only if that row has changed.
 *
 * Each level is kept at its newest version: an event of one that is no newer is refused, so that nothing that is told twice or late undoes anything.
 */
export class StockStore {
  readonly rows = new Map<string, Row>();
  readonly totals: Totals = { levels: 0, units: 0, low: 0, stale: 0 };
  /** Which part of stock it is told of, by the filter of its subscription; "": all. */
  part = "";
  /** The cursor of the last event. */
  cursor = "";
  /** Changes that were taken, removals among them. */
  events = 0;
  /** Events that were refused, since what they tell was known. */
  refused = 0;
  /** Whether the whole snapshot has been told. */
  complete = false;
  /** Grows with each level that comes or goes. */
  membership = 0;
  /** Grows with each change of a number, or of low or stale. */
  changes = 0;

  private readonly schedule: (flush: () => void) => void;
  private readonly clock: () => number;
  private readonly dirty = new Set<string>();
  private readonly rowListeners = new Map<string, Set<() => void>>();
  private readonly frameListeners = new Set<() => void>();
  private scheduled = false;
  /** Those that an unfinished snapshot has told of so far. */
  private seen: Set<string> | null = null;
  /** The versions of levels that were removed. */
  private readonly removed = new Map<string, number>();
  private readonly products = new Map<string, Level["product"]>();
  private readonly locations = new Map<string, Level["location"]>();
  private readonly seconds = new Map<number, number>();

  constructor(schedule: (flush: () => void) => void = (f) => void requestAnimationFrame(f), clock: () => number = Date.now) {
    this.schedule = schedule;
    this.clock = clock;
  }

  /** Begins with what was kept of another store, instead of a snapshot. */
  adopt(rows: Iterable<Row>, cursor: string): void {
    for (const row of rows) {
      this.products.set(row.product.id, row.product);
      this.locations.set(row.location.id, row.location);
      this.rows.set(row.id, row);
      this.total(row, 1);
    }
    this.cursor = cursor;
    this.complete = true;
    this.membership++;
  }

  /** A connection begins: it goes on where the last one stood, unless that was within the snapshot, which then begins again. */
  begin(): void {
    this.seen = this.complete ? null : new Set();
  }

  /** Changes were missed: a new snapshot comes. What is shown stays until it has been told. */
  expired(): void {
    this.complete = false;
    this.removed.clear();
  }

  /** What follows is of another part of stock, and begins with a snapshot. */
  turnTo(part: string): void {
    this.part = part;
    this.expired();
  }

  apply(event: StockEvent): void {
    this.cursor = event.cursor;
    if (event.kind === "CAUGHT_UP") this.caughtUp();
    else if (event.level && event.kind === "REMOVED") this.remove(event.level);
    else if (event.level) this.put(event.level, event.kind === "SNAPSHOT");
    this.plan();
  }

  /** Changes a second, over the last few seconds. */
  rate(): number {
    const now = Math.floor(this.clock() / 1000);
    let sum = 0;
    for (const [second, count] of this.seconds) {
      if (second < now - rateSeconds) this.seconds.delete(second);
      else if (second < now) sum += count;
    }
    return sum / rateSeconds;
  }

  /** Calls back in each frame in which anything changed. */
  onFrame(tell: () => void): () => void {
    this.frameListeners.add(tell);
    return () => this.frameListeners.delete(tell);
  }

  /** Calls back in each frame in which this level changed. */
  onRow(id: string, tell: () => void): () => void {
    let listeners = this.rowListeners.get(id);
    if (!listeners) this.rowListeners.set(id, (listeners = new Set()));
    listeners.add(tell);
    return () => {
      listeners.delete(tell);
      if (listeners.size === 0) this.rowListeners.delete(id);
    };
  }

  private put(level: Level, fromSnapshot: boolean): void {
    const old = this.rows.get(level.id);
    // What a snapshot says first of a level is so, even of an older version: the gateway's database may have been restored since.
    const word = fromSnapshot && this.seen !== null && !this.seen.has(level.id);
    this.seen?.add(level.id);
    const known = old?.version ?? this.removed.get(level.id) ?? 0;
    // A level that comes back may have the version with which it went.
    if (!word && (level.version < known || (level.version === known && old))) {
      if (!fromSnapshot) this.refused++;
      return;
    }
    const row = this.read(level, old);
    if (word && old && alike(old, row)) return;
    this.removed.delete(level.id);
    if (!fromSnapshot) {
      this.count();
      row.moved = this.clock();
      row.moves ??= new Ring();
      if (old && row.moves.length === 0) row.moves.push(old.available);
      row.moves.push(row.available);
    }
    if (old) this.total(old, -1);
    else this.membership++;
    this.total(row, 1);
    this.rows.set(row.id, row);
    this.changes++;
    this.dirty.add(row.id);
  }

  private remove(level: Level): void {
    const old = this.rows.get(level.id);
    if (!old || level.version < old.version) {
      this.refused++;
      return;
    }
    this.removed.set(level.id, level.version);
    this.count();
    this.drop(old);
  }

  private drop(row: Row): void {
    this.rows.delete(row.id);
    this.total(row, -1);
    this.membership++;
    this.changes++;
    this.dirty.add(row.id);
  }

  private caughtUp(): void {
    const { seen } = this;
    if (seen) for (const row of [...this.rows.values()]) if (!seen.has(row.id)) this.drop(row);
    this.seen = null;
    this.complete = true;
  }

  private count(): void {
    this.events++;
    const second = Math.floor(this.clock() / 1000);
    this.seconds.set(second, (this.seconds.get(second) ?? 0) + 1);
    if (this.seconds.size > 4 * rateSeconds) this.rate();
  }

  private total(row: Row, sign: 1 | -1): void {
    this.totals.levels += sign;
    this.totals.units += sign * row.onHand;
    if (row.low) this.totals.low += sign;
    if (row.stale) this.totals.stale += sign;
  }

  private read(level: Level, old: Row | undefined): Row {
    const product = keep(this.products, level.product);
    const location = keep(this.locations, level.location);
    return {
      id: level.id,
      version: level.version,
      product,
      location,
      onHand: level.onHand,
      available: level.available,
      claimed: level.reserved + level.committed,
      incoming: level.incoming,
      shortfall: level.shortfall,
      reorderPoint: level.reorderPoint,
      low: isLow(level.available, level.reorderPoint),
      stale: level.stale,
      asOf: Date.parse(level.asOf),
      moved: old?.moved ?? 0,
      moves: old?.moves ?? null,
      text: old && old.product === product && old.location === location ? old.text : searchText(product, location),
    };
  }

  private plan(): void {
    if (this.scheduled) return;
    this.scheduled = true;
    this.schedule(() => {
      this.scheduled = false;
      for (const id of this.dirty) this.rowListeners.get(id)?.forEach((tell) => tell());
      this.dirty.clear();
      for (const tell of this.frameListeners) tell();
    });
  }
}

export function isLow(available: number, reorderPoint: number): boolean {
  return available <= reorderPoint;
}

/** What a search looks in. */
export function searchText(product: Level["product"], location: Level["location"]): string {
  return [product.sku, product.name, location.code, location.name, location.supplier?.name].join("\n").toLowerCase();
}

const facts = ["version", "product", "location", "onHand", "available", "claimed", "incoming", "shortfall", "reorderPoint", "stale", "asOf"] as const;

function alike(a: Row, b: Row): boolean {
  return facts.every((fact) => a[fact] === b[fact]);
}

/** The object that is kept for this one's id, as long as they say the same: ten thousand levels share few products and locations. */
function keep<T extends { id: string }>(known: Map<string, T>, value: T): T {
  const old = known.get(value.id);
  if (old && JSON.stringify(old) === JSON.stringify(value)) return old;
  known.set(value.id, value);
  return value;
}
