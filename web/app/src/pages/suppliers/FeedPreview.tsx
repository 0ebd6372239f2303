import { counted, delta, number } from "../../format";
import { Table, type Column } from "../../ui/Table";
import type { Effect, Preview } from "./preview";

/** So many of each are shown; of the others it is said how many they are. */
const mostShown = 200;

const changed: Column<Effect>[] = [
  { head: "SKU", cell: (e) => e.level?.product.sku ?? "–" },
  { head: "Product", cell: (e) => e.level?.product.name ?? "–" },
  { head: "Location", cell: (e) => e.level?.location.code ?? "–" },
  { head: "Row", cell: (e) => (e.place === null ? "left out" : `${e.place}: ${e.supplierSku ?? ""}`) },
  { head: "Now", numeric: true, cell: (e) => (e.before === null ? "new" : number(e.before)) },
  { head: "Then", numeric: true, cell: (e) => (e.after === null ? "–" : number(e.after)) },
  { head: "Change", numeric: true, cell: (e) => <strong>{delta((e.after ?? 0) - (e.before ?? 0))}</strong> },
];

const refused: Column<Effect>[] = [
  { head: "Row", cell: (e) => e.place ?? "–" },
  { head: "Supplier's SKU", cell: (e) => e.supplierSku ?? "–" },
  { head: "Why", cell: (e) => e.errors.map((err) => err.message).join(" ") },
];

/** What a feed would do. */
export function FeedPreview({ preview, test }: { preview: Preview; test: boolean }) {
  const { rejected, changes, unchanged, emptied, held } = preview;
  return (
    <div className="feed-preview" data-changes={changes.length} data-rejected={rejected.length} data-emptied={emptied}>
      <p role="status">
        <strong>Nothing has been sent yet.</strong> {counted(changes.length, "level")} would change, {number(unchanged)} would stay
        {emptied > 0 && `, ${number(emptied)} that it leaves out would be emptied`}, {counted(rejected.length, "row")} would be rejected.
      </p>
      {test && <p className="note note-warning">The document says that it is a test: it can be tried, and not sent.</p>}
      {held && <p className="note note-warning">It would empty more than was agreed. Sent, it waits for a person, and nothing of it is applied until then.</p>}
      {rejected.length > 0 && (
        <section aria-labelledby="rejected-title">
          <h3 id="rejected-title">Rejected</h3>
          <Some all={rejected} columns={refused} caption="Rows that would be rejected" />
        </section>
      )}
      {changes.length > 0 && (
        <section aria-labelledby="changes-title">
          <h3 id="changes-title">Changes</h3>
          <Some all={changes} columns={changed} caption="Levels that would change, those that change most first" />
        </section>
      )}
    </div>
  );
}

function Some({ all, columns, caption }: { all: Effect[]; columns: Column<Effect>[]; caption: string }) {
  return (
    <div className="scrolls">
      <Table caption={caption} columns={columns} rows={all.slice(0, mostShown)} rowKey={(e) => e.key} />
      {all.length > mostShown && <p className="muted">And {number(all.length - mostShown)} more.</p>}
    </div>
  );
}
