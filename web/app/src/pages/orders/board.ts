import type { LiveEvent } from "../../api/live";
import { Mirror } from "../../api/mirror";
import type { OrderStatus } from "../../gql/graphql";
import { isClosed, statuses, type BoardOrder } from "./model";

/** What narrows the board. */
export interface BoardFilter {
  /** Of a number, a reference, a customer's name or id; what is in lower case and upper case is the same. */
  text: string;
  /** An id, or "" for all. */
  supplier: string;
}

export interface BoardColumn {
  status: OrderStatus;
  /** Those that meet the filter, the newest change first. */
  orders: BoardOrder[];
}

/** The orders of the board: those that are open as they change, and those that ended lately. */
export class Board {
  readonly orders: Mirror<BoardOrder>;
  /** Called where an order has ended, or one that had has not. */
  onClosing: () => void = () => {};

  constructor(later?: (tell: () => void) => unknown) {
    this.orders = new Mirror<BoardOrder>(later);
  }

  /** Takes an event of the subscription to those that are open; what it calls REMOVED has ended, and is shown as that. */
  take(event: LiveEvent & { order?: BoardOrder | null }): void {
    if (event.kind === "CAUGHT_UP") return this.orders.caughtUp((o) => !isClosed(o.status));
    if (!event.order) return;
    const before = this.orders.get(event.order.id);
    this.orders.put(event.order, event.kind === "SNAPSHOT");
    const now = isClosed(event.order.status);
    if (event.kind !== "SNAPSHOT" && (now || (before && isClosed(before.status)))) this.onClosing();
  }

  columns(filter: BoardFilter): BoardColumn[] {
    const columns = new Map<OrderStatus, BoardOrder[]>(statuses.map((s) => [s, []]));
    for (const order of this.orders.values()) if (meets(order, filter)) columns.get(order.status)?.push(order);
    return statuses.map((status) => ({ status, orders: (columns.get(status) ?? []).sort(newestFirst) }));
  }
}

function newestFirst(a: BoardOrder, b: BoardOrder): number {
  const [x, y] = [Date.parse(a.updatedAt), Date.parse(b.updatedAt)];
  return x === y ? (a.id < b.id ? 1 : -1) : y - x;
}

export function meets(order: BoardOrder, { text, supplier }: BoardFilter): boolean {
  if (supplier && !order.fulfillmentOrders.some((f) => f.supplier?.id === supplier)) return false;
  const wanted = text.trim().toLowerCase();
  if (!wanted) return true;
  return [order.number, order.externalReference, order.customer?.name, order.customer?.id].some((s) => s?.toLowerCase().includes(wanted));
}

/** Where the arrows lead from a card: the column and the place in it, or null where there is nothing. */
export function neighbour(lengths: readonly number[], column: number, index: number, key: string): [number, number] | null {
  const within = (c: number, i: number): [number, number] | null => {
    const n = lengths[c] ?? 0;
    return n > 0 ? [c, Math.min(Math.max(i, 0), n - 1)] : null;
  };
  const beside = (step: number): [number, number] | null => {
    for (let c = column + step; c >= 0 && c < lengths.length; c += step) {
      const found = within(c, index);
      if (found) return found;
    }
    return null;
  };
  switch (key) {
    case "ArrowUp":
      return index > 0 ? [column, index - 1] : null;
    case "ArrowDown":
      return index + 1 < (lengths[column] ?? 0) ? [column, index + 1] : null;
    case "ArrowLeft":
      return beside(-1);
    case "ArrowRight":
      return beside(1);
    case "Home":
      return within(column, 0);
    case "End":
      return within(column, (lengths[column] ?? 0) - 1);
    default:
      return null;
  }
}
