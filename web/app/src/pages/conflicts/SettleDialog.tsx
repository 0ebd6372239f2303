import { useState } from "react";
import { useApi } from "../../api/context";
import { call, useIntent } from "../../api/intent";
import { ConflictByIdDocument, ConflictResolveDocument } from "../../gql/graphql";
import { words } from "../../format";
import { say } from "../../ui/alerts";
import { Confirm, isOutdated, placed } from "../../ui/Confirm";
import { TextArea } from "../../ui/Field";
import { summaryOf, type Conflict } from "./facts";
import { firstMapping, MappingFields, mappingInput, mappingPlaces } from "./MappingFields";
import { effect, kindName, mapped } from "./settle";

interface Props {
  conflict: Conflict;
  status: "RESOLVED" | "DISMISSED";
  put: (conflict: Conflict) => void;
  onClose: () => void;
}

/** Says what settling a conflict so will do, asks why, and does it once. */
export function SettleDialog({ conflict, status, put, onClose }: Props) {
  const { urql } = useApi();
  const { busy, outcome, send } = useIntent();
  const [basis, setBasis] = useState(conflict);
  const [changes, setChanges] = useState<string[] | null>(null);
  const [note, setNote] = useState("");
  const [mapping, setMapping] = useState(() => firstMapping(conflict));
  const resolves = status === "RESOLVED";
  const maps = resolves && mapped(conflict.kind);
  const wanted = maps ? mappingInput(mapping) : null;
  const state = { busy, outcome, changes, over: changes !== null && basis.status !== "OPEN" };
  const { at, rest } = placed(state, { resolution: "note", ...(maps ? mappingPlaces : {}) });

  const submit = async () => {
    setChanges(null);
    const came = await send((key) =>
      call(ConflictResolveDocument, {
        input: {
          idempotencyKey: key,
          conflictId: basis.id,
          status,
          resolution: note.trim(),
          expectedVersion: basis.version,
          mapping: wanted,
        },
      }),
    );
    if (came.done) {
      say(resolves ? "The conflict is resolved." : "The conflict is dismissed.", "good");
      onClose();
      return;
    }
    if (!came.errors.some(isOutdated)) return;
    const { data } = await urql.query(ConflictByIdDocument, { id: basis.id }, { requestPolicy: "network-only" }).toPromise();
    if (data?.node?.__typename !== "Conflict") return;
    put(data.node);
    setChanges(differences(basis, data.node));
    setBasis(data.node);
  };

  return (
    <Confirm
      state={state}
      title={`${resolves ? "Resolve" : "Dismiss"}: ${kindName(conflict.kind)}`}
      says={resolves ? effect[conflict.kind] : "It is closed, and nothing else happens. Where it is told anew it opens again, as another conflict."}
      verb={resolves ? "Resolve" : "Dismiss"}
      disabled={maps && wanted === null}
      rest={rest}
      onClose={onClose}
      onSubmit={() => void submit()}
    >
      <p className="muted">{summaryOf(basis)}</p>
      {maps && <MappingFields conflict={basis} mapping={mapping} at={at} onChange={setMapping} />}
      <TextArea
        label="Why"
        hint="Kept with the conflict, for whoever reads it later."
        rows={2}
        required
        maxLength={1000}
        value={note}
        error={at.note}
        onChange={(e) => setNote(e.target.value)}
      />
    </Confirm>
  );
}

/** What is different between two readings of a conflict, in sentences. */
function differences(before: Conflict, after: Conflict): string[] {
  const said: string[] = [];
  if (before.status !== after.status) said.push(`It is ${words(after.status).toLowerCase()}${after.resolution ? `: ${after.resolution}` : "."}`);
  if (before.summary !== after.summary) said.push(summaryOf(after));
  return said.length > 0 ? said : ["Its facts were told anew; look at them before you go on."];
}
