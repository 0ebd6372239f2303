import type { FeedResultFragment } from "../../gql/graphql";
import { number } from "../../format";
import type { PillTone } from "../../ui/Pill";

/** What came of a feed, in a word or two. */
export function cameOf(feed: Pick<FeedResultFragment, "status" | "applied" | "rejected">): string {
  if (feed.status === "HELD") return "Waits for a person";
  if (feed.status === "DISMISSED") return "Dismissed";
  if (feed.rejected > 0) return `${number(feed.rejected)} rejected`;
  return feed.applied > 0 ? "Applied" : "Nothing new";
}

export function toneOf(feed: Pick<FeedResultFragment, "status" | "applied" | "rejected">): PillTone {
  if (feed.status === "HELD") return "warning";
  if (feed.status === "DISMISSED") return "neutral";
  if (feed.rejected > 0) return "bad";
  return feed.applied > 0 ? "good" : "neutral";
}
