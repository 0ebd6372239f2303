import { useState, type ReactNode } from "react";
import { useQuery } from "urql";
import { call } from "../../api/intent";
import type { Places } from "../../api/places";
import { useViewer } from "../../api/session";
import { inUnits, number } from "../../format";
import {
  LocationNamesDocument,
  PartAcceptDocument,
  ReturnCreateDocument,
  ReturnReceiveDocument,
  ShipmentCreateDocument,
  ShipmentShippedDocument,
} from "../../gql/graphql";
import { Confirm, placed } from "../../ui/Confirm";
import { SelectField, TextArea, TextField } from "../../ui/Field";
import { lineOf, returnable, shippable, toCome, type Order, type Part, type PartLine } from "./model";
import { useAction, type ActionProps } from "./useAction";

type Amounts = Record<string, string>;

/** A whole number of something, from 0 to `most`. */
function Amount({ label, hint, most, value, error, onChange }: {
  label: string;
  hint?: ReactNode;
  most: number;
  value: string;
  error?: string | undefined;
  onChange: (value: string) => void;
}) {
  return (
    <TextField
      label={label}
      hint={hint}
      type="number"
      inputMode="numeric"
      min={0}
      max={most}
      step={1}
      required
      value={value}
      error={error}
      onChange={(e) => onChange(e.target.value)}
    />
  );
}

function useAmounts(initial: () => Amounts): [Amounts, (id: string) => (value: string) => void] {
  const [amounts, setAmounts] = useState(initial);
  return [amounts, (id) => (value) => setAmounts((all) => ({ ...all, [id]: value }))];
}

const entries = <T extends { id: string }>(of: readonly T[], amount: (t: T) => number): Amounts =>
  Object.fromEntries(of.map((t) => [t.id, String(amount(t))]));

/** The fields of rows that were sent in this order, by the paths of their errors. */
const linePlaces = (ids: readonly string[], member: string): Places => Object.fromEntries(ids.map((id, i) => [`lines.${i}.${member}`, id]));

const none: Part["lines"] = [];
const nameOf = (order: Order, line: PartLine) => lineOf(order, line.orderLine.id)?.product.name ?? line.supplierSku ?? "";

function packs(line: PartLine): string | null {
  if (line.supplierQuantity === null || !line.supplierUnit) return null;
  const of = (line.packQuantity ?? 1) > 1 ? ` of ${number(line.packQuantity ?? 1)}` : "";
  return `${line.supplierSku}: ${inUnits(line.supplierQuantity, line.supplierUnit)}${of}`;
}

const partOf = ({ action }: ActionProps, order: Order) =>
  order.fulfillmentOrders.find((f) => "partId" in action && f.id === action.partId);

/** Accepts all of a part, or less of some lines. */
export function AcceptForm(props: ActionProps) {
  const state = useAction(props);
  const part = partOf(props, state.order);
  const lines = part?.lines ?? none;
  const [amounts, change] = useAmounts(() => entries(lines, (l) => l.quantity));
  const [reason, setReason] = useState("");
  const accepted = (l: PartLine) => Number(amounts[l.id] ?? l.quantity);
  const whole = lines.every((l) => accepted(l) === l.quantity);
  const nothing = lines.every((l) => accepted(l) === 0);
  const { at, rest } = placed(state, { ...linePlaces(lines.map((l) => l.id), "accepted"), reason: "reason" });
  if (!part) return null;
  const submit = () =>
    state.submit(
      (key) =>
        call(PartAcceptDocument, {
          input: {
            idempotencyKey: key,
            fulfillmentOrderId: part.id,
            expectedVersion: part.version,
            reason: reason.trim() || null,
            lines: whole ? null : lines.map((l) => ({ lineId: l.id, accepted: accepted(l) })),
          },
        }),
      `The part from ${part.location.name} is accepted.`,
    );
  return (
    <Confirm
      state={state}
      title={`Accept the part from ${part.location.name}`}
      says={
        whole
          ? "All of it will be shipped from here."
          : "What is accepted will be shipped from here. The rest goes to another location that can serve it, as a new part; else it is backordered."
      }
      verb={whole ? "Accept all" : "Accept a part"}
      disabled={nothing}
      rest={rest}
      onClose={props.onClose}
      onSubmit={() => void submit()}
    >
      {lines.map((l) => (
        <Amount
          key={l.id}
          label={`${nameOf(state.order, l)}, of ${number(l.quantity)}`}
          hint={packs(l)}
          most={l.quantity}
          value={amounts[l.id] ?? ""}
          error={at[l.id]}
          onChange={change(l.id)}
        />
      ))}
      {nothing && <p className="note note-warning">Nothing is accepted. To refuse all of it, reject the part.</p>}
      {!whole && <TextArea label="Reason (optional)" rows={2} value={reason} error={at.reason} onChange={(e) => setReason(e.target.value)} />}
    </Confirm>
  );
}

interface Parcel {
  carrier: string;
  trackingNumber: string;
  trackingUrl: string;
}
const parcelPlaces: Places = { carrier: "carrier", trackingNumber: "trackingNumber", trackingUrl: "trackingUrl" };
const parcelInput = (p: Parcel) => ({
  carrier: p.carrier.trim() || null,
  trackingNumber: p.trackingNumber.trim() || null,
  trackingUrl: p.trackingUrl.trim() || null,
});

function ParcelFields({ parcel, at, onChange }: { parcel: Parcel; at: Record<string, string>; onChange: (parcel: Parcel) => void }) {
  const field = (name: keyof Parcel, label: string, type = "text") => (
    <TextField
      label={label}
      type={type}
      autoComplete="off"
      value={parcel[name]}
      error={at[name]}
      onChange={(e) => onChange({ ...parcel, [name]: e.target.value })}
    />
  );
  return (
    <div className="parcel">
      {field("carrier", "Carrier (optional)")}
      {field("trackingNumber", "Tracking number (optional)")}
      {field("trackingUrl", "Tracking link (optional)", "url")}
    </div>
  );
}

/** Ships all that remains of a part, or some of it. */
export function ShipForm(props: ActionProps) {
  const state = useAction(props);
  const part = partOf(props, state.order);
  const lines = (part?.lines ?? none).filter((l) => part && shippable(part, l) > 0);
  const [amounts, change] = useAmounts(() => (part ? entries(lines, (l) => shippable(part, l)) : {}));
  const [parcel, setParcel] = useState<Parcel>({ carrier: "", trackingNumber: "", trackingUrl: "" });
  const [pending, setPending] = useState(false);
  const quantity = (l: PartLine) => Number(amounts[l.id] ?? 0);
  const sent = lines.filter((l) => quantity(l) > 0);
  const { at, rest } = placed(state, { ...linePlaces(sent.map((l) => l.id), "quantity"), ...parcelPlaces });
  if (!part) return null;
  const units = sent.reduce((n, l) => n + quantity(l), 0);
  const submit = () =>
    state.submit(
      (key) =>
        call(ShipmentCreateDocument, {
          input: {
            idempotencyKey: key,
            fulfillmentOrderId: part.id,
            lines: sent.map((l) => ({ lineId: l.id, quantity: quantity(l) })),
            pending,
            ...parcelInput(parcel),
          },
        }),
      pending ? `${number(units)} from ${part.location.name} are made ready.` : `${number(units)} from ${part.location.name} are on their way.`,
    );
  return (
    <Confirm
      state={state}
      title={`Ship from ${part.location.name}`}
      says={
        pending
          ? `${number(units)} are made ready: nobody else can ship them, and stock stays until they leave.`
          : `${number(units)} have left, as of now, and are taken from stock at ${part.location.name}.${part.status === "SUBMITTED" ? " Shipping accepts the part." : ""}${part.status === "CANCELLATION_REQUESTED" ? " It was asked to be cancelled; shipping is the answer." : ""}`
      }
      verb={pending ? "Make ready" : "Ship"}
      disabled={units === 0}
      rest={rest}
      onClose={props.onClose}
      onSubmit={() => void submit()}
    >
      {lines.map((l) => (
        <Amount
          key={l.id}
          label={`${nameOf(state.order, l)}, of ${number(shippable(part, l))}`}
          hint={packs(l)}
          most={shippable(part, l)}
          value={amounts[l.id] ?? ""}
          error={at[l.id]}
          onChange={change(l.id)}
        />
      ))}
      <ParcelFields parcel={parcel} at={at} onChange={setParcel} />
      <label className="check">
        <input type="checkbox" checked={pending} onChange={(e) => setPending(e.target.checked)} />
        Only make it ready: it isn't on its way yet
      </label>
    </Confirm>
  );
}

/** Says that a shipment that was made ready has left. */
export function SendForm(props: ActionProps) {
  const { action } = props;
  const state = useAction(props);
  const part = partOf(props, state.order);
  const shipment = part?.fulfillments.find((s) => "shipmentId" in action && s.id === action.shipmentId);
  const [parcel, setParcel] = useState<Parcel>({
    carrier: shipment?.carrier ?? "",
    trackingNumber: shipment?.trackingNumber ?? "",
    trackingUrl: shipment?.trackingUrl ?? "",
  });
  const { at, rest } = placed(state, parcelPlaces);
  if (!part || !shipment) return null;
  const units = shipment.lines.reduce((n, l) => n + l.quantity, 0);
  return (
    <Confirm
      state={state}
      title={`Shipment from ${part.location.name}`}
      says={`Its ${number(units)} have left, as of now, and are taken from stock at ${part.location.name}.`}
      verb="It has left"
      rest={rest}
      onClose={props.onClose}
      onSubmit={() =>
        void state.submit(
          (key) => call(ShipmentShippedDocument, { input: { idempotencyKey: key, fulfillmentId: shipment.id, ...parcelInput(parcel) } }),
          "The shipment is on its way.",
        )
      }
    >
      <ParcelFields parcel={parcel} at={at} onChange={setParcel} />
    </Confirm>
  );
}

/** Announces goods that come back. */
export function ReturnForm(props: ActionProps) {
  const state = useAction(props);
  const { order } = state;
  const lines = order.lines.filter((l) => returnable(order, l) > 0);
  const [amounts, change] = useAmounts(() => entries(lines, () => 0));
  const [reason, setReason] = useState("");
  const sent = lines.filter((l) => Number(amounts[l.id] ?? 0) > 0);
  const { at, rest } = placed(state, { ...linePlaces(sent.map((l) => l.id), "quantity"), reason: "reason" });
  const submit = () =>
    state.submit(
      (key) =>
        call(ReturnCreateDocument, {
          input: {
            idempotencyKey: key,
            orderId: order.id,
            reason: reason.trim() || null,
            lines: sent.map((l) => ({ orderLineId: l.id, quantity: Number(amounts[l.id]) })),
          },
        }),
      `A return of order ${order.number} is announced.`,
    );
  return (
    <Confirm
      state={state}
      title={`Announce a return of order ${order.number}`}
      says="Those who shipped it are told that these goods come back. Stock changes once somebody has received them."
      verb="Announce"
      disabled={sent.length === 0}
      rest={rest}
      onClose={props.onClose}
      onSubmit={() => void submit()}
    >
      {lines.map((l) => (
        <Amount
          key={l.id}
          label={`${l.product.name}, of ${number(returnable(order, l))}`}
          most={returnable(order, l)}
          value={amounts[l.id] ?? "0"}
          error={at[l.id]}
          onChange={change(l.id)}
        />
      ))}
      <TextArea label="Reason (optional)" rows={2} value={reason} error={at.reason} onChange={(e) => setReason(e.target.value)} />
    </Confirm>
  );
}

/** Takes in what has come back. */
export function ReceiveForm(props: ActionProps) {
  const { action } = props;
  const state = useAction(props);
  const viewer = useViewer();
  const back = state.order.returns.find((r) => "returnId" in action && r.id === action.returnId);
  const lines = (back?.lines ?? []).filter((l) => toCome(l) > 0);
  const [restock, changeRestock] = useAmounts(() => entries(lines, toCome));
  const [writeOff, changeWriteOff] = useAmounts(() => entries(lines, () => 0));
  const [location, setLocation] = useState("");
  const [locations] = useQuery({ query: LocationNamesDocument, pause: viewer.role === "SUPPLIER" });
  const came = lines
    .map((l) => ({ lineId: l.id, restock: Number(restock[l.id] ?? 0), writeOff: Number(writeOff[l.id] ?? 0) }))
    .filter((r) => r.restock + r.writeOff > 0);
  const { at, rest } = placed(state, {
    ...Object.fromEntries(came.flatMap((r, i) => [[`lines.${i}.restock`, `${r.lineId} restock`], [`lines.${i}.writeOff`, `${r.lineId} writeOff`]])),
    locationId: "location",
  });
  if (!back) return null;
  const submit = () =>
    state.submit(
      (key) =>
        call(ReturnReceiveDocument, {
          input: { idempotencyKey: key, returnId: back.id, lines: came, locationId: location || null, expectedVersion: back.version },
        }),
      "What came back is taken in.",
    );
  return (
    <Confirm
      state={state}
      title={`Receive a return of order ${state.order.number}`}
      says="What is restocked is on hand again, and can be sold at once. What is written off is gone. The rest may still come."
      verb="Receive"
      wide
      disabled={came.length === 0}
      rest={rest}
      onClose={props.onClose}
      onSubmit={() => void submit()}
    >
      {lines.map((l) => (
        <fieldset key={l.id} className="receipt">
          <legend>
            {lineOf(state.order, l.orderLine.id)?.product.name}, {number(toCome(l))} to come
          </legend>
          <Amount label="Restock" most={toCome(l)} value={restock[l.id] ?? "0"} error={at[`${l.id} restock`]} onChange={changeRestock(l.id)} />
          <Amount label="Write off" most={toCome(l)} value={writeOff[l.id] ?? "0"} error={at[`${l.id} writeOff`]} onChange={changeWriteOff(l.id)} />
        </fieldset>
      ))}
      {viewer.role !== "SUPPLIER" && (
        <SelectField label="Where it came in" value={location} error={at.location} onChange={(e) => setLocation(e.target.value)}>
          <option value="">Where it was shipped from</option>
          {locations.data?.locations.map((l) => (
            <option key={l.id} value={l.id}>
              {l.name}
            </option>
          ))}
        </SelectField>
      )}
    </Confirm>
  );
}
