import { useEffect, useState } from "react";
import { faultOf, type Fault } from "../../api/errors";
import { useApi } from "../../api/context";
import { PulseDocument, type PulseQuery } from "../../gql/graphql";

export type Pulse = NonNullable<PulseQuery["pulse"]>;

/** What the gateway said of itself at one moment, in seconds since 1970. */
export interface Sample {
  at: number;
  /** In seconds. */
  lag: number;
  websockets: number;
  streams: number;
  subscriptions: number;
}

export interface PulseState {
  pulse: Pulse | null;
  /** The oldest first; from when the page was opened, an hour at most. */
  samples: readonly Sample[];
  fault: Fault | null;
  /** When the gateway last answered, in milliseconds since 1970. */
  lastWord: number | null;
}

export const minutesShown = 60;
const askEvery = 5_000;
const mostSamples = (minutesShown * 60_000) / askEvery;

/** Asks for the pulse every few seconds, one question at a time. */
export function usePulse(): PulseState {
  const { urql } = useApi();
  const [state, setState] = useState<PulseState>({ pulse: null, samples: [], fault: null, lastWord: null });
  useEffect(() => {
    let over = false;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const ask = async () => {
      const { data, error } = await urql.query(PulseDocument, { minutes: minutesShown }, { requestPolicy: "network-only" }).toPromise();
      if (over) return;
      const pulse = data?.pulse;
      if (pulse) setState((s) => ({ pulse, samples: withSample(s.samples, pulse), fault: null, lastWord: Date.now() }));
      else if (error) setState((s) => ({ ...s, fault: faultOf(error) }));
      timer = setTimeout(() => void ask(), askEvery);
    };
    void ask();
    return () => {
      over = true;
      clearTimeout(timer);
    };
  }, [urql]);
  return state;
}

function withSample(samples: readonly Sample[], { at, logLagMs, websockets, streams, subscriptions }: Pulse): readonly Sample[] {
  const seconds = Date.parse(at) / 1000;
  const last = samples.at(-1);
  // The gateway makes one answer a second for all who ask.
  if (last && last.at >= seconds) return samples;
  return [...samples.slice(1 - mostSamples), { at: seconds, lag: logLagMs / 1000, websockets, streams, subscriptions }];
}
