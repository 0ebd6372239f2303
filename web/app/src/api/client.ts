import { Client, cacheExchange, fetchExchange, mapExchange, subscriptionExchange } from "@urql/core";
import { faultOf } from "./errors";
import { authorization, refused } from "./session";
import { openSocket, type Socket } from "./socket";

/** How a session asks the gateway: urql over HTTP, and over one websocket. */
export interface Api {
  urql: Client;
  socket: Socket;
}

export function openApi(): Api {
  const socket = openSocket();
  const urql = new Client({
    url: "/graphql",
    requestPolicy: "cache-and-network",
    preferGetMethod: false,
    fetchOptions: () => ({ headers: { Authorization: authorization() ?? "" } }),
    exchanges: [
      mapExchange({
        onError(error, operation) {
          const { code } = faultOf(error);
          if (operation.kind !== "subscription" && code === "UNAUTHENTICATED") void refused();
        },
      }),
      cacheExchange,
      fetchExchange,
      subscriptionExchange({ forwardSubscription: (request) => ({ subscribe: (sink) => ({ unsubscribe: resuming(socket, request, sink) }) }) }),
    ],
  });
  return { urql, socket };
}

interface Request {
  query?: string | undefined;
  variables?: Record<string, unknown> | undefined;
}
type Sink = Parameters<Socket["client"]["subscribe"]>[1];

/**
 * Subscribes so that it goes on where it stood: after each answer its cursor is the operation's `after`, where the
 * operation has that variable, which graphql-ws sends when it connects again.
 */
function resuming(socket: Socket, request: Request, sink: object): () => void {
  const to = sink as Sink;
  const query = request.query ?? "";
  const resumes = /\$after\b/.test(query);
  const variables: Record<string, unknown> = { ...request.variables };
  return socket.client.subscribe(
    { query, variables },
    {
      next: (result) => {
        const { cursor } = (result.extensions ?? {}) as { cursor?: unknown };
        if (resumes && typeof cursor === "string") variables.after = cursor;
        to.next(result);
      },
      error: (err) => to.error(err),
      complete: () => to.complete(),
    },
  );
}

/** A key that no other call has had: two sent with the same one are the same call. */
export function newIdempotencyKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (b) => b.toString(16).padStart(2, "0")).join("");
}
