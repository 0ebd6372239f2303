import { useEffect, useRef } from "react";
import { classes } from "./classes";
import { number } from "../format";

interface Props {
  label: string;
  value: number;
  tone?: "bad" | "warning" | undefined;
  format?: (n: number) => string;
  /** For tests and styles: which counter it is. */
  name: string;
}

const countFor = 450;
const still = matchMedia("(prefers-reduced-motion: reduce)");

/** A number that is read from across the room. It counts from what it was to what it is, without React. */
export function Counter({ label, value, tone, name, format = number }: Props) {
  const ref = useRef<HTMLElement>(null);
  const shown = useRef(value);
  useEffect(() => {
    const node = ref.current;
    if (!node) return;
    const from = shown.current;
    const began = performance.now();
    const show = (n: number) => {
      shown.current = n;
      const text = format(n);
      if (node.textContent !== text) node.textContent = text;
    };
    if (from === value || still.matches) return show(value);
    let frame = 0;
    const step = (now: number) => {
      const part = Math.min(1, Math.max(0, now - began) / countFor);
      const eased = 1 - (1 - part) ** 3;
      show(part < 1 ? Math.round(from + (value - from) * eased) : value);
      if (part < 1) frame = requestAnimationFrame(step);
    };
    frame = requestAnimationFrame(step);
    return () => cancelAnimationFrame(frame);
  }, [value, format]);
  return (
    <div className={classes("counter", tone && value > 0 && `counter-${tone}`)} data-counter={name} data-value={value}>
      <dt>{label}</dt>
      <dd ref={ref} />
    </div>
  );
}
