// What the scenarios share: the test that runs one passes its options as JSON,
// reads a JSON line for each thing that was seen, and closes the standard input
// to end it.

import { once } from 'node:events';

export const options = JSON.parse(process.argv[2]);

export function say(line) {
  process.stdout.write(JSON.stringify(line) + '\n');
}

/** Resolves when the test has seen enough. */
export const enough = new Promise((resolve) => {
  process.stdin.on('end', resolve).resume();
});

/** Asks the test to do something, and resolves when it says that it has. */
export async function ask(what, more = {}) {
  const answer = once(process.stdin, 'data');
  say({ saw: 'wish', what, ...more });
  const [line] = await answer;
  return JSON.parse(line);
}

/** The pause before connecting again: the clients' own begin with seconds. */
export function pause() {
  return new Promise((resolve) => setTimeout(resolve, 100 + Math.random() * 200));
}

/**
 * Says what a subscription's result tells, and returns the cursor to go on from.
 * The operation calls its root field event.
 */
export function tell(result, more = {}) {
  const event = result.data?.event;
  say({
    saw: 'event',
    kind: event?.kind,
    cursor: event?.cursor,
    extension: result.extensions?.cursor,
    errors: result.errors,
    ...more,
  });
  return result.extensions?.cursor ?? event?.cursor;
}

/** What a client's error is, of the many forms that they have. */
export function described(error) {
  if (Array.isArray(error)) return { errors: error };
  if (error?.response) return { status: error.response.status };
  if (typeof error?.code === 'number') return { closed: error.code, reason: error.reason };
  return { message: String(error?.message ?? error) };
}
