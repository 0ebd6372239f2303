import { memo, useCallback, useRef, useSyncExternalStore } from "react";
import { day, number, timeOfDay } from "../../format";
import { Pill } from "../../ui/Pill";
import { classes } from "../../ui/classes";
import { Sparkline } from "./Sparkline";
import type { Row, StockStore } from "./store";

interface Props {
  store: StockStore;
  id: string;
  /** Its place in the table, counted from 0, and in pixels. */
  index: number;
  start: number;
}

/** One level. It is drawn again when that level has changed, and with no other. */
export const LevelRow = memo(function LevelRow({ store, id, index, start }: Props) {
  const listen = useCallback((tell: () => void) => store.onRow(id, tell), [store, id]);
  const row = useSyncExternalStore(listen, () => store.rows.get(id));
  // One that was removed is in the list until that is put in order again.
  const last = useRef(row);
  if (row || last.current?.id !== id) last.current = row;
  const shown = last.current;
  return (
    <div
      role="row"
      aria-rowindex={index + 2}
      className={classes("level", !row && "level-gone", index % 2 === 1 && "level-odd")}
      style={{ top: start }}
      data-sku={shown?.product.sku}
      data-location={shown?.location.code}
      data-version={shown?.version}
    >
      {shown && <Cells row={shown} />}
    </div>
  );
});

const today = () => new Date().toDateString();

function Cells({ row }: { row: Row }) {
  return (
    <>
      <div role="cell" className="cell-product">
        <span className="cell-sku">{row.product.sku}</span>
        <span className="cell-name">{row.product.name}</span>
      </div>
      <div role="cell" className="cell-location" title={row.location.name}>
        {row.location.code}
      </div>
      <div role="cell" className="cell-supplier">
        {row.location.supplier?.name ?? "Own"}
      </div>
      <div role="cell" className="cell-marks">
        {row.shortfall > 0 && <Pill tone="bad">Short {number(row.shortfall)}</Pill>}
        {row.low && row.shortfall === 0 && <Pill tone="bad">Low</Pill>}
        {row.stale && <Pill tone="warning">Stale</Pill>}
      </div>
      <div role="cell" className="cell-spark">
        <Sparkline moves={row.moves} />
      </div>
      <Figure id={row.id} name="available" value={row.available} head="Available" strong bad={row.low} />
      <Figure id={row.id} name="onHand" value={row.onHand} head="On hand" />
      <Figure id={row.id} name="claimed" value={row.claimed} head="Claimed" />
      <Figure id={row.id} name="incoming" value={row.incoming} head="Incoming" />
      <Figure id={row.id} name="reorderPoint" value={row.reorderPoint} head="Reorder at" />
      <div role="cell" className="cell-time numeric">
        <time dateTime={new Date(row.asOf).toISOString()}>
          {new Date(row.asOf).toDateString() === today() ? timeOfDay(row.asOf) : day(row.asOf)}
        </time>
      </div>
    </>
  );
}

interface FigureProps {
  /** Of which level it is: another level's number is no change. */
  id: string;
  name: string;
  head: string;
  value: number;
  strong?: boolean;
  bad?: boolean;
}

/** A number that flashes when it changes. Two animations of the same look take turns, so that each change begins one anew. */
function Figure({ id, name, head, value, strong = false, bad = false }: FigureProps) {
  const last = useRef({ id, value, flash: "", turn: false });
  if (last.current.id !== id) last.current = { id, value, flash: "", turn: false };
  else if (last.current.value !== value) {
    const turn = !last.current.turn;
    last.current = { id, value, flash: `flash-${value > last.current.value ? "up" : "down"}-${turn ? "a" : "b"}`, turn };
  }
  return (
    <div
      role="cell"
      className={classes("figure", `cell-${name}`, strong && "figure-strong", bad && "figure-bad", value === 0 && "figure-none", last.current.flash)}
      data-field={name}
      data-head={head}
    >
      {number(value)}
    </div>
  );
}
