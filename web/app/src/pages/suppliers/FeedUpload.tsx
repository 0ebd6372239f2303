import { useState } from "react";
import { useApi } from "../../api/context";
import { faultOf, faultOfThrown, userErrorText, type Fault, type UserError } from "../../api/errors";
import { newIdempotencyKey, type Api } from "../../api/client";
import { call, outcomeOf, useIntent, type Outcome } from "../../api/intent";
import { SubmitFeedDocument, SupplierLevelsDocument, type FeedMode, type SupplierFeedInput } from "../../gql/graphql";
import { number } from "../../format";
import { say } from "../../ui/alerts";
import { Button } from "../../ui/Button";
import { Dialog } from "../../ui/Dialog";
import { SelectField, TextField } from "../../ui/Field";
import { FaultNote } from "../../ui/Page";
import { endings, formatOf, readDocument, UnreadableDocument, type FeedDocument } from "./feedDocument";
import { FeedPreview } from "./FeedPreview";
import { previewOf, type Level, type Preview } from "./preview";

interface Props {
  supplier: { id: string; name: string };
  onClose: () => void;
  onSent: () => void;
}

/** What was read, and would come of it. */
interface Tried {
  document: FeedDocument;
  input: Omit<SupplierFeedInput, "dryRun" | "idempotencyKey">;
  preview: Preview;
}

type Trouble = { fault: Fault } | { errors: readonly UserError[] } | { document: UnreadableDocument };

/** Sends a feed's document: first it is tried, and shown what would change, and then, on a second word, sent. */
export function FeedUpload({ supplier, onClose, onSent }: Props) {
  const api = useApi();
  const [file, setFile] = useState<File | null>(null);
  const [mode, setMode] = useState<FeedMode>("PARTIAL");
  const [sequence, setSequence] = useState("");
  const [tried, setTried] = useState<Tried | null>(null);
  // One feed is one intent, however often it is sent; another document, or what goes beside it, is another.
  const { busy: sending, send, another } = useIntent();
  const [trying, setTrying] = useState(false);
  const busy = sending || trying;
  const [trouble, setTrouble] = useState<Trouble | null>(null);
  const anew = (change: () => void) => {
    change();
    setTried(null);
    setTrouble(null);
    another();
  };

  const attempt = async () => {
    setTrying(true);
    setTrouble(null);
    try {
      setTrouble(await preview());
    } catch (err) {
      setTrouble(err instanceof UnreadableDocument ? { document: err } : { fault: faultOfThrown(err) });
    }
    setTrying(false);
  };

  const preview = async (): Promise<Trouble | null> => {
    const format = file && formatOf(file.name);
    if (!file || !format) return { fault: { code: "INVALID", message: `Choose a file whose name ends with ${endings}.`, requestId: null } };
    const document = await readDocument(file, format);
    const input = {
      supplierId: supplier.id,
      mode,
      measure: document.measure ?? "ON_HAND",
      asOf: document.asOf ?? new Date(Math.min(file.lastModified, Date.now())).toISOString(),
      rows: document.rows,
      ...(sequence && { sequence }),
    } as const;
    const now = await levelsOf(api, supplier.id);
    const { data, error } = await api.urql.mutation(SubmitFeedDocument, { input: { ...input, idempotencyKey: newIdempotencyKey(), dryRun: true } }).toPromise();
    const came = outcomeOf(data, error && faultOf(error));
    if (!came.done) return troubleOf(came);
    setTried({ document, input, preview: previewOf(came.data.supplierFeedSubmit, now, document.rows, document.places) });
    return null;
  };

  const commit = async ({ input }: Tried) => {
    setTrouble(null);
    const came = await send((idempotencyKey) => call(SubmitFeedDocument, { input: { ...input, idempotencyKey } }));
    if (!came.done) return setTrouble(troubleOf(came));
    const payload = came.data.supplierFeedSubmit;
    onSent();
    onClose();
    if (payload.held) say("The feed is kept for a person: it would empty too much.", "warning");
    else say(`The feed is in: ${number(payload.applied)} applied, ${number(payload.unchanged)} unchanged, ${number(payload.rejected)} rejected.`, payload.rejected > 0 ? "warning" : "good");
  };

  const ready = tried !== null && !tried.document.test;
  return (
    <Dialog
      title={`A feed of ${supplier.name}`}
      wide
      onClose={onClose}
      onSubmit={() => void (tried ? commit(tried) : attempt())}
      actions={
        <>
          <Button look="quiet" onClick={onClose}>
            Leave it
          </Button>
          {tried ? (
            <Button look={mode === "FULL" ? "danger" : "primary"} type="submit" busy={busy} disabled={!ready}>
              Send {number(tried.document.rows.length)} rows
            </Button>
          ) : (
            <Button look="primary" type="submit" busy={busy} disabled={!file}>
              Preview
            </Button>
          )}
        </>
      }
    >
      <div className="feed-form">
        <TextField
          label="Document"
          type="file"
          accept={endings}
          required
          hint="CSV, JSON lines or X12 846. Nothing is changed before you have seen what it would do."
          onChange={(e) => anew(() => setFile(e.target.files?.[0] ?? null))}
        />
        <SelectField
          label="It states"
          value={mode}
          hint={mode === "FULL" ? "What the document leaves out, there is no more of." : "What the document leaves out stays as it is."}
          onChange={(e) => anew(() => setMode(e.target.value as FeedMode))}
        >
          <option value="PARTIAL">Some of the stock</option>
          <option value="FULL">All of the stock</option>
        </SelectField>
        <TextField
          label="Sequence"
          inputMode="numeric"
          pattern="[0-9]*"
          hint="Where the supplier numbers its feeds."
          value={sequence}
          onChange={(e) => anew(() => setSequence(e.target.value))}
        />
      </div>
      {trouble && "fault" in trouble && <FaultNote fault={trouble.fault} doing="The feed" />}
      {trouble && "errors" in trouble && (
        <p className="note note-bad" role="alert">
          {userErrorText(trouble.errors)}
        </p>
      )}
      {trouble && "document" in trouble && <Unreadable error={trouble.document} />}
      {tried && <FeedPreview preview={tried.preview} test={tried.document.test} />}
    </Dialog>
  );
}

const troubleOf = (came: Exclude<Outcome, { done: true }>): Trouble => (came.fault ? { fault: came.fault } : { errors: came.errors });

function Unreadable({ error }: { error: UnreadableDocument }) {
  return (
    <div className="note note-bad" role="alert">
      <p>The document can't be read, and nothing was sent.</p>
      <ul className="plain-list">
        {error.problems.map((p, i) => (
          <li key={i}>{[p.place, p.where, p.message].filter(Boolean).join(": ")}</li>
        ))}
      </ul>
      {error.more && <p>There is more that is wrong.</p>}
    </div>
  );
}

/** The levels of a supplier as they are now. */
async function levelsOf(api: Api, id: string): Promise<Level[]> {
  const levels: Level[] = [];
  for (let after: string | null = null; ; ) {
    const { data, error }: Awaited<ReturnType<typeof page>> = await page(api, id, after);
    const found = data?.inventoryLevels;
    if (!found) throw new Error(error ? faultOf(error).message : "The gateway gave no answer.");
    levels.push(...found.nodes);
    if (!found.pageInfo.hasNextPage) return levels;
    after = found.pageInfo.endCursor;
  }
}

const page = (api: Api, id: string, after: string | null) =>
  api.urql.query(SupplierLevelsDocument, { id, after }, { requestPolicy: "network-only" }).toPromise();
