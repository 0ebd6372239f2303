// Follows one subscription with graphql-ws or graphql-sse, over as many
// connections as it takes.

import { connect } from './connect.mjs';
import { described, enough, options, say, tell } from './scenario.mjs';

const client = connect(Infinity);

// Both libraries send the request anew with each connection, as it is then: so
// it goes on from the last cursor.
const request = { query: options.query, variables: { ...options.variables } };
client.subscribe(request, {
  next: (result) => {
    request.variables.after = tell(result);
  },
  error: (error) => say({ saw: 'error', ...described(error) }),
  complete: () => say({ saw: 'complete' }),
});

await enough;
try {
  await client.dispose();
} catch {
  // It was connecting.
}
process.exit(0);
