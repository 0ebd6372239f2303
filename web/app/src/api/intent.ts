import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import type { AnyVariables } from "@urql/core";
import { useRef, useState } from "react";
import { newIdempotencyKey } from "./client";
import { useApi } from "./context";
import { faultOf, type Fault, type UserError } from "./errors";

/** A mutation with its variables, ready to be sent. */
export interface Call {
  document: TypedDocumentNode<unknown, AnyVariables>;
  variables: AnyVariables;
}

export function call<Data, Variables extends AnyVariables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Call {
  return { document: document as TypedDocumentNode<unknown, AnyVariables>, variables };
}

/** What came of sending an intent. */
export type Outcome =
  | { done: true; replayed: boolean }
  /** The gateway refused it, and nothing was done. */
  | { done: false; errors: readonly UserError[]; fault: null }
  /** It failed. With OFFLINE and the like nobody knows whether it was done. */
  | { done: false; errors: readonly []; fault: Fault };

/**
 * Whether the next attempt is the same call as the one that was answered so. What was refused did nothing, and may be
 * changed and sent as another; what got no clear answer may have been done, and only its own key can tell.
 */
export function keepsKey(outcome: Outcome): boolean {
  if (outcome.done || outcome.fault) return true;
  return outcome.errors.some((e) => e.code === "IDEMPOTENCY_IN_PROGRESS" || e.code === "IDEMPOTENCY_KEY_REUSED");
}

/**
 * One thing that somebody means to do, from when the component is there until it is done: its idempotency key is kept
 * over retries, so that it is done once.
 */
export function useIntent(): { busy: boolean; outcome: Outcome | null; send: (make: (key: string) => Call) => Promise<Outcome> } {
  const api = useApi();
  const key = useRef<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const send = async (make: (key: string) => Call) => {
    key.current ??= newIdempotencyKey();
    setBusy(true);
    const { document, variables } = make(key.current);
    const result = await api.urql.mutation(document, variables).toPromise();
    const came = outcomeOf(result.data, result.error && faultOf(result.error));
    if (!keepsKey(came)) key.current = newIdempotencyKey();
    setBusy(false);
    setOutcome(came);
    return came;
  };
  return { busy, outcome, send };
}

/** Reads the one payload of a mutation's answer. */
export function outcomeOf(data: unknown, fault: Fault | undefined): Outcome {
  const payload = Object.values((data ?? {}) as Record<string, unknown>).find((v) => v && typeof v === "object") as
    | { userErrors: readonly UserError[]; replayed: boolean }
    | undefined;
  if (!payload) return { done: false, errors: [], fault: fault ?? { code: "INTERNAL", message: "The gateway gave no answer.", requestId: null } };
  if (payload.userErrors.length > 0) return { done: false, errors: payload.userErrors, fault: null };
  return { done: true, replayed: payload.replayed };
}
