import { memo, useEffect, useId, useRef, useState, type KeyboardEvent } from "react";
import type { OrderStatus } from "../../gql/graphql";
import { money, number, words } from "../../format";
import { Button } from "../../ui/Button";
import { Ago } from "../../ui/Time";
import { classes } from "../../ui/classes";
import { neighbour, type BoardColumn } from "./board";
import { useFlip } from "./flip";
import type { BoardOrder } from "./model";

/** How many there are in all of those statuses of which the board has only the newest; null: more than are counted. */
export type Totals = Partial<Record<OrderStatus, number | null>>;

const firstShown = 25;
const moreShown = 50;

interface Props {
  columns: BoardColumn[];
  totals: Totals;
  /** One column at a time, behind tabs. */
  narrow: boolean;
  /** What narrows the board: another one is nothing that happened. */
  filter: string;
  loaded: boolean;
}

export function BoardColumns({ columns, totals, narrow, filter, loaded }: Props) {
  const ref = useRef<HTMLDivElement>(null);
  const id = useId();
  const [picked, setChosen] = useState<OrderStatus | null>(null);
  // The first that isn't empty once all are told, and not another one when orders move on.
  if (picked === null && loaded) setChosen(columns.find((c) => c.orders.length > 0)?.status ?? "PENDING");
  const chosen = picked ?? "PENDING";
  const [more, setMore] = useState<Partial<Record<OrderStatus, number>>>({});
  const limit = (status: OrderStatus) => more[status] ?? firstShown;
  useFlip(ref, `${filter}/${narrow ? chosen : ""}/${JSON.stringify(more)}/${loaded}`);
  const shown = narrow ? columns.filter((c) => c.status === chosen) : columns;

  const onKeyDown = (e: KeyboardEvent) => {
    if (e.altKey || e.ctrlKey || e.metaKey || e.shiftKey) return;
    const cards = Array.from(ref.current?.querySelectorAll<HTMLElement>("[data-column]") ?? [], (column) =>
      Array.from(column.querySelectorAll<HTMLElement>("[data-card]")),
    );
    const column = cards.findIndex((of) => of.includes(e.target as HTMLElement));
    if (column < 0) return;
    const to = neighbour(cards.map((of) => of.length), column, cards[column]?.indexOf(e.target as HTMLElement) ?? 0, e.key);
    if (!to) return;
    e.preventDefault();
    cards[to[0]]?.[to[1]]?.focus();
  };

  return (
    <>
      {narrow && <Tabs id={id} columns={columns} totals={totals} chosen={chosen} onChoose={setChosen} />}
      <div ref={ref} className={classes("board", narrow && "board-single")} onKeyDown={onKeyDown} aria-busy={!loaded}>
        {shown.map(({ status, orders }) => (
          <Column
            key={status}
            id={id}
            status={status}
            orders={orders}
            total={totals[status]}
            loaded={loaded}
            narrow={narrow}
            limit={limit(status)}
            onMore={() => setMore({ ...more, [status]: limit(status) + moreShown })}
          />
        ))}
      </div>
    </>
  );
}

/** The count of a column: of those that ended, how many there are in all. */
function count(orders: readonly BoardOrder[], total: number | null | undefined): string {
  if (total === null) return "10,000+";
  return number(Math.max(total ?? 0, orders.length));
}

interface TabsProps {
  id: string;
  columns: BoardColumn[];
  totals: Totals;
  chosen: OrderStatus;
  onChoose: (status: OrderStatus) => void;
}

function Tabs({ id, columns, totals, chosen, onChoose }: TabsProps) {
  const list = useRef<HTMLDivElement>(null);
  useEffect(() => {
    list.current?.querySelector("[aria-selected=true]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
  }, [chosen]);
  const onKeyDown = (e: KeyboardEvent) => {
    const step = e.key === "ArrowRight" ? 1 : e.key === "ArrowLeft" ? -1 : 0;
    if (step === 0) return;
    e.preventDefault();
    const at = columns.findIndex((c) => c.status === chosen);
    const next = columns[(at + step + columns.length) % columns.length];
    if (!next) return;
    onChoose(next.status);
    document.getElementById(`${id}-tab-${next.status}`)?.focus();
  };
  return (
    <div ref={list} className="board-tabs scroll-hint" role="tablist" aria-label="Status" onKeyDown={onKeyDown}>
      {columns.map(({ status, orders }) => (
        <button
          key={status}
          id={`${id}-tab-${status}`}
          type="button"
          role="tab"
          aria-selected={status === chosen}
          aria-controls={status === chosen ? `${id}-panel-${status}` : undefined}
          tabIndex={status === chosen ? 0 : -1}
          onClick={() => onChoose(status)}
        >
          {words(status)} <span className="column-count">{count(orders, totals[status])}</span>
        </button>
      ))}
    </div>
  );
}

interface ColumnProps {
  id: string;
  status: OrderStatus;
  orders: BoardOrder[];
  total: number | null | undefined;
  loaded: boolean;
  narrow: boolean;
  limit: number;
  onMore: () => void;
}

function Column({ id, status, orders, total, loaded, narrow, limit, onMore }: ColumnProps) {
  const role = narrow
    ? { role: "tabpanel", id: `${id}-panel-${status}`, "aria-labelledby": `${id}-tab-${status}` }
    : { "aria-labelledby": `${id}-head-${status}` };
  const hidden = orders.length - limit;
  const beyond = (total ?? 0) - orders.length;
  return (
    <section className="column" data-column={status} {...role}>
      {!narrow && (
        <h2 id={`${id}-head-${status}`} className={`column-head column-${status.toLowerCase()}`}>
          {words(status)} <span className="column-count">{count(orders, total)}</span>
        </h2>
      )}
      <ul className="cards">
        {orders.slice(0, limit).map((order, i) => (
          <li key={order.id}>
            <Card order={order} first={i === 0} />
          </li>
        ))}
      </ul>
      {orders.length === 0 && <p className="column-empty">{loaded ? "None" : "Loading…"}</p>}
      {hidden > 0 && (
        <Button look="quiet" onClick={onMore}>
          Show {number(Math.min(hidden, moreShown))} more
        </Button>
      )}
      {hidden <= 0 && (beyond > 0 || total === null) && <p className="column-empty">Older ones are found by their number.</p>}
    </section>
  );
}

const Card = memo(function Card({ order, first }: { order: BoardOrder; first: boolean }) {
  const { number: name, customer, total, lines, fulfillmentOrders: parts } = order;
  const waits = lines.reduce((n, l) => n + l.backordered, 0);
  return (
    <a className="order-card" href={`#/orders/${order.id}`} data-card={order.id} tabIndex={first ? 0 : -1}>
      <span className="order-card-top">
        <strong>{name}</strong>
        {total && <span>{money(total)}</span>}
      </span>
      {customer?.name ? <span className="order-card-who">{customer.name}</span> : customer?.id && <span className="order-card-who">{customer.id}</span>}
      <span className="order-card-foot">
        <span>
          {number(lines.length)} {lines.length === 1 ? "line" : "lines"}
          {parts.length > 1 && `, ${number(parts.length)} parts`}
        </span>
        <Ago at={order.updatedAt} />
      </span>
      {waits > 0 && <span className="order-card-waits">{number(waits)} backordered</span>}
    </a>
  );
});
