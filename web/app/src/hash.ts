import { useSyncExternalStore } from "react";
import { navigate } from "wouter/use-hash-location";

/*
 * A page's address is what stands after the #: its path and, after a question mark, what it shows of it, as in
 * #/stock?sort=moved&low=1. wouter's own hook would take the question mark for a part of the path.
 */

/** The path and the search of an address's fragment. */
export function parts(hash: string): { path: string; search: string } {
  const [path = "", ...search] = hash.replace(/^#?\/?/, "").split("?");
  return { path: `/${path}`, search: search.join("?") };
}

const listen = (tell: () => void) => {
  addEventListener("hashchange", tell);
  return () => removeEventListener("hashchange", tell);
};

/** For wouter's router: where in the dashboard its reader is. What it navigates to is a path without a search. */
export function useHashPath(): [string, typeof navigate] {
  return [useSyncExternalStore(listen, () => parts(location.hash).path), navigate];
}
useHashPath.hrefs = (href: string) => `#${href}`;

/** The search of the page's address, and how to write another into it: in place, as no step to go back to. */
export function useHashSearch(): [string, (search: string) => void] {
  return [useSyncExternalStore(listen, () => parts(location.hash).search), replaceSearch];
}

function replaceSearch(search: string): void {
  history.replaceState(history.state, "", `#${parts(location.hash).path}${search && `?${search}`}`);
  dispatchEvent(new HashChangeEvent("hashchange"));
}
