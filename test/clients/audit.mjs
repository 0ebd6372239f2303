// Audits a gateway by the GraphQL over HTTP specification, with the suite of
// graphql-http, and says what came of each audit.

import { auditServer } from 'graphql-http';

import { options, say } from './scenario.mjs';

for (const audit of await auditServer({ url: options.url })) {
  say({ saw: 'audit', id: audit.id, name: audit.name, status: audit.status, reason: audit.reason });
}
say({ saw: 'end' });
process.exit(0);
