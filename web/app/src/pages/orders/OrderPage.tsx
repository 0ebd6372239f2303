import { useState } from "react";
import { useViewer } from "../../api/session";
import { money, number } from "../../format";
import { Button } from "../../ui/Button";
import { LiveStatus } from "../../ui/LiveStatus";
import { Empty, FaultNote, Loading, Page } from "../../ui/Page";
import { StatusPill } from "../../ui/Pill";
import { Table, type Column } from "../../ui/Table";
import { Time } from "../../ui/Time";
import { ActionDialog } from "./ActionDialog";
import { labels } from "./deeds";
import type { Line, Order } from "./model";
import { PartCard } from "./PartCard";
import { ReturnCard } from "./ReturnCard";
import { orderActs, type Action } from "./rights";
import { story } from "./story";
import { useOrder } from "./useOrder";

/** One order, as the viewer may see it, and what the viewer may do to it. */
export function OrderPage({ id }: { id: string }) {
  const { order, fault, live, reload } = useOrder(id);
  const [action, setAction] = useState<Action | null>(null);
  if (!order)
    return (
      <Page title="Order" aside={<BackLink />}>
        {fault ? (
          <FaultNote fault={fault} doing="Loading the order" onRetry={() => void reload()} />
        ) : order === null ? (
          <Empty>There is no such order, or it isn't one that you may see.</Empty>
        ) : (
          <Loading what="the order" />
        )}
      </Page>
    );
  return (
    <Page
      title={`Order ${order.number}`}
      aside={
        <>
          <LiveStatus state={live} />
          <BackLink />
        </>
      }
    >
      <Summary order={order} onAct={setAction} />
      <section aria-labelledby="order-lines" className="order-section">
        <h2 id="order-lines">Lines</h2>
        <Lines order={order} />
      </section>
      <div className="order-columns">
        <section aria-labelledby="order-parts" className="order-section">
          <h2 id="order-parts">Fulfilment</h2>
          {order.fulfillmentOrders.length === 0 && <Empty>Nothing of it is with a location yet.</Empty>}
          {order.fulfillmentOrders.map((part) => (
            <PartCard key={part.id} order={order} part={part} onAct={setAction} />
          ))}
          {order.returns.length > 0 && <h2>Returns</h2>}
          {order.returns.map((back) => (
            <ReturnCard key={back.id} order={order} back={back} onAct={setAction} />
          ))}
        </section>
        <section aria-labelledby="order-story" className="order-section">
          <h2 id="order-story">Timeline</h2>
          <Timeline order={order} />
        </section>
      </div>
      {action && <ActionDialog action={action} order={order} reload={reload} onClose={() => setAction(null)} />}
    </Page>
  );
}

function BackLink() {
  return (
    <a className="button button-plain" href="#/orders">
      All orders
    </a>
  );
}

function Summary({ order, onAct }: { order: Order; onAct: (action: Action) => void }) {
  const viewer = useViewer();
  const { customer } = order;
  const acts = orderActs(order, viewer);
  return (
    <section className="card order-summary" aria-label="Summary">
      <dl className="order-facts">
        <div>
          <dt>Status</dt>
          <dd data-status={order.status}>
            <StatusPill status={order.status} />
          </dd>
        </div>
        {order.holdReason && (
          <div>
            <dt>On hold because</dt>
            <dd>{order.holdReason}</dd>
          </div>
        )}
        {customer && (
          <div>
            <dt>Customer</dt>
            <dd>
              {customer.name ?? customer.id ?? "Guest"}
              {customer.name && customer.id && <small className="muted"> {customer.id}</small>}
              {customer.email && <small className="muted"> {customer.email}</small>}
            </dd>
          </div>
        )}
        {order.total && (
          <div>
            <dt>Total</dt>
            <dd>{money(order.total)}</dd>
          </div>
        )}
        <div>
          <dt>Placed</dt>
          <dd>
            <Time at={order.placedAt} />
          </dd>
        </div>
        {order.externalReference && (
          <div>
            <dt>Reference</dt>
            <dd className="code">{order.externalReference}</dd>
          </div>
        )}
      </dl>
      {acts.length > 0 && (
        <div className="order-acts">
          {acts.map((act) => (
            <Button key={act} data-act={act} look={act === "cancel" ? "danger" : "plain"} onClick={() => onAct({ act })}>
              {labels[act]}
            </Button>
          ))}
        </div>
      )}
    </section>
  );
}

function Lines({ order }: { order: Order }) {
  const shown = (n: number) => (n === 0 ? <span className="muted">0</span> : number(n));
  const columns: Column<Line>[] = [
    {
      head: "Product",
      cell: ({ product }) => (
        <span>
          {product.name} <small className="muted code">{product.sku}</small>
        </span>
      ),
    },
    { head: "Quantity", numeric: true, cell: (l) => number(l.quantity) },
    { head: "Open", numeric: true, cell: (l) => shown(l.open) },
    { head: "Backordered", numeric: true, cell: (l) => shown(l.backordered) },
    { head: "Shipped", numeric: true, cell: (l) => shown(l.shipped) },
    { head: "Cancelled", numeric: true, cell: (l) => shown(l.cancelled) },
    { head: "Returned", numeric: true, cell: (l) => shown(l.returned) },
  ];
  if (order.lines.some((l) => l.total !== null))
    columns.push(
      { head: "Price", numeric: true, cell: (l) => l.unitPrice && money(l.unitPrice) },
      { head: "Total", numeric: true, cell: (l) => l.total && money(l.total) },
    );
  return <Table caption={`Lines of order ${order.number}`} columns={columns} rows={order.lines} rowKey={(l) => l.id} />;
}

function Timeline({ order }: { order: Order }) {
  return (
    <ol className="timeline">
      {story(order).map(({ at, text, note, actor }, i) => (
        <li key={`${at} ${text} ${i}`}>
          <p>{text}</p>
          {note && <p className="timeline-note">{note}</p>}
          <small className="muted">
            <Time at={at} />
            {actor && `, ${actor}`}
          </small>
        </li>
      ))}
    </ol>
  );
}

