import { useState } from "react";
import { useViewer } from "../../api/session";
import { Button } from "../../ui/Button";
import { StatusPill } from "../../ui/Pill";
import { Ago, Time } from "../../ui/Time";
import { sides, summaryOf, type Conflict } from "./facts";
import { subjectLink } from "./inbox";
import { kindName, meaning, settling } from "./settle";
import { SettleDialog } from "./SettleDialog";

/** Both sides of one conflict, and what may be done about it. */
export function ConflictDetail({ conflict, put }: { conflict: Conflict; put: (conflict: Conflict) => void }) {
  const viewer = useViewer();
  const [asked, setAsked] = useState<"RESOLVED" | "DISMISSED" | null>(null);
  const may = settling(conflict, viewer);
  const subject = subjectLink(conflict);
  const { shared, pairs } = sides(conflict);
  return (
    <article className="card conflict" data-conflict-status={conflict.status}>
      <header className="conflict-head">
        <h2>{kindName(conflict.kind)}</h2>
        <StatusPill status={conflict.status} />
      </header>
      <p className="conflict-summary">{summaryOf(conflict)}</p>
      <p className="muted">{meaning[conflict.kind]}</p>
      <dl className="conflict-facts">
        {conflict.supplier && (
          <div>
            <dt>Supplier</dt>
            <dd>
              <a href={`#/suppliers/${conflict.supplier.id}`}>{conflict.supplier.name}</a>
            </dd>
          </div>
        )}
        {subject && subject.text !== conflict.supplier?.name && (
          <div>
            <dt>About</dt>
            <dd>{subject.href ? <a href={subject.href}>{subject.text}</a> : subject.text}</dd>
          </div>
        )}
        {shared.map((f, i) => (
          <div key={`${f.name} ${i}`}>
            <dt>{f.name}</dt>
            <dd>{f.value}</dd>
          </div>
        ))}
        <div>
          <dt>Opened</dt>
          <dd>
            <Ago at={conflict.openedAt} />
          </dd>
        </div>
      </dl>
      {pairs.length > 0 && (
        <table className="sides">
          <caption className="only-heard">What each side says</caption>
          <thead>
            <tr>
              <td />
              <th scope="col">{conflict.supplier?.name ?? "The supplier"} says</th>
              <th scope="col">Here</th>
            </tr>
          </thead>
          <tbody>
            {pairs.map((p, i) => (
              <tr key={`${p.about} ${i}`}>
                <th scope="row">{p.about}</th>
                <td>{p.theirs ?? <Nothing />}</td>
                <td>{p.ours ?? <Nothing />}</td>
              </tr>
            ))}
          </tbody>
        </table>
      )}
      {conflict.status !== "OPEN" && (
        <div className="note">
          <p>{conflict.resolution ?? "It closed by itself."}</p>
          {conflict.resolvedAt && (
            <small>
              <Time at={conflict.resolvedAt} />
            </small>
          )}
        </div>
      )}
      {may.why && <p className="note note-warning">{may.why}</p>}
      {may.dismiss && (
        <div className="conflict-acts">
          {may.resolve && (
            <Button look="primary" data-act="resolve" onClick={() => setAsked("RESOLVED")}>
              Resolve…
            </Button>
          )}
          <Button data-act="dismiss" onClick={() => setAsked("DISMISSED")}>
            Dismiss…
          </Button>
        </div>
      )}
      {asked && <SettleDialog conflict={conflict} status={asked} put={put} onClose={() => setAsked(null)} />}
    </article>
  );
}

/** This side says nothing of it. */
function Nothing() {
  return (
    <span className="muted">
      <span aria-hidden="true">–</span>
      <span className="only-heard">nothing</span>
    </span>
  );
}
