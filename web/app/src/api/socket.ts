import { createClient, type Client } from "graphql-ws";
import { authorization, onRenewal, refused, signOut } from "./session";

/** What is known of the websocket. */
export interface SocketState {
  connected: boolean;
  /** When the gateway last said anything, in milliseconds since 1970; null: never yet. */
  lastWord: number | null;
}

export interface Socket {
  client: Client;
  state(): SocketState;
  /** Calls back whenever `connected` changes. */
  listen(tell: () => void): () => void;
  close(): void;
}

/** The gateway pings every 25 s; a socket on which ours isn't answered in time is dead. */
const keepAlive = 15_000;
const pongWithin = 8_000;
const longestWait = 15_000;
/** After so many refusals without a connection between them there is no use in another token. */
const mostRefusals = 3;

/** Waits before the nth attempt, counted from 0: at random, so that those who lost one gateway don't come as one. */
export function retryDelay(attempt: number, random: () => number = Math.random): number {
  return random() * Math.min(longestWait, 1000 * 2 ** Math.min(attempt, 10));
}

/**
 * One websocket for all subscriptions of a session. It comes back for ever, tells the gateway of renewed tokens, and
 * signs out where a token is refused and no other can be had.
 */
export function openSocket(): Socket {
  const url = new URL("/graphql", location.href);
  url.protocol = url.protocol.replace("http", "ws");
  let current: WebSocket | null = null;
  let connected = false;
  let lastWord: number | null = null;
  let pong: ReturnType<typeof setTimeout> | undefined;
  let refusals = 0;
  const listeners = new Set<() => void>();
  const set = (value: boolean) => {
    if (connected === value) return;
    connected = value;
    for (const tell of listeners) tell();
  };

  const client = createClient({
    url: url.href,
    lazy: true,
    lazyCloseTimeout: 2_000,
    keepAlive,
    connectionAckWaitTimeout: 10_000,
    retryAttempts: Infinity,
    retryWait: async (attempt) => {
      await new Promise((done) => setTimeout(done, retryDelay(attempt)));
    },
    shouldRetry: () => true,
    connectionParams: async () => {
      if (refusals > mostRefusals) signOut("The gateway refuses your token. Sign in again to go on.");
      else if (refusals > 0) await refused();
      return { authorization: authorization() };
    },
    on: {
      opened: (socket) => (current = socket as WebSocket),
      connected: () => {
        refusals = 0;
        lastWord = Date.now();
        set(true);
      },
      message: () => (lastWord = Date.now()),
      ping: (received) => {
        if (received) return;
        clearTimeout(pong);
        pong = setTimeout(() => client.terminate(), pongWithin);
      },
      pong: (received) => {
        if (received) clearTimeout(pong);
      },
      closed: (event) => {
        clearTimeout(pong);
        current = null;
        if ((event as CloseEvent).code === 4403) refusals++;
        set(false);
      },
    },
  });
  const stop = onRenewal(() => {
    if (connected) current?.send(JSON.stringify({ type: "ping", payload: { authorization: authorization() } }));
  });
  return {
    client,
    state: () => ({ connected, lastWord }),
    listen: (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    close: () => {
      stop();
      listeners.clear();
      void client.dispose();
    },
  };
}
