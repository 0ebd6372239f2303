import { createGraphiQLFetcher, type Fetcher } from "@graphiql/toolkit";
import { authorization } from "../api/session";
import type { Socket } from "../api/socket";

/** Asks the gateway as whoever is signed in, or as anybody. What the editor of headers says goes before that. */
export function openFetcher(socket: Socket): Fetcher {
  return createGraphiQLFetcher({
    url: "/graphql",
    wsClient: socket.client,
    fetch: (input, init) => {
      const headers = new Headers(init?.headers);
      headers.set("Accept", "application/graphql-response+json, application/json;q=0.9");
      const bearer = authorization();
      if (bearer && !headers.has("Authorization")) headers.set("Authorization", bearer);
      return fetch(input, { ...init, headers });
    },
  });
}
