import { useState } from "react";
import { useQuery } from "urql";
import { useAsking } from "../../api/asking";
import { faultOf } from "../../api/errors";
import { SupplierFeedsDocument, type FeedResultFragment } from "../../gql/graphql";
import { number, words } from "../../format";
import { Button } from "../../ui/Button";
import { Empty, FaultNote, Loading } from "../../ui/Page";
import { Pill } from "../../ui/Pill";
import { Table, type Column } from "../../ui/Table";
import { Ago, Time } from "../../ui/Time";
import { cameOf, toneOf } from "./feeds";

const askEvery = 10_000;

const columns: Column<FeedResultFragment>[] = [
  { head: "Received", cell: (f) => <Ago at={f.receivedAt} /> },
  { head: "Result", cell: (f) => <Pill tone={toneOf(f)}>{cameOf(f)}</Pill> },
  { head: "Kind", cell: (f) => `${words(f.mode)}, ${words(f.measure).toLowerCase()}` },
  { head: "As of", cell: (f) => <Time at={f.asOf} /> },
  { head: "Sequence", numeric: true, cell: (f) => f.sequence ?? "–" },
  { head: "Rows", numeric: true, cell: (f) => number(f.rowCount) },
  { head: "Applied", numeric: true, cell: (f) => number(f.applied) },
  { head: "Unchanged", numeric: true, cell: (f) => number(f.unchanged) },
  { head: "Emptied", numeric: true, cell: (f) => number(f.emptied) },
  { head: "Rejected", numeric: true, cell: (f) => number(f.rejected) },
];

/** What came of a supplier's feeds, the newest first, a page at a time. */
export function FeedResults({ id }: { id: string }) {
  const [pages, setPages] = useState<string[]>([""]);
  return (
    <section className="section" aria-labelledby="feeds-title">
      <h2 id="feeds-title">Feeds</h2>
      {pages.map((after, i) => (
        <FeedPage key={after} id={id} after={after} onMore={i === pages.length - 1 ? (next) => setPages([...pages, next]) : undefined} />
      ))}
    </section>
  );
}

function FeedPage({ id, after, onMore }: { id: string; after: string; onMore: ((after: string) => void) | undefined }) {
  const [{ data, error, fetching }, ask] = useQuery({ query: SupplierFeedsDocument, variables: { id, after: after || null } });
  useAsking(ask, askEvery);
  const feeds = data?.node && "feeds" in data.node ? data.node.feeds : null;
  const { hasNextPage, endCursor } = feeds?.pageInfo ?? { hasNextPage: false, endCursor: null };
  return (
    <>
      {error && <FaultNote fault={faultOf(error)} doing="Loading feeds" onRetry={() => ask({ requestPolicy: "network-only" })} />}
      {!data && fetching && <Loading what="feeds" />}
      {feeds && feeds.nodes.length === 0 && after === "" && <Empty>No feed has come yet.</Empty>}
      {feeds && feeds.nodes.length > 0 && (
        <div className="scrolls">
          <Table caption="Feeds and what came of them" columns={columns} rows={feeds.nodes} rowKey={(f) => f.id} />
        </div>
      )}
      {onMore && hasNextPage && endCursor && <Button onClick={() => onMore(endCursor)}>Older feeds</Button>}
    </>
  );
}
