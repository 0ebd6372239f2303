import { defaultRangeExtractor, useVirtualizer, type Range } from "@tanstack/react-virtual";
import { useCallback, useRef, useSyncExternalStore } from "react";
import { classes } from "../../ui/classes";
import { LevelRow } from "./LevelRow";
import type { StockStore } from "./store";
import { descends, type Sort, type SortKey } from "./view";

interface Column {
  head: string;
  name: string;
  sort?: SortKey;
  numeric?: boolean;
}

const columns: Column[] = [
  { head: "Product", name: "product", sort: "sku" },
  { head: "Location", name: "location", sort: "location" },
  { head: "Supplier", name: "supplier", sort: "supplier" },
  { head: "State", name: "marks" },
  { head: "Movement", name: "spark", sort: "moved" },
  { head: "Available", name: "available", sort: "available", numeric: true },
  { head: "On hand", name: "onHand", sort: "onHand", numeric: true },
  { head: "Claimed", name: "claimed", sort: "claimed", numeric: true },
  { head: "Incoming", name: "incoming", sort: "incoming", numeric: true },
  { head: "Reorder at", name: "reorderPoint", sort: "reorderPoint", numeric: true },
  { head: "As of", name: "time", sort: "asOf", numeric: true },
];

const rowHeight = 34;
const cardHeight = 96;
/** There are as many slots for rows as a multiple of this. */
const slotStep = 16;
const narrow = matchMedia("(max-width: 48rem)");

function useNarrow(): boolean {
  return useSyncExternalStore(
    (tell) => {
      narrow.addEventListener("change", tell);
      return () => narrow.removeEventListener("change", tell);
    },
    () => narrow.matches,
  );
}

/** Rows within the window and some beside it; these are left out where no row stays, so that who goes far sees the others sooner. */
function useRange(): (range: Range) => number[] {
  const last = useRef<Range | null>(null);
  return useCallback((range: Range) => {
    const from = last.current;
    last.current = range;
    const far = from && (range.startIndex > from.endIndex || range.endIndex < from.startIndex);
    return defaultRangeExtractor(far ? { ...range, overscan: 0 } : range);
  }, []);
}

interface Props {
  store: StockStore;
  ids: readonly string[];
  sort: Sort;
  onSort: (sort: Sort) => void;
}

/** Levels, of which only those within the window are there. On narrow screens each is a card. */
export function LevelTable({ store, ids, sort, onSort }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const height = useNarrow() ? cardHeight : rowHeight;
  const rows = useVirtualizer({
    count: ids.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 6,
    rangeExtractor: useRange(),
  });
  // The size of a row is another one on a narrow screen.
  const measured = useRef(height);
  if (measured.current !== height) {
    measured.current = height;
    rows.measure();
  }
  const items = rows.getVirtualItems();
  // Rows that are out of sight are used for those that come into it: that costs a fraction of making new ones.
  const most = useRef(0);
  most.current = Math.max(most.current, Math.ceil(items.length / slotStep) * slotStep);
  const slots = most.current;
  return (
    <div className="levels">
      <div
        className="levels-scroll"
        ref={scroller}
        tabIndex={0}
        role="table"
        aria-label="Stock levels"
        aria-rowcount={ids.length + 1}
        aria-colcount={columns.length}
      >
        <div role="rowgroup" className="levels-head">
          <div role="row" aria-rowindex={1} className="level-head">
            {columns.map((c) => (
              <HeadCell key={c.name} column={c} sort={sort} onSort={onSort} />
            ))}
          </div>
        </div>
        <div role="rowgroup" className="levels-body" style={{ height: rows.getTotalSize() }}>
          {items.map(({ index, start }) => {
            const id = ids[index];
            return id && <LevelRow key={index % slots} store={store} id={id} index={index} start={start} />;
          })}
        </div>
      </div>
    </div>
  );
}

function HeadCell({ column, sort, onSort }: { column: Column; sort: Sort; onSort: (sort: Sort) => void }) {
  const { head, name, sort: key, numeric } = column;
  const active = key === sort.key;
  return (
    <div
      role="columnheader"
      className={classes(`cell-${name}`, numeric && "numeric")}
      aria-sort={active ? (sort.descending ? "descending" : "ascending") : undefined}
    >
      {key ? (
        <button type="button" className="sort" onClick={() => onSort({ key, descending: active ? !sort.descending : descends(key) })}>
          {head}
          <span aria-hidden="true">{active ? (sort.descending ? " ↓" : " ↑") : ""}</span>
        </button>
      ) : (
        head
      )}
    </div>
  );
}
