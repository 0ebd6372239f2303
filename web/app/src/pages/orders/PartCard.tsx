import { useViewer } from "../../api/session";
import { inUnits, number } from "../../format";
import { Button } from "../../ui/Button";
import { Pill, StatusPill } from "../../ui/Pill";
import { Ago, Time, useNow } from "../../ui/Time";
import { labels } from "./deeds";
import { lineOf, type Order, type Part, type PartLine, type Shipment } from "./model";
import { partActs, shipmentActs, type Action } from "./rights";

interface Props {
  order: Order;
  part: Part;
  onAct: (action: Action) => void;
}

/** What one location fulfils of an order, with its shipments. */
export function PartCard({ order, part, onAct }: Props) {
  const viewer = useViewer();
  const acts = partActs(order, part, viewer);
  return (
    <article className="card part" aria-label={`Part from ${part.location.name}`} data-part={part.id}>
      <header className="part-head">
        <h3>{part.location.name}</h3>
        <StatusPill status={part.status} />
        <Deadline part={part} />
      </header>
      <ul className="part-lines">
        {part.lines.map((line) => (
          <li key={line.id}>
            <span>{lineOf(order, line.orderLine.id)?.product.name ?? line.supplierSku}</span>
            <span className="part-amounts">
              {number(line.quantity)}
              {line.accepted !== null && line.accepted !== line.quantity && `, ${number(line.accepted)} accepted`}
              {line.shipped > 0 && `, ${number(line.shipped)} shipped`}
            </span>
            <SupplierWords line={line} />
          </li>
        ))}
      </ul>
      {part.shipTo && <ShipTo to={part.shipTo} />}
      {part.fulfillments.map((shipment) => (
        <ShipmentRow key={shipment.id} order={order} part={part} shipment={shipment} onAct={onAct} />
      ))}
      {acts.length > 0 && (
        <div className="order-acts">
          {acts.map((act) => (
            <Button key={act} data-act={act} look={act === "ship" ? "primary" : "plain"} onClick={() => onAct({ act, partId: part.id })}>
              {labels[act]}
            </Button>
          ))}
        </div>
      )}
    </article>
  );
}

/** By when it has to be answered, for as long as it isn't. */
function Deadline({ part }: { part: Part }) {
  const now = useNow();
  if (part.status !== "SUBMITTED" || !part.acknowledgeBy) return null;
  if (Date.parse(part.acknowledgeBy) < now)
    return (
      <Pill tone="bad">
        Overdue, <Ago at={part.acknowledgeBy} />
      </Pill>
    );
  return (
    <small className="muted">
      To be answered <Ago at={part.acknowledgeBy} />
    </small>
  );
}

/** The same line in the supplier's own words. */
function SupplierWords({ line }: { line: PartLine }) {
  if (!line.supplierSku) return null;
  return (
    <small className="muted">
      <span className="code">{line.supplierSku}</span>
      {line.supplierQuantity !== null && line.supplierUnit && (
        <>
          : {inUnits(line.supplierQuantity, line.supplierUnit)}
          {(line.packQuantity ?? 1) > 1 && ` of ${number(line.packQuantity ?? 1)}`}
        </>
      )}
    </small>
  );
}

function ShipTo({ to }: { to: NonNullable<Part["shipTo"]> }) {
  const town = [to.postalCode, to.city, to.region].filter(Boolean).join(" ");
  return (
    <p className="ship-to">
      <span className="muted">Ship to </span>
      {[to.name, ...to.lines, town, to.country].filter(Boolean).join(", ")}
    </p>
  );
}

function ShipmentRow({ order, part, shipment, onAct }: Props & { shipment: Shipment }) {
  const viewer = useViewer();
  const units = shipment.lines.reduce((n, l) => n + l.quantity, 0);
  const parcel = [shipment.carrier, shipment.trackingNumber].filter(Boolean).join(" ");
  return (
    <div className="shipment" data-shipment={shipment.id}>
      <p>
        <StatusPill status={shipment.status} /> {number(units)} {units === 1 ? "unit" : "units"}
        {parcel && (
          <>
            {" by "}
            {shipment.trackingUrl && /^https?:/i.test(shipment.trackingUrl) ? (
              <a href={shipment.trackingUrl} rel="noreferrer noopener" target="_blank">
                {parcel}
              </a>
            ) : (
              parcel
            )}
          </>
        )}
      </p>
      <small className="muted">
        {shipment.status === "PENDING" && "Made ready, not on its way yet"}
        {shipment.shippedAt && (
          <>
            Shipped <Time at={shipment.shippedAt} />
          </>
        )}
        {shipment.deliveredAt && (
          <>
            , delivered <Time at={shipment.deliveredAt} />
          </>
        )}
      </small>
      {shipmentActs(order, part, shipment, viewer).map((act) => (
        <Button key={act} data-act={act} onClick={() => onAct({ act, partId: part.id, shipmentId: shipment.id })}>
          {labels[act]}
        </Button>
      ))}
    </div>
  );
}
