import { authorization } from "../../api/session";
import type { SupplierFeedInput } from "../../gql/graphql";

/** What a feed's document says, as the gateway has read it. */
export interface FeedDocument {
  measure: SupplierFeedInput["measure"] | null;
  asOf: string | null;
  /** The document calls itself a test: it may be tried, and not sent. */
  test: boolean;
  rows: SupplierFeedInput["rows"];
  /** Where in the document each row is, such as "line 3". */
  places: string[];
}

/** One thing that is wrong with a document. */
export interface Problem {
  place: string;
  where: string;
  message: string;
}

/** A document that can't be read: nothing of it is sent. */
export class UnreadableDocument extends Error {
  constructor(
    readonly problems: Problem[],
    /** There are more problems than these. */
    readonly more: boolean,
  ) {
    super("the document can't be read");
  }
}

/** The formats of documents, by the ending of their names, as `redline feed` has them. */
const formats: Record<string, string> = {
  csv: "csv",
  tsv: "csv",
  jsonl: "jsonl",
  ndjson: "jsonl",
  x12: "x12",
  edi: "x12",
  "846": "x12",
};

/** What a file dialog offers. */
export const endings = Object.keys(formats)
  .map((e) => `.${e}`)
  .join(",");

export function formatOf(name: string): string | null {
  return formats[name.slice(name.lastIndexOf(".") + 1).toLowerCase()] ?? null;
}

/** Has the gateway read a document: the same reader that `redline feed` has. It keeps nothing of it. */
export async function readDocument(file: File, format: string): Promise<FeedDocument> {
  const res = await fetch(`/dashboard/feed?format=${format}`, {
    method: "POST",
    body: file,
    headers: { Accept: "application/json", "Content-Type": "application/octet-stream", Authorization: authorization() ?? "" },
  });
  const answer = (await res.json().catch(() => ({}))) as {
    problems?: Problem[];
    more?: boolean;
    error?: { message: string };
  } & FeedDocument;
  if (res.ok) return answer;
  if (answer.problems) throw new UnreadableDocument(answer.problems, answer.more ?? false);
  throw new Error(answer.error?.message ?? `the gateway answered ${res.status}`);
}
