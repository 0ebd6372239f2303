import { useEffect, useMemo, useRef, useState, useSyncExternalStore, type KeyboardEvent, type MouseEvent } from "react";
import { useApi } from "../../api/context";
import { useLive } from "../../api/live";
import { Mirror } from "../../api/mirror";
import { useViewer } from "../../api/session";
import { ConflictByIdDocument, ConflictInboxDocument, SettledConflictsDocument, type ConflictKind } from "../../gql/graphql";
import { number } from "../../format";
import { SelectField, Toggle } from "../../ui/Field";
import { LiveStatus } from "../../ui/LiveStatus";
import { Empty, Loading, Page } from "../../ui/Page";
import { StatusPill } from "../../ui/Pill";
import { classes } from "../../ui/classes";
import { Ago } from "../../ui/Time";
import { ConflictDetail } from "./ConflictDetail";
import { summaryOf, type Conflict } from "./facts";
import { inbox } from "./inbox";
import { kindName, meaning } from "./settle";
import "./conflicts.css";

/** What needs a person: all of it, with one opened by its id. */
export default function ConflictsPage({ id }: { id?: string }) {
  const viewer = useViewer();
  const [conflicts] = useState(() => new Mirror<Conflict>());
  const [kind, setKind] = useState<ConflictKind | "">("");
  const [supplier, setSupplier] = useState("");
  const [openOnly, setOpenOnly] = useState(false);
  const state = useLive("conflicts", {
    document: ConflictInboxDocument,
    variables: {},
    onBegin: () => conflicts.begin(),
    onEvent: (event) => {
      if (event.kind === "CAUGHT_UP") conflicts.caughtUp((c) => c.status === "OPEN");
      else if (event.conflict) conflicts.put(event.conflict, event.kind === "SNAPSHOT");
    },
    onExpired: () => conflicts.expire(),
  });
  const missing = useSettled(conflicts, id);
  const revision = useSyncExternalStore(conflicts.listen, () => conflicts.revision);
  const shown = useMemo(() => inbox(conflicts.values(), { kind, supplier, openOnly }), [conflicts, revision, kind, supplier, openOnly]);
  const suppliers = useMemo(() => {
    const found = new Map<string, string>();
    for (const c of conflicts.values()) if (c.supplier) found.set(c.supplier.id, c.supplier.name);
    return [...found].sort((a, b) => a[1].localeCompare(b[1]));
  }, [conflicts, revision]);
  const detail = useByKeys(id);
  const open = shown.filter((c) => c.status === "OPEN").length;
  const chosen = id === undefined ? undefined : conflicts.get(id);

  return (
    <Page
      title="Conflicts"
      aside={
        <>
          <span className="muted">{number(open)} open</span>
          <LiveStatus state={state} />
        </>
      }
    >
      <div className={classes("inbox", id !== undefined && "inbox-opened")}>
        <section className="inbox-list" aria-label="Inbox">
          <search className="inbox-filters">
            <SelectField label="Kind" value={kind} onChange={(e) => setKind(e.target.value as ConflictKind | "")}>
              <option value="">All</option>
              {Object.keys(meaning).map((k) => (
                <option key={k} value={k}>
                  {kindName(k)}
                </option>
              ))}
            </SelectField>
            {viewer.suppliers.length !== 1 && (
              <SelectField label="Supplier" value={supplier} onChange={(e) => setSupplier(e.target.value)}>
                <option value="">All</option>
                {suppliers.map(([key, name]) => (
                  <option key={key} value={key}>
                    {name}
                  </option>
                ))}
              </SelectField>
            )}
            <Toggle label="Open only" checked={openOnly} onChange={setOpenOnly} />
          </search>
          {shown.length === 0 && (conflicts.complete ? <Empty>Nothing needs a person.</Empty> : <Loading what="the inbox" />)}
          <ul className="conflicts">
            {shown.map((c) => (
              <li key={c.id}>
                <a href={`#/conflicts/${c.id}`} className="conflict-row" aria-current={c.id === id ? "true" : undefined} data-conflict={c.id} onClick={detail.opens}>
                  <span className="conflict-row-top">
                    <strong>{kindName(c.kind)}</strong>
                    <StatusPill status={c.status} />
                  </span>
                  <span>{summaryOf(c)}</span>
                  <small className="muted">
                    {c.supplier && `${c.supplier.name}, `}
                    <Ago at={c.openedAt} />
                  </small>
                </a>
              </li>
            ))}
          </ul>
        </section>
        {id === undefined ? (
          shown.length > 0 && (
            <section className="inbox-detail" aria-label="Conflict">
              <Empty>Choose a conflict to see what each side says, and to settle it.</Empty>
            </section>
          )
        ) : (
          <section ref={detail.ref} className="inbox-detail" aria-label="Conflict" tabIndex={-1} onKeyDown={detail.leaves}>
            <a className="inbox-back" href="#/conflicts">
              All conflicts
            </a>
            {chosen ? (
              <ConflictDetail key={chosen.id} conflict={chosen} put={(c) => conflicts.put(c)} />
            ) : missing ? (
              <Empty>There is no such conflict, or it isn't one that you may see.</Empty>
            ) : (
              <Loading what="the conflict" />
            )}
          </section>
        )}
      </div>
    </Page>
  );
}

/**
 * For who opens a conflict by keys: the focus goes to it, past all others of the list, and by Escape back to its row. A pointer needs none of that.
 */
function useByKeys(id: string | undefined) {
  const ref = useRef<HTMLElement>(null);
  const byKey = useRef(false);
  useEffect(() => {
    if (byKey.current) ref.current?.focus({ preventScroll: true });
    byKey.current = false;
  }, [id]);
  return {
    ref,
    opens: (e: MouseEvent) => (byKey.current = e.detail === 0),
    leaves: (e: KeyboardEvent) => {
      if (e.key !== "Escape" || (e.target as HTMLElement).closest("dialog")) return;
      document.querySelector<HTMLElement>(".conflict-row[aria-current]")?.focus();
    },
  };
}

/** Loads those that were settled lately, and the one that is opened; tells whether that isn't there. */
function useSettled(conflicts: Mirror<Conflict>, id: string | undefined): boolean {
  const { urql } = useApi();
  const [missing, setMissing] = useState<string | null>(null);
  useEffect(() => {
    let over = false;
    void urql
      .query(SettledConflictsDocument, {}, { requestPolicy: "network-only" })
      .toPromise()
      .then(({ data }) => {
        if (!over) for (const c of [...(data?.resolved?.nodes ?? []), ...(data?.dismissed?.nodes ?? [])]) conflicts.put(c);
      });
    return () => {
      over = true;
    };
  }, [conflicts, urql]);
  useEffect(() => {
    if (id === undefined || conflicts.get(id)) return;
    let over = false;
    void urql
      .query(ConflictByIdDocument, { id }, { requestPolicy: "network-only" })
      .toPromise()
      .then(({ data }) => {
        if (over || !data) return;
        if (data.node?.__typename === "Conflict") conflicts.put(data.node);
        else setMissing(id);
      });
    return () => {
      over = true;
    };
  }, [conflicts, id, urql]);
  return id !== undefined && missing === id;
}
