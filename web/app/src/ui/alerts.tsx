import { useSyncExternalStore } from "react";
import type { Fault } from "../api/errors";
import { Button } from "./Button";
import { classes } from "./classes";

export type Tone = "info" | "good" | "warning" | "bad";

interface Alert {
  id: number;
  tone: Tone;
  text: string;
  detail: string | null;
}

/** Words of good news go by themselves; of bad news somebody takes note first. */
const staysFor: Record<Tone, number | null> = { info: 6_000, good: 6_000, warning: null, bad: null };
const mostAlerts = 4;

let alerts: Alert[] = [];
let lastId = 0;
const listeners = new Set<() => void>();

function set(next: Alert[]): void {
  alerts = next;
  for (const tell of listeners) tell();
}

/** Says something in the corner of every page, and to screen readers. */
export function say(text: string, tone: Tone = "info", detail: string | null = null): void {
  const id = ++lastId;
  set([...alerts.filter((a) => a.text !== text), { id, tone, text, detail }].slice(-mostAlerts));
  const stays = staysFor[tone];
  if (stays !== null) setTimeout(() => dismiss(id), stays);
}

/** Says what went wrong, with the id that the gateway's log has it under. */
export function sayFault(fault: Fault, doing: string): void {
  say(`${doing}: ${fault.message}`, "bad", fault.requestId && `Request ${fault.requestId}`);
}

function dismiss(id: number): void {
  set(alerts.filter((a) => a.id !== id));
}

const listen = (tell: () => void) => {
  listeners.add(tell);
  return () => listeners.delete(tell);
};

/** Where what is said is shown. */
export function Alerts() {
  const shown = useSyncExternalStore(listen, () => alerts);
  return (
    <section className="alerts" aria-label="Messages" aria-live="polite" aria-relevant="additions">
      {shown.map((a) => (
        <div key={a.id} className={classes("alert", `tone-${a.tone}`)} role={a.tone === "bad" ? "alert" : undefined}>
          <p>
            {a.text}
            {a.detail && <small>{a.detail}</small>}
          </p>
          <Button look="quiet" aria-label="Dismiss" onClick={() => dismiss(a.id)}>
            <span aria-hidden="true">×</span>
          </Button>
        </div>
      ))}
    </section>
  );
}
