// The two client libraries, set up as an application would.

import { createClient as createSocketClient } from 'graphql-ws';
import { createClient as createStreamClient } from 'graphql-sse';
import WebSocket from 'ws';

import { options, pause, say } from './scenario.mjs';

const authorization = options.token ? { authorization: `Bearer ${options.token}` } : undefined;

function socketClient(retryAttempts) {
  return createSocketClient({
    url: options.url.replace(/^http/, 'ws'),
    webSocketImpl: WebSocket,
    connectionParams: authorization,
    retryAttempts,
    retryWait: pause,
    // By itself it comes back after a close, and not after a refused connection.
    shouldRetry: () => true,
    on: {
      connected: (socket, payload, again) => say({ saw: 'connected', again }),
      closed: (event) => say({ saw: 'closed', code: event.code, reason: event.reason }),
    },
  });
}

function streamClient(retryAttempts) {
  return createStreamClient({
    url: options.url,
    singleConnection: false, // the protocol's distinct connections mode
    headers: authorization,
    retryAttempts,
    retry: pause,
    on: { connected: (again) => say({ saw: 'connected', again }) },
  });
}

/** The client that the options name; 0 attempts give up at the first failure. */
export function connect(retryAttempts) {
  return { ws: socketClient, sse: streamClient }[options.client](retryAttempts);
}
