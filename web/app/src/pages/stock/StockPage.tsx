import { useDeferredValue, useEffect, useRef, useState, useSyncExternalStore } from "react";
import { useViewer } from "../../api/session";
import { counted, decimal, number } from "../../format";
import { Counter } from "../../ui/Counter";
import { LiveStatus } from "../../ui/LiveStatus";
import { Empty, FaultNote, Loading, Page } from "../../ui/Page";
import { useShown } from "./address";
import { useFollowing } from "./following";
import { stay, stockOf } from "./kept";
import { LevelTable } from "./LevelTable";
import { StockFilters } from "./StockFilters";
import type { StockStore } from "./store";
import { StockView } from "./view";
import "./stock.css";

/** All levels that the viewer may see, live. */
export default function StockPage() {
  const viewer = useViewer();
  const [store] = useState(() => stockOf(viewer));
  const [view] = useState(() => new StockView(store));
  const { filter, sort, show } = useShown();
  const { state, beyond, waits } = useFollowing(store, filter);
  useEffect(() => stay(store), [store]);

  // Looking through ten thousand levels, and putting them in order, waits until a press or a key has been answered, in a frame of its own.
  const wanted = useDeferredValue(filter);
  const order = useDeferredValue(sort);
  useEffect(() => view.follow(), [view]);
  useEffect(() => afterFrame(() => view.show(wanted, order)), [view, wanted, order]);
  const listen = (tell: () => void) => view.listen(tell);
  const ids = useSyncExternalStore(listen, () => view.ids);
  const options = useSyncExternalStore(listen, () => view.options);

  const told = store.complete || ids.length > 0;
  return (
    <Page title="Stock" fill aside={!waits && <LiveStatus state={state} />}>
      {!waits && <Counters store={store} />}
      <StockFilters filter={filter} options={beyond ? { ...options, ...beyond } : options} onChange={(to) => show({ filter: to })} />
      {state.phase === "failed" && state.fault && <FaultNote fault={state.fault} doing="Watching stock" />}
      {beyond && (
        <p className="note" role="status">
          {waits
            ? "There are too many levels to follow all of them at once. Choose a supplier or a location."
            : "There are too many levels to follow all of them at once: these, and the totals, are of what is chosen."}
        </p>
      )}
      {!waits && (
        <>
          <p className="levels-count muted" role="status">
            {ids.length < store.totals.levels ? `${number(ids.length)} of ${counted(store.totals.levels, "level")}` : counted(ids.length, "level")}
          </p>
          {ids.length > 0 && <LevelTable store={store} ids={ids} sort={sort} onSort={(to) => show({ sort: to })} />}
          {ids.length === 0 && told && <Empty>No level meets these filters.</Empty>}
          {!told && state.phase !== "failed" && <Loading what="stock" />}
        </>
      )}
    </Page>
  );
}

/** Does something once the frame that is begun is done. What it returns takes it back. */
function afterFrame(what: () => void): () => void {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const frame = requestAnimationFrame(() => {
    timer = setTimeout(what);
  });
  return () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
}

/** Totals of all levels, whatever is filtered. Where the store stands is in its attributes, for whoever watches the page by program. */
function Counters({ store }: { store: StockStore }) {
  const ref = useRef<HTMLDListElement>(null);
  const [totals, setTotals] = useState(store.totals);
  const [rate, setRate] = useState(0);
  useEffect(() => {
    const read = () => {
      const { levels, units, low, stale } = store.totals;
      setTotals((t) => (t.levels === levels && t.units === units && t.low === low && t.stale === stale ? t : { ...store.totals }));
      const data = ref.current?.dataset;
      if (!data) return;
      data.cursor = store.cursor;
      data.events = String(store.events);
      data.refused = String(store.refused);
      data.complete = String(store.complete);
    };
    read();
    const stop = store.onFrame(read);
    const clock = setInterval(() => setRate(store.rate()), 1000);
    return () => {
      stop();
      clearInterval(clock);
    };
  }, [store]);
  return (
    <dl className="counters" ref={ref} data-store="stock">
      <Counter name="levels" label="Levels" value={totals.levels} />
      <Counter name="units" label="Units on hand" value={totals.units} />
      <Counter name="low" label="Low" value={totals.low} tone="bad" />
      <Counter name="stale" label="Stale" value={totals.stale} tone="warning" />
      <div className="counter" data-counter="rate" data-value={rate}>
        <dt>Changes / s</dt>
        <dd>{decimal(rate)}</dd>
      </div>
    </dl>
  );
}
