import { useSyncExternalStore } from "react";
import { ago, dateTime, fullDateTime } from "../format";

let now = Date.now();
const listeners = new Set<() => void>();
let clock: ReturnType<typeof setInterval> | undefined;

function listen(tell: () => void): () => void {
  listeners.add(tell);
  now = Date.now();
  clock ??= setInterval(() => {
    now = Date.now();
    for (const f of listeners) f();
  }, 1000);
  return () => {
    listeners.delete(tell);
    if (listeners.size > 0) return;
    clearInterval(clock);
    clock = undefined;
  };
}

/** The time by this machine's clock, to the second; one clock ticks for all who use it. */
export function useNow(): number {
  return useSyncExternalStore(listen, () => now);
}

/** A moment, as date and time. */
export function Time({ at }: { at: string }) {
  return (
    <time dateTime={at} title={fullDateTime(at)}>
      {dateTime(at)}
    </time>
  );
}

/** A moment, as how long ago it is. */
export function Ago({ at }: { at: string }) {
  const moment = useNow();
  return (
    <time dateTime={at} title={fullDateTime(at)}>
      {ago(at, moment)}
    </time>
  );
}
