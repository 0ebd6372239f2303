import { useMemo } from "react";
import { useQuery } from "urql";
import { Link } from "wouter";
import { faultOf } from "../../api/errors";
import { useViewer } from "../../api/session";
import { useAsking } from "../../api/asking";
import { SuppliersDocument, type SuppliersQuery } from "../../gql/graphql";
import { Empty, FaultNote, Loading, Page } from "../../ui/Page";
import { Pill, StatusPill } from "../../ui/Pill";
import { Table, type Column } from "../../ui/Table";
import { Ago } from "../../ui/Time";
import { cameOf, toneOf } from "./feeds";

type Row = SuppliersQuery["suppliers"]["nodes"][number];

/** How often health is asked for again, in milliseconds: no subscription tells of it. */
const askEvery = 10_000;

const columns: Column<Row>[] = [
  { head: "Supplier", cell: (s) => <Link href={`/suppliers/${s.id}`}>{s.name}</Link> },
  { head: "Health", cell: (s) => (s.status ? <StatusPill status={s.status} /> : "–") },
  { head: "Last seen", cell: (s) => (s.lastSeenAt ? <Ago at={s.lastSeenAt} /> : "never") },
  {
    head: "Last feed",
    cell: (s) => {
      const feed = s.feeds?.nodes[0];
      return feed ? (
        <span className="feed-brief">
          <Pill tone={toneOf(feed)}>{cameOf(feed)}</Pill> <Ago at={feed.receivedAt} />
        </span>
      ) : (
        "none"
      );
    },
  },
];

/** Every supplier that the viewer may see, with how it is. */
export function SupplierList() {
  const viewer = useViewer();
  const [{ data, error, fetching }, ask] = useQuery({ query: SuppliersDocument, variables: {} });
  useAsking(ask, askEvery);
  const rows = useMemo(() => {
    const all = data?.suppliers.nodes ?? [];
    return viewer.role === "SUPPLIER" ? all.filter((s) => viewer.suppliers.some((own) => own.id === s.id)) : all;
  }, [data, viewer]);
  return (
    <Page title="Suppliers">
      {error && <FaultNote fault={faultOf(error)} doing="Loading suppliers" onRetry={() => ask({ requestPolicy: "network-only" })} />}
      {!data && fetching && <Loading what="suppliers" />}
      {data && rows.length === 0 && <Empty>There are no suppliers yet.</Empty>}
      {rows.length > 0 && <Table caption="Suppliers and their health" columns={columns} rows={rows} rowKey={(s) => s.id} />}
    </Page>
  );
}
