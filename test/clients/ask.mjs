// Runs operations with graphql-ws or graphql-sse, one after the other, and says
// what came of each: its results, and the error that ended it.

import { connect } from './connect.mjs';
import { described, options, say } from './scenario.mjs';

const client = connect(0);
for (const [index, operation] of options.operations.entries()) {
  const outcome = { saw: 'outcome', index, results: [] };
  try {
    for await (const result of client.iterate(operation)) outcome.results.push(result);
  } catch (error) {
    outcome.error = described(error);
  }
  say(outcome);
}
await client.dispose();
process.exit(0);
