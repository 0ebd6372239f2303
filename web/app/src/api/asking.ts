import { useEffect, useRef } from "react";

/** Asks a query again and again while the page is looked at, and at once when somebody comes back to it. */
export function useAsking(ask: (options: { requestPolicy: "network-only" }) => void, every: number): void {
  const latest = useRef(ask);
  latest.current = ask;
  useEffect(() => {
    const now = () => {
      if (!document.hidden) latest.current({ requestPolicy: "network-only" });
    };
    const clock = setInterval(now, every);
    document.addEventListener("visibilitychange", now);
    return () => {
      clearInterval(clock);
      document.removeEventListener("visibilitychange", now);
    };
  }, [every]);
}

/** How long many changes of one moment are waited for, in milliseconds. */
const settlesAfter = 250;

/** Calls back after `count` has changed, once for the changes of one moment: at the first, and at the last. */
export function useSettled(count: number, then: () => void): void {
  const latest = useRef(then);
  latest.current = then;
  const seen = useRef(count);
  const resting = useRef(false);
  useEffect(() => {
    if (seen.current === count) return;
    const call = () => {
      seen.current = count;
      latest.current();
    };
    if (!resting.current) {
      resting.current = true;
      setTimeout(() => (resting.current = false), settlesAfter);
      call();
      return;
    }
    const timer = setTimeout(call, settlesAfter);
    return () => clearTimeout(timer);
  }, [count]);
}
