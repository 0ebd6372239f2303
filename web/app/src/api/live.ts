import type { CombinedError, DocumentInput } from "@urql/core";
import { useEffect, useRef, useSyncExternalStore } from "react";
import { faultOf, type Fault } from "./errors";
import type { Api } from "./client";
import { useApi } from "./context";

/**
 * Where a subscription stands. connecting: nothing was heard yet. catching-up: connected, and what was missed, or the
 * snapshot, is being told. live: each change is told as it happens. reconnecting: the connection is lost, and sought.
 * failed: the gateway refused it; `fault` says why.
 */
export type LivePhase = "connecting" | "catching-up" | "live" | "reconnecting" | "failed";

export interface LiveState {
  phase: LivePhase;
  /** When the gateway last said anything, in milliseconds since 1970. */
  lastWord: number | null;
  /** How often changes were missed because the log didn't reach back to the cursor. */
  missed: number;
  fault: Fault | null;
}

/** What every event of a subscription has. */
export interface LiveEvent {
  cursor: string;
  kind: "SNAPSHOT" | "CHANGE" | "REMOVED" | "CAUGHT_UP";
  at: string;
}

export interface LiveOptions<Data, Variables extends LiveVariables> {
  /** Declares `$after: Cursor`, selects `cursor kind at` of its one field. */
  document: DocumentInput<Data, Variables>;
  variables: Variables;
  /** Takes each event, in order. */
  onEvent: (event: EventOf<Data>) => void;
  /** A connection begins: the events that follow go on where the last ones stood, or begin an unfinished snapshot again. */
  onBegin?: () => void;
  /**
   * The cursor has expired: changes were missed. Everything has to be loaded anew. What it returns, or resolves to, is
   * merged into the variables with which the subscription begins again; `after` is left out unless it is given.
   */
  onExpired: () => Partial<Variables> | void | Promise<Partial<Variables> | void>;
}

type LiveVariables = { after?: string | null | undefined };
type EventOf<Data> = Exclude<Data[keyof Data], string | undefined | null>;

export interface Live {
  state(): LiveState;
  listen(tell: () => void): () => void;
  stop(): void;
}

/** How long a subscription that was ended by a fault of the gateway waits before it is begun again. */
const retryFault = 3_000;

/** Follows a subscription until it is stopped, through lost connections and expired cursors. */
export function follow<Data, Variables extends LiveVariables>(api: Api, options: LiveOptions<Data, Variables>): Live {
  let state: LiveState = { phase: "connecting", lastWord: null, missed: 0, fault: null };
  let variables = options.variables;
  let cursor: string | null = variables.after ?? null;
  let end: (() => void) | null = null;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  const listeners = new Set<() => void>();
  const set = (change: Partial<LiveState>) => {
    state = { ...state, ...change };
    for (const tell of listeners) tell();
  };

  const begin = () => {
    options.onBegin?.();
    if (api.socket.state().connected) set({ phase: "catching-up" });
    const subscription = api.urql
      .subscription(options.document, { ...variables, after: cursor })
      .subscribe((result) => {
        if (stopped) return;
        if (result.error && !result.data) return failed(result.error);
        const event = result.data && (Object.values(result.data).find((v) => v && typeof v === "object") as LiveEvent | undefined);
        if (!event) return;
        cursor = event.cursor;
        options.onEvent(event as EventOf<Data>);
        if (event.kind === "CAUGHT_UP") set({ phase: "live", fault: null });
      });
    end = () => subscription.unsubscribe();
  };
  const again = (after: number) => {
    timer = setTimeout(begin, after);
  };
  const failed = (error: CombinedError) => {
    end?.();
    const fault = faultOf(error);
    switch (fault.code) {
      case "CURSOR_EXPIRED":
        set({ phase: "catching-up", missed: state.missed + 1 });
        void Promise.resolve(options.onExpired()).then((change) => {
          if (stopped) return;
          cursor = change?.after ?? null;
          variables = { ...variables, ...change };
          begin();
        });
        return;
      case "OFFLINE":
      case "UNAVAILABLE":
      case "INTERNAL":
        set({ phase: "reconnecting", lastWord: api.socket.state().lastWord });
        again(retryFault);
        return;
      default:
        set({ phase: "failed", fault });
    }
  };
  const stopListening = api.socket.listen(() => {
    if (state.phase === "failed") return;
    const { connected, lastWord } = api.socket.state();
    if (connected) {
      if (state.phase === "reconnecting") options.onBegin?.();
      set({ phase: "catching-up" });
    } else set({ phase: lastWord === null ? "connecting" : "reconnecting", lastWord });
  });

  begin();
  return {
    state: () => state,
    listen: (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    stop: () => {
      stopped = true;
      clearTimeout(timer);
      stopListening();
      end?.();
    },
  };
}

const before: LiveState = { phase: "connecting", lastWord: null, missed: 0, fault: null };

/**
 * Follows a subscription for as long as the component is there and `key` is the same; null: not at all. The callbacks
 * may change from render to render.
 */
export function useLive<Data, Variables extends LiveVariables>(key: string | null, options: LiveOptions<Data, Variables>): LiveState {
  const api = useApi();
  const latest = useRef(options);
  latest.current = options;
  const live = useRef<{ current: Live | null; listeners: Set<() => void> }>({ current: null, listeners: new Set() });
  useEffect(() => {
    if (key === null) return;
    const { document, variables } = latest.current;
    const following = follow(api, {
      document,
      variables,
      onEvent: (event) => latest.current.onEvent(event),
      onBegin: () => latest.current.onBegin?.(),
      onExpired: () => latest.current.onExpired(),
    });
    const holder = live.current;
    holder.current = following;
    const tell = () => holder.listeners.forEach((f) => f());
    const stopListening = following.listen(tell);
    tell();
    return () => {
      stopListening();
      following.stop();
      holder.current = null;
      tell();
    };
  }, [api, key]);
  return useSyncExternalStore(
    (tell) => {
      live.current.listeners.add(tell);
      return () => live.current.listeners.delete(tell);
    },
    () => live.current.current?.state() ?? before,
  );
}
