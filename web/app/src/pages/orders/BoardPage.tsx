import { useDeferredValue, useEffect, useMemo, useState, useSyncExternalStore } from "react";
import { useQuery } from "urql";
import { useApi } from "../../api/context";
import { useLive } from "../../api/live";
import { useViewer } from "../../api/session";
import { ClosedOrdersDocument, FindOrdersDocument, OrderBoardDocument, SupplierNamesDocument } from "../../gql/graphql";
import { number } from "../../format";
import { SelectField, TextField } from "../../ui/Field";
import { LiveStatus } from "../../ui/LiveStatus";
import { Page } from "../../ui/Page";
import { useMedia } from "../../ui/media";
import { Board } from "./board";
import { BoardColumns, type Totals } from "./BoardColumns";

/** How long after an order has ended those that have are counted anew: once for many that end together. */
const recountAfter = 1_500;
const findAfter = 350;

/** Every order in the column of its status, moving as they change. */
export function BoardPage() {
  const viewer = useViewer();
  const bySupplier = viewer.role !== "CUSTOMER" && viewer.suppliers.length !== 1;
  const [board] = useState(() => new Board());
  const [text, setText] = useState("");
  const [supplier, setSupplier] = useState("");
  const wanted = useDeferredValue(text);
  const narrow = useMedia("(max-width: 60rem)");
  const state = useLive("board", {
    document: OrderBoardDocument,
    variables: {},
    onBegin: () => board.orders.begin(),
    onEvent: (event) => board.take(event),
    onExpired: () => board.orders.expire(),
  });
  const totals = useClosed(board, supplier);
  useFind(board, wanted);
  const revision = useSyncExternalStore(board.orders.listen, () => board.orders.revision);
  const columns = useMemo(() => board.columns({ text: wanted, supplier }), [board, revision, wanted, supplier]);
  const [suppliers] = useQuery({ query: SupplierNamesDocument, pause: !bySupplier });
  const names = suppliers.data?.suppliers.nodes ?? [];
  const open = columns.reduce((n, c) => (c.status in totals ? n : n + c.orders.length), 0);

  return (
    <Page
      title="Orders"
      aside={
        <>
          <span className="muted">{number(open)} open</span>
          <LiveStatus state={state} />
        </>
      }
    >
      <search className="board-filters">
        <TextField
          label={findBy(viewer.role)}
          type="search"
          value={text}
          onChange={(e) => setText(e.target.value)}
        />
        {bySupplier && (
          <SelectField label="Supplier" value={supplier} onChange={(e) => setSupplier(e.target.value)}>
            <option value="">All</option>
            {names.map((s) => (
              <option key={s.id} value={s.id}>
                {s.name}
              </option>
            ))}
          </SelectField>
        )}
      </search>
      {state.missed > 0 && state.phase === "live" && (
        <p className="note note-warning" role="status">
          The connection was gone for longer than changes are kept. The board was loaded anew.
        </p>
      )}
      <BoardColumns columns={columns} totals={wanted ? {} : totals} narrow={narrow} filter={`${wanted}/${supplier}`} loaded={board.orders.complete} />
    </Page>
  );
}

/** What an order is found by: a customer's are all the same customer's, and suppliers aren't told whose they are. */
function findBy(role: string): string {
  if (role === "SUPPLIER") return "Find by number";
  return role === "CUSTOMER" ? "Find by number or reference" : "Find by number, customer or reference";
}

/** Loads those that ended lately, and how many there are of them, again whenever one does. */
function useClosed(board: Board, supplier: string): Totals {
  const { urql } = useApi();
  const [totals, setTotals] = useState<Totals>({});
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const of = supplier ? { supplierId: supplier } : {};
    const load = async () => {
      const { data } = await urql
        .query(
          ClosedOrdersDocument,
          { delivered: { statuses: ["DELIVERED"], ...of }, cancelled: { statuses: ["CANCELLED"], ...of } },
          { requestPolicy: "network-only" },
        )
        .toPromise();
      if (over || !data) return;
      for (const order of [...(data.delivered?.nodes ?? []), ...(data.cancelled?.nodes ?? [])]) board.orders.put(order);
      setTotals({ DELIVERED: data.delivered?.totalCount ?? null, CANCELLED: data.cancelled?.totalCount ?? null });
    };
    void load();
    board.onClosing = () => {
      timer ??= setTimeout(() => {
        timer = undefined;
        void load();
      }, recountAfter);
    };
    return () => {
      over = true;
      clearTimeout(timer);
      board.onClosing = () => {};
    };
  }, [board, supplier, urql]);
  return totals;
}

/** Looks for orders that the board hasn't: by their whole number or reference, or their customer's id. */
function useFind(board: Board, text: string): void {
  const { urql } = useApi();
  useEffect(() => {
    const wanted = text.trim();
    if (wanted.length < 2) return;
    let over = false;
    const timer = setTimeout(() => {
      void (async () => {
        const { data } = await urql.query(FindOrdersDocument, { text: wanted, customer: wanted.toUpperCase() }).toPromise();
        if (over || !data) return;
        for (const order of [...(data.byNumber?.nodes ?? []), ...(data.byCustomer?.nodes ?? [])]) board.orders.put(order);
      })();
    }, findAfter);
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [board, text, urql]);
}
