import { useState, type ReactNode } from "react";
import { useQuery } from "urql";
import { useAsking } from "../../api/asking";
import { faultOf } from "../../api/errors";
import { useViewer } from "../../api/session";
import { SupplierDetailDocument, type SupplierDetailQuery } from "../../gql/graphql";
import { duration } from "../../format";
import { Button } from "../../ui/Button";
import { Empty, FaultNote, Loading, Page } from "../../ui/Page";
import { StatusPill } from "../../ui/Pill";
import { Ago } from "../../ui/Time";
import { FeedResults } from "./FeedResults";
import { FeedUpload } from "./FeedUpload";
import { Inbox } from "./Inbox";

type Supplier = Extract<NonNullable<SupplierDetailQuery["node"]>, { id: string }>;

const askEvery = 10_000;

/** One supplier: how it is, the parts of orders that wait for it, and what came of its feeds. */
export function SupplierPage({ id }: { id: string }) {
  const viewer = useViewer();
  const [uploading, setUploading] = useState(false);
  const [sent, setSent] = useState(0);
  const [{ data, error, fetching }, ask] = useQuery({ query: SupplierDetailDocument, variables: { id } });
  useAsking(ask, askEvery);
  const supplier = data?.node && "id" in data.node ? (data.node as Supplier) : null;
  const feeds = viewer.scopes.includes("inventory:write");
  return (
    <Page
      title={supplier?.name ?? "Supplier"}
      aside={supplier && feeds && <Button look="primary" onClick={() => setUploading(true)}>Upload a feed</Button>}
    >
      {error && <FaultNote fault={faultOf(error)} doing="Loading the supplier" onRetry={() => ask({ requestPolicy: "network-only" })} />}
      {!data && fetching && <Loading what="the supplier" />}
      {data && !supplier && <Empty>There is no such supplier, or it isn't yours to see.</Empty>}
      {supplier && (
        <>
          <Health supplier={supplier} />
          {viewer.scopes.includes("orders:read") && <Inbox id={id} />}
          <FeedResults key={sent} id={id} />
        </>
      )}
      {supplier && uploading && (
        <FeedUpload
          supplier={supplier}
          onClose={() => setUploading(false)}
          onSent={() => {
            setSent(sent + 1);
            ask({ requestPolicy: "network-only" });
          }}
        />
      )}
    </Page>
  );
}

function Health({ supplier }: { supplier: Supplier }) {
  const terms = supplier.terms;
  return (
    <dl className="facts card">
      <Fact name="Health">{supplier.status ? <StatusPill status={supplier.status} /> : "–"}</Fact>
      <Fact name="Last seen">{supplier.lastSeenAt ? <Ago at={supplier.lastSeenAt} /> : "never"}</Fact>
      <Fact name="Stock is confirmed for">{terms ? (terms.confirmWithinSeconds ? duration(terms.confirmWithinSeconds) : "until it says otherwise") : "–"}</Fact>
      <Fact name="Answers within">{terms ? duration(terms.acknowledgeWithinSeconds) : "–"}</Fact>
    </dl>
  );
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{children}</dd>
    </div>
  );
}
