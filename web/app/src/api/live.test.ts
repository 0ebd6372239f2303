import { CombinedError } from "@urql/core";
import { expect, onTestFinished, test, vi } from "vitest";
import type { Api } from "./client";
import { follow, type LiveEvent } from "./live";
import { retryDelay } from "./socket";

interface Told {
  data?: { orderChanged: LiveEvent };
  error?: CombinedError;
}

/** An API whose one subscription is told what the test says, over a socket that it connects and cuts. */
function newApi() {
  const begun: Record<string, unknown>[] = [];
  const listeners = new Set<() => void>();
  let sink: ((told: Told) => void) | null = null;
  let socket = { connected: false, lastWord: null as number | null };
  const api = {
    urql: {
      subscription: (_: unknown, variables: Record<string, unknown>) => {
        begun.push(variables);
        return {
          subscribe: (next: (told: Told) => void) => {
            sink = next;
            return { unsubscribe: () => (sink = null) };
          },
        };
      },
    },
    socket: {
      state: () => socket,
      listen: (tell: () => void) => {
        listeners.add(tell);
        return () => listeners.delete(tell);
      },
    },
  } as unknown as Api;
  const connect = (connected: boolean) => {
    socket = { connected, lastWord: connected ? 1000 : socket.lastWord };
    for (const tell of listeners) tell();
  };
  const tell = (kind: LiveEvent["kind"], cursor: string) => sink?.({ data: { orderChanged: { kind, cursor, at: "2026-01-01T00:00:00Z" } } });
  const fail = (code: string) => sink?.({ error: new CombinedError({ graphQLErrors: [{ message: "no", extensions: { code } }] }) });
  return { api, begun, connect, tell, fail, subscribed: () => sink !== null };
}

function start(onExpired: () => { after?: string } | void = () => {}) {
  const made = newApi();
  const heard: string[] = [];
  let begins = 0;
  const live = follow<Record<string, LiveEvent>, { after?: string | null; first: number }>(made.api, {
    document: "subscription { orderChanged { cursor } }",
    variables: { first: 1 },
    onEvent: (e) => heard.push(`${e.kind} ${e.cursor}`),
    onBegin: () => begins++,
    onExpired,
  });
  return { ...made, live, heard, begins: () => begins };
}

test("connecting, catching up, live, reconnecting, and again", () => {
  const { live, connect, tell, begins } = start();
  const phases = [live.state().phase];
  live.listen(() => phases.push(live.state().phase));
  connect(true);
  tell("SNAPSHOT", "c1");
  tell("CAUGHT_UP", "c1");
  connect(false);
  expect(live.state().lastWord).toBe(1000);
  connect(true);
  tell("CHANGE", "c2");
  expect(live.state().phase).toBe("catching-up");
  tell("CAUGHT_UP", "c2");
  expect(phases).toEqual(["connecting", "catching-up", "live", "reconnecting", "catching-up", "live"]);
  expect(begins()).toBe(2);
});

test("an expired cursor is told of, and begins anew without it", async () => {
  let expired = 0;
  const { live, connect, tell, fail, begun, heard } = start(() => void expired++);
  connect(true);
  tell("CAUGHT_UP", "c1");
  fail("CURSOR_EXPIRED");
  await Promise.resolve();
  expect(expired).toBe(1);
  expect(live.state().missed).toBe(1);
  expect(begun).toEqual([
    { first: 1, after: null },
    { first: 1, after: null },
  ]);
  tell("SNAPSHOT", "c9");
  expect(heard).toEqual(["CAUGHT_UP c1", "SNAPSHOT c9"]);
});

test("or with the cursor of what was loaded instead", async () => {
  const { connect, fail, begun } = start(() => ({ after: "head" }));
  connect(true);
  fail("CURSOR_EXPIRED");
  await Promise.resolve();
  expect(begun.at(-1)).toEqual({ first: 1, after: "head" });
});

test("a fault of the gateway begins it again in a while, after the last event", () => {
  vi.useFakeTimers();
  onTestFinished(() => void vi.useRealTimers());
  const { connect, tell, fail, begun, live } = start();
  connect(true);
  tell("CHANGE", "c5");
  fail("UNAVAILABLE");
  expect(live.state().phase).toBe("reconnecting");
  expect(begun).toHaveLength(1);
  vi.runAllTimers();
  expect(begun.at(-1)).toEqual({ first: 1, after: "c5" });
  live.stop();
});

test("a refusal ends it, with its reason", () => {
  const { connect, fail, live, subscribed } = start();
  connect(true);
  fail("FORBIDDEN");
  expect(live.state()).toMatchObject({ phase: "failed", fault: { code: "FORBIDDEN" } });
  expect(subscribed()).toBe(false);
});

test("attempts are further and further apart, at random, up to a limit", () => {
  const longest = [0, 1, 2, 3, 4, 20].map((attempt) => retryDelay(attempt, () => 1));
  expect(longest).toEqual([1000, 2000, 4000, 8000, 15_000, 15_000]);
  expect(retryDelay(3, () => 0.5)).toBe(4000);
});
