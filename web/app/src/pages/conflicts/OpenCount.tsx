import { useState, useSyncExternalStore } from "react";
import { useLive } from "../../api/live";
import { Mirror } from "../../api/mirror";
import { OpenConflictsDocument, type ConflictStatus } from "../../gql/graphql";
import { number } from "../../format";

interface Known {
  id: string;
  version: number;
  status: ConflictStatus;
}

/** How many conflicts are open, beside the name of their page; nothing where none is. */
export function OpenCount() {
  const [conflicts] = useState(() => new Mirror<Known>());
  useLive("open conflicts", {
    document: OpenConflictsDocument,
    variables: {},
    onBegin: () => conflicts.begin(),
    onEvent: (event) => {
      if (event.kind === "CAUGHT_UP") conflicts.caughtUp((c) => c.status === "OPEN");
      else if (event.conflict) conflicts.put(event.conflict, event.kind === "SNAPSHOT");
    },
    onExpired: () => conflicts.expire(),
  });
  useSyncExternalStore(conflicts.listen, () => conflicts.revision);
  let open = 0;
  for (const c of conflicts.values()) if (c.status === "OPEN") open++;
  if (open === 0) return null;
  return (
    <span className="nav-count">
      {number(open)}
      <span className="only-heard"> open</span>
    </span>
  );
}
