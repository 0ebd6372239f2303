import { useViewer } from "../../api/session";
import { number } from "../../format";
import { Button } from "../../ui/Button";
import { StatusPill } from "../../ui/Pill";
import { Time } from "../../ui/Time";
import { labels } from "./deeds";
import { lineOf, type Order, type Return } from "./model";
import { returnActs, type Action } from "./rights";

/** Goods of an order that come back. */
export function ReturnCard({ order, back, onAct }: { order: Order; back: Return; onAct: (action: Action) => void }) {
  const viewer = useViewer();
  const acts = returnActs(back, viewer);
  return (
    <article className="card part" aria-label="Return" data-return={back.id}>
      <header className="part-head">
        <h3>
          Announced <Time at={back.createdAt} />
        </h3>
        <StatusPill status={back.status} />
      </header>
      {back.reason && <p>{back.reason}</p>}
      <ul className="part-lines">
        {back.lines.map((line) => (
          <li key={line.id}>
            <span>{lineOf(order, line.orderLine.id)?.product.name}</span>
            <span className="part-amounts">
              {number(line.quantity)}
              {line.restocked > 0 && `, ${number(line.restocked)} restocked`}
              {line.writtenOff > 0 && `, ${number(line.writtenOff)} written off`}
            </span>
          </li>
        ))}
      </ul>
      {acts.length > 0 && (
        <div className="order-acts">
          {acts.map((act) => (
            <Button key={act} data-act={act} onClick={() => onAct({ act, returnId: back.id })}>
              {labels[act]}
            </Button>
          ))}
        </div>
      )}
    </article>
  );
}
