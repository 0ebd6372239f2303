import { useState } from "react";
import { useQuery } from "urql";
import { Link } from "wouter";
import { faultOf } from "../../api/errors";
import { useLive } from "../../api/live";
import { useSettled } from "../../api/asking";
import { SupplierInboxDocument, SupplierOrdersDocument, type SupplierInboxQuery } from "../../gql/graphql";
import { inUnits, number } from "../../format";
import { Button } from "../../ui/Button";
import { LiveStatus } from "../../ui/LiveStatus";
import { Empty, FaultNote, Loading } from "../../ui/Page";
import { StatusPill } from "../../ui/Pill";
import { Table, type Column } from "../../ui/Table";
import { Ago } from "../../ui/Time";

type Part = NonNullable<SupplierInboxQuery["fulfillmentOrders"]>["nodes"][number];

const columns: Column<Part>[] = [
  { head: "Order", cell: (f) => <Link href={`/orders/${f.order.id}`}>{f.order.number}</Link> },
  { head: "Status", cell: (f) => <StatusPill status={f.status} /> },
  { head: "Goods", cell: (f) => <Goods part={f} /> },
  { head: "From", cell: (f) => f.location.code },
  { head: "Since", cell: (f) => <Ago at={f.submittedAt} /> },
  { head: "Answer by", cell: (f) => (f.status === "SUBMITTED" && f.acknowledgeBy ? <Ago at={f.acknowledgeBy} /> : "–") },
  {
    head: "Next",
    cell: (f) => (
      <Link className="button button-plain" href={`/orders/${f.order.id}`}>
        {f.status === "SUBMITTED" ? "Answer" : f.status === "CANCELLATION_REQUESTED" ? "Decide" : "Ship"}
      </Link>
    ),
  },
];

function Goods({ part }: { part: Part }) {
  return (
    <ul className="plain-list">
      {part.lines.map((l) => (
        <li key={l.id}>
          {l.supplierQuantity !== null && l.supplierUnit !== null ? `${inUnits(l.supplierQuantity, l.supplierUnit)} of` : number(l.quantity)}{" "}
          {l.orderLine.product.name} {l.supplierSku !== null && <small className="muted code">{l.supplierSku}</small>}
        </li>
      ))}
    </ul>
  );
}

/** The parts of orders that wait for the supplier, oldest first. Each change of its orders loads them anew. */
export function Inbox({ id }: { id: string }) {
  const [pages, setPages] = useState<string[]>([""]);
  const [changes, setChanges] = useState(0);
  const state = useLive(`orders of ${id}`, {
    document: SupplierOrdersDocument,
    variables: { id },
    onEvent: (event) => setChanges((n) => (event.kind === "CAUGHT_UP" && n === 0 ? n : n + 1)),
    onExpired: () => setChanges((n) => n + 1),
  });
  return (
    <section className="section" aria-labelledby="inbox-title">
      <header className="section-head">
        <h2 id="inbox-title">Inbox</h2>
        <LiveStatus state={state} />
      </header>
      {pages.map((after, i) => (
        <InboxPage
          key={after}
          id={id}
          after={after}
          changes={changes}
          onMore={i === pages.length - 1 ? (next) => setPages([...pages, next]) : undefined}
        />
      ))}
    </section>
  );
}

interface PageProps {
  id: string;
  after: string;
  changes: number;
  onMore: ((after: string) => void) | undefined;
}

function InboxPage({ id, after, changes, onMore }: PageProps) {
  const [{ data, error, fetching }, ask] = useQuery({ query: SupplierInboxDocument, variables: { id, after: after || null } });
  useSettled(changes, () => ask({ requestPolicy: "network-only" }));
  const parts = data?.fulfillmentOrders;
  const { hasNextPage, endCursor } = parts?.pageInfo ?? { hasNextPage: false, endCursor: null };
  return (
    <>
      {error && <FaultNote fault={faultOf(error)} doing="Loading the inbox" onRetry={() => ask({ requestPolicy: "network-only" })} />}
      {!data && fetching && <Loading what="the inbox" />}
      {parts && parts.nodes.length === 0 && after === "" && <Empty>Nothing waits. New parts of orders appear here.</Empty>}
      {parts && parts.nodes.length > 0 && (
        <Table caption="Parts of orders that wait for the supplier" columns={columns} rows={parts.nodes} rowKey={(f) => f.id} />
      )}
      {onMore && hasNextPage && endCursor && <Button onClick={() => onMore(endCursor)}>More</Button>}
    </>
  );
}
