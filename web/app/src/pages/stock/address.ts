import { useMemo } from "react";
import { useHashSearch } from "../../hash";
import { descends, isSortKey, noFilter, plain, type Filter, type Sort } from "./view";

/** What of stock is shown, and in which order. */
export interface Shown {
  filter: Filter;
  sort: Sort;
}

/** Reads `sort=moved&low=1`; what isn't understood is left out. */
export function read(search: string): Shown {
  const given = new URLSearchParams(search);
  const text = (name: string) => given.get(name) ?? "";
  const key = text("sort");
  return {
    filter: {
      search: text("search"),
      category: text("category"),
      supplier: text("supplier"),
      location: text("location"),
      low: given.get("low") === "1",
      stale: given.get("stale") === "1",
    },
    sort: isSortKey(key) ? { key, descending: given.has("order") ? given.get("order") === "desc" : descends(key) } : plain,
  };
}

/** Writes what differs from all levels in their plain order. */
export function write({ filter, sort }: Shown): string {
  const given = new URLSearchParams();
  for (const [name, value] of Object.entries(filter)) if (value) given.set(name, value === true ? "1" : String(value));
  const reversed = sort.descending !== descends(sort.key);
  if (sort.key !== plain.key || reversed) given.set("sort", sort.key);
  if (reversed) given.set("order", sort.descending ? "desc" : "asc");
  return given.toString();
}

/** What the page's address says, which a wall's screen may keep; and how to say something else. */
export function useShown(): Shown & { show: (change: Partial<Shown>) => void } {
  const [search, replace] = useHashSearch();
  const shown = useMemo(() => read(search), [search]);
  return { ...shown, show: (change) => replace(write({ ...shown, ...change })) };
}

/** Where the levels are that meet a filter. */
export const linkTo = (filter: Partial<Filter>) => `#/stock?${write({ filter: { ...noFilter, ...filter }, sort: plain })}`;
