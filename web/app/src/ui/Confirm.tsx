import type { ReactNode } from "react";
import type { UserError } from "../api/errors";
import type { Outcome } from "../api/intent";
import { place, sentence, type Places } from "../api/places";
import { Button } from "./Button";
import { Dialog } from "./Dialog";

/** Where an attempt to do something stands. */
export interface Attempt {
  busy: boolean;
  outcome: Outcome | null;
  /** What has changed meanwhile, where somebody else was first. */
  changes: string[] | null;
  /** It can't be done any more. */
  over: boolean;
}

/** Whether an error says that something isn't any more as somebody saw it. */
export const isOutdated = (e: UserError) => e.code === "VERSION_MISMATCH" || e.code === "INVALID_TRANSITION";

interface Props {
  state: Attempt;
  title: string;
  says: ReactNode;
  verb: string;
  danger?: boolean;
  disabled?: boolean;
  wide?: boolean;
  /** What no field is to blame for. */
  rest: UserError[];
  onSubmit: () => void;
  onClose: () => void;
  children?: ReactNode;
}

/** Asks before something is done: what will happen, what to say, and what came of trying. */
export function Confirm({ state, title, says, verb, danger = false, disabled = false, wide = false, rest, onSubmit, onClose, children }: Props) {
  const { busy, outcome, changes, over } = state;
  const fault = outcome && !outcome.done ? outcome.fault : null;
  const told = changes ? rest.filter((e) => !isOutdated(e)) : rest;
  return (
    <Dialog
      title={title}
      wide={wide}
      onClose={onClose}
      onSubmit={onSubmit}
      actions={
        <>
          <Button onClick={onClose}>{over ? "Close" : "Leave it"}</Button>
          <Button type="submit" look={danger ? "danger" : "primary"} busy={busy} disabled={disabled || over}>
            {!over && (changes || fault) ? `Try again: ${verb}` : verb}
          </Button>
        </>
      }
    >
      <p>{says}</p>
      {children}
      {changes && (
        <div className="note note-warning" role="alert">
          <p>{over ? "It has changed meanwhile, and this can't be done any more:" : "It has changed meanwhile, and nothing was done yet:"}</p>
          <ul className="bullets">
            {changes.map((c) => (
              <li key={c}>{c}</li>
            ))}
          </ul>
        </div>
      )}
      {told.length > 0 && (
        <div className="note note-bad" role="alert">
          {told.map((e) => (
            <p key={e.message}>{sentence(e.message)}</p>
          ))}
        </div>
      )}
      {fault && (
        <div className="note note-bad" role="alert">
          <p>{fault.message}</p>
          {unclear.has(fault.code) && <p>Whether it was done isn't known. Try again: it is done once at most.</p>}
          {fault.requestId && <small>Request {fault.requestId}</small>}
        </div>
      )}
    </Dialog>
  );
}

/** After these nobody knows what came of a call. */
const unclear = new Set(["OFFLINE", "UNAVAILABLE", "INTERNAL", "OUTCOME_UNKNOWN"]);

/** The errors of the last attempt, each where it belongs. */
export function placed(state: Attempt, places: Places) {
  return place(state.outcome && !state.outcome.done ? state.outcome.errors : [], places);
}
