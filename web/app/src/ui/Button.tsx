import type { ButtonHTMLAttributes } from "react";
import { classes } from "./classes";

interface Props extends ButtonHTMLAttributes<HTMLButtonElement> {
  look?: "plain" | "primary" | "danger" | "quiet";
  /** What it does is being done: it can't be pressed again, and says so. */
  busy?: boolean;
}

export function Button({ look = "plain", busy = false, className, type = "button", disabled, ...rest }: Props) {
  return (
    <button
      {...rest}
      type={type}
      className={classes("button", `button-${look}`, className)}
      disabled={disabled || busy}
      aria-busy={busy || undefined}
    />
  );
}
