import { useCallback, useEffect, useRef, useState } from "react";
import { useApi } from "../../api/context";
import { faultOf, type Fault } from "../../api/errors";
import { useLive, type LiveState } from "../../api/live";
import { OrderDetailDocument, OrderVersionsDocument } from "../../gql/graphql";
import type { Order } from "./model";

export interface OrderState {
  /** undefined: it isn't loaded yet; null: there is none that the viewer may see. */
  order: Order | null | undefined;
  fault: Fault | null;
  live: LiveState;
  /** Reads it anew; what it resolves to is at least as new as the call. */
  reload: () => Promise<Order | null>;
}

/** One order as it is now: read once, and again with each version that is told of. */
export function useOrder(id: string): OrderState {
  const { urql } = useApi();
  const [order, setOrder] = useState<Order | null | undefined>(undefined);
  const [head, setHead] = useState<string | null>(null);
  const [fault, setFault] = useState<Fault | null>(null);
  const version = useRef(0);
  const told = useRef(0);
  const loading = useRef(false);

  const load = useCallback(async () => {
    const { data, error } = await urql.query(OrderDetailDocument, { id }, { requestPolicy: "network-only" }).toPromise();
    if (!data) {
      setFault(error ? faultOf(error) : null);
      return null;
    }
    setFault(null);
    const read = data.order ?? null;
    if ((read?.version ?? 0) >= version.current) {
      version.current = read?.version ?? 0;
      setOrder(read);
    }
    return { order: read, head: data.eventHead };
  }, [id, urql]);

  const reload = useCallback(async () => (await load())?.order ?? null, [load]);

  const follow = async () => {
    if (loading.current) return;
    loading.current = true;
    while (told.current > version.current) {
      const wanted = told.current;
      const read = await load();
      if (!read?.order || (read.order.version < wanted && told.current === wanted)) break;
    }
    loading.current = false;
  };

  useEffect(() => {
    void load().then((read) => read && setHead(read.head));
  }, [load]);

  const live = useLive(head === null ? null : `order ${id}`, {
    document: OrderVersionsDocument,
    variables: { id, after: head },
    onEvent: (event) => {
      if (!event.order) return;
      told.current = Math.max(told.current, event.order.version);
      void follow();
    },
    onExpired: async () => {
      const read = await load();
      return read ? { after: read.head } : undefined;
    },
  });
  return { order, fault, live, reload };
}
