import { useEffect, useMemo, useState } from "react";
import { useQuery } from "urql";
import { useLive, type LiveState } from "../../api/live";
import { StockDocument, StockPlacesDocument, type InventoryLiveFilter, type StockPlacesQuery } from "../../gql/graphql";
import { say } from "../../ui/alerts";
import type { StockStore } from "./store";
import { optionsOf, ownSupplier, type Filter, type Option } from "./view";

type Place = StockPlacesQuery["locations"][number];

export interface Following {
  state: LiveState;
  /** There are more levels than the gateway tells of at once: these are the suppliers and locations of which one is to be chosen. */
  beyond: { suppliers: Option[]; locations: Option[] } | null;
  /** Nothing is followed until one is. */
  waits: boolean;
}

const everything: InventoryLiveFilter = {};

/** The part of stock that a filter names by its supplier or location, as a subscription takes it; null: it names neither. */
export function partOf({ supplier, location }: Filter, places: readonly Place[]): InventoryLiveFilter | null {
  if (location) return { locationIds: [location] };
  if (supplier === ownSupplier) return { locationIds: places.filter((p) => !p.supplier).map((p) => p.id) };
  return supplier ? { supplierId: supplier } : null;
}

/**
 * Keeps a store told of all levels that the viewer may see, from where it stands. Where those are more than the gateway tells of at once, of those of one
 * supplier or location, once the filter names it.
 */
export function useFollowing(store: StockStore, filter: Filter): Following {
  const [tooMany, setTooMany] = useState(store.part !== "");
  const [{ data }] = useQuery({ query: StockPlacesDocument, pause: !tooMany });
  const places = data?.locations;
  const wanted = tooMany ? places && partOf(filter, places) : everything;
  const part = wanted && wanted !== everything ? JSON.stringify(wanted) : "";
  const state = useLive(wanted ? `stock ${part}` : null, {
    document: StockDocument,
    variables: { filter: wanted ?? null, after: store.complete && store.part === part ? store.cursor : null },
    onBegin: () => {
      if (store.part !== part) store.turnTo(part);
      store.begin();
    },
    onEvent: (event) => store.apply(event),
    onExpired: () => {
      store.expired();
      say("Changes were missed: the log doesn't reach back far enough. Stock is loaded anew.", "warning");
    },
  });
  const refused = state.phase === "failed" && state.fault?.code === "INVALID";
  useEffect(() => {
    if (refused) setTooMany(true);
  }, [refused]);
  const beyond = useMemo(() => (tooMany ? optionsOf(places ?? []) : null), [tooMany, places]);
  return { state, beyond, waits: tooMany && !wanted };
}
