import type { ReactNode } from "react";
import { words } from "../format";
import { classes } from "./classes";

export type PillTone = "neutral" | "good" | "warning" | "bad" | "active";

/** A short word of how something stands. Its colour says nothing that its text doesn't. */
export function Pill({ tone = "neutral", children }: { tone?: PillTone; children: ReactNode }) {
  return <span className={classes("pill", `pill-${tone}`)}>{children}</span>;
}

const tones: Record<string, PillTone> = {
  PENDING: "neutral",
  SUBMITTED: "neutral",
  PROCESSING: "active",
  ACCEPTED: "active",
  PARTIALLY_ACCEPTED: "active",
  IN_PROGRESS: "active",
  PARTIALLY_SHIPPED: "active",
  SHIPPED: "good",
  DELIVERED: "good",
  CLOSED: "good",
  RESOLVED: "good",
  UP: "good",
  ON_HOLD: "warning",
  CANCELLATION_REQUESTED: "warning",
  DEGRADED: "warning",
  OPEN: "warning",
  REJECTED: "bad",
  FAILED: "bad",
  DOWN: "bad",
  CANCELLED: "neutral",
  DISMISSED: "neutral",
};

/** The status of an order, a part of one, a shipment, a conflict or a supplier. */
export function StatusPill({ status }: { status: string }) {
  return <Pill tone={tones[status] ?? "neutral"}>{words(status)}</Pill>;
}
