import type { LiveState } from "../api/live";
import { time } from "../format";
import { classes } from "./classes";

const tones = { connecting: "wait", "catching-up": "wait", live: "live", reconnecting: "lost", failed: "lost" } as const;

function text({ phase, lastWord, fault }: LiveState): string {
  switch (phase) {
    case "connecting":
      return "Connecting";
    case "catching-up":
      return "Catching up";
    case "live":
      return "Live";
    case "reconnecting":
      return lastWord === null ? "Reconnecting" : `Reconnecting, last word at ${time(lastWord)}`;
    case "failed":
      return fault ? `Not live: ${fault.message}` : "Not live";
  }
}

/** How live a page is, also to screen readers. */
export function LiveStatus({ state }: { state: LiveState }) {
  return (
    <span
      className={classes("live-status", `live-${tones[state.phase]}`)}
      role="status"
      data-phase={state.phase}
      data-missed={state.missed}
    >
      <span className="live-dot" aria-hidden="true" />
      {text(state)}
    </span>
  );
}
