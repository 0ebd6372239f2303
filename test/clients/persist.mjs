// Asks by hash with urql's and Apollo's own links for persisted queries, twice each,
// and says what came of it and what was sent: hash alone, hash and text, hash alone.

import { createClient, fetchExchange } from '@urql/core';
import { persistedExchange } from '@urql/exchange-persisted';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';
import { createHash } from 'node:crypto';

import { described, options, say } from './scenario.mjs';

/** fetch, which notes whether a request has a hash and a text. */
const sent = [];
function noted(url, init) {
  const asked = init?.method === 'POST' ? JSON.parse(init.body) : Object.fromEntries(new URL(url).searchParams);
  sent.push({ method: init?.method ?? 'GET', hash: Boolean(asked.extensions), query: Boolean(asked.query) });
  return fetch(url, init);
}

async function urql() {
  const client = createClient({
    url: options.url,
    fetch: noted,
    preferGetMethod: false,
    exchanges: [persistedExchange({ preferGetForPersistedQueries: options.get }), fetchExchange],
  });
  return async () => {
    const result = await client.query(options.query, {}, { requestPolicy: 'network-only' }).toPromise();
    if (result.error) throw new Error(result.error.message);
    return result.data;
  };
}

async function apollo() {
  const sha256 = (text) => createHash('sha256').update(text).digest('hex');
  const client = new ApolloClient({
    cache: new InMemoryCache(),
    link: ApolloLink.from([
      new PersistedQueryLink({ sha256, useGETForHashedQueries: options.get }),
      new HttpLink({ uri: options.url, fetch: noted }),
    ]),
  });
  return async () => (await client.query({ query: gql(options.query), fetchPolicy: 'no-cache' })).data;
}

const ask = await { urql, apollo }[options.client]();
const outcome = { saw: 'outcome', results: [] };
try {
  for (let i = 0; i < 2; i++) outcome.results.push({ data: await ask() });
} catch (error) {
  outcome.error = described(error);
}
say({ ...outcome, sent });
process.exit(0);
