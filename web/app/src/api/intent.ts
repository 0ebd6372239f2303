import type { TypedDocumentNode } from "@graphql-typed-document-node/core";
import type { AnyVariables } from "@urql/core";
import { useRef, useState } from "react";
import { newIdempotencyKey } from "./client";
import { useApi } from "./context";
import { faultOf, type Fault, type UserError } from "./errors";

/** A mutation with its variables, ready to be sent. */
export interface Call<Data = unknown> {
  document: TypedDocumentNode<Data, AnyVariables>;
  variables: AnyVariables;
}

export function call<Data, Variables extends AnyVariables>(document: TypedDocumentNode<Data, Variables>, variables: Variables): Call<Data> {
  return { document: document as TypedDocumentNode<Data, AnyVariables>, variables };
}

/** What came of sending an intent. */
export type Outcome<Data = unknown> =
  | { done: true; replayed: boolean; data: Data }
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

export interface Intent {
  busy: boolean;
  outcome: Outcome | null;
  send: <Data>(make: (key: string) => Call<Data>) => Promise<Outcome<Data>>;
  /** What is meant is another thing from now on. */
  another: () => void;
}

/**
 * One thing that somebody means to do, from when the component is there until it is done: its idempotency key is kept
 * over retries, so that it is done once.
 */
export function useIntent(): Intent {
  const api = useApi();
  const key = useRef<string | null>(null);
  const [busy, setBusy] = useState(false);
  const [outcome, setOutcome] = useState<Outcome | null>(null);
  const send = async <Data>(make: (key: string) => Call<Data>) => {
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
  const another = () => {
    key.current = null;
    setOutcome(null);
  };
  return { busy, outcome, send, another };
}

/** Reads the one payload of a mutation's answer. */
export function outcomeOf<Data>(data: Data | undefined, fault: Fault | undefined): Outcome<Data> {
  const payload = Object.values((data ?? {}) as Record<string, unknown>).find((v) => v && typeof v === "object") as
    | { userErrors: readonly UserError[]; replayed: boolean }
    | undefined;
  if (!payload || data === undefined) return { done: false, errors: [], fault: fault ?? { code: "INTERNAL", message: "The gateway gave no answer.", requestId: null } };
  if (payload.userErrors.length > 0) return { done: false, errors: payload.userErrors, fault: null };
  return { done: true, replayed: payload.replayed, data };
}
