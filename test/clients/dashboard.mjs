// Looks at the dashboard and the explorer with a browser, and says of each step how
// it went: what the options name, one after the other, in one Chromium.

import { explores } from './dashboard/explorer.mjs';
import { firstLoad, hasNoBarriers } from './dashboard/pages.mjs';
import { byClient, byRole, byToken } from './dashboard/people.mjs';
import { changesAreSeen, resumesAfterReload, showsWhatMoved, survivesRestarts } from './dashboard/stock.mjs';
import { meetsOthers, sendsAFeed, settlesConflicts, shipsAnOrder } from './dashboard/work.mjs';
import { close, faults, open } from './dashboard/visit.mjs';
import { options, say } from './scenario.mjs';

const steps = {
  firstLoad,
  byRole,
  byToken,
  byClient,
  changesAreSeen,
  resumesAfterReload,
  showsWhatMoved,
  settlesConflicts,
  shipsAnOrder,
  meetsOthers,
  sendsAFeed,
  explores,
  hasNoBarriers,
  survivesRestarts,
};

await open();
try {
  for (const name of options.steps) {
    const began = performance.now();
    let error;
    await steps[name](options).catch((err) => (error = err.stack));
    say({ saw: 'step', name, error, faults: faults.splice(0), ms: Math.round(performance.now() - began) });
  }
} finally {
  await close();
}
process.exit(0);
