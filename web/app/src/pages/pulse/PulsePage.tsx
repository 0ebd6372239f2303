import { useMemo } from "react";
import type { LiveState } from "../../api/live";
import { decimal, number } from "../../format";
import { Counter } from "../../ui/Counter";
import { LiveStatus } from "../../ui/LiveStatus";
import { FaultNote, Loading, Page } from "../../ui/Page";
import { Plot, type Series } from "./Plot";
import { minutesShown, usePulse, type Pulse, type PulseState, type Sample } from "./usePulse";
import "./pulse.css";

const seconds = (n: number) => `${decimal(n)} s`;

/** How busy the shop is, and how this gateway keeps up. */
export default function PulsePage() {
  const state = usePulse();
  const { pulse, samples, fault } = state;
  return (
    <Page title="Pulse" aside={<LiveStatus state={liveState(state)} />}>
      {fault && !pulse && <FaultNote fault={fault} doing="Reading the pulse" />}
      {!pulse && !fault && <Loading what="the pulse" />}
      {pulse && (
        <>
          <Counters pulse={pulse} />
          <Plots pulse={pulse} samples={samples} />
        </>
      )}
    </Page>
  );
}

function liveState({ pulse, fault, lastWord }: PulseState): LiveState {
  const phase = fault ? "reconnecting" : pulse ? "live" : "connecting";
  return { phase, lastWord, missed: 0, fault: null };
}

function Counters({ pulse }: { pulse: Pulse }) {
  // The last minute is under way: the one before it can be compared with others.
  const full = pulse.minutes.at(-2);
  return (
    <dl className="counters" data-store="pulse">
      <Counter name="orders" label="Orders, last minute" value={full?.orders ?? 0} />
      <Counter name="units" label="Units moved, last minute" value={Number(full?.units ?? 0)} />
      <div className="counter" data-counter="lag" data-value={pulse.logLagMs}>
        <dt>Log lag</dt>
        <dd>{seconds(pulse.logLagMs / 1000)}</dd>
      </div>
      <Counter name="subscriptions" label="Subscriptions" value={pulse.subscriptions} />
    </dl>
  );
}

function Plots({ pulse, samples }: { pulse: Pulse; samples: readonly Sample[] }) {
  const minutes = useMemo(() => pulse.minutes.map((m) => Date.parse(m.at) / 1000), [pulse]);
  const orders = useMemo<Series[]>(() => [{ label: "Orders", colour: "--blue", values: pulse.minutes.map((m) => m.orders) }], [pulse]);
  const units = useMemo<Series[]>(() => [{ label: "Units", colour: "--green", values: pulse.minutes.map((m) => Number(m.units)) }], [pulse]);
  const times = useMemo(() => samples.map((s) => s.at), [samples]);
  const lag = useMemo<Series[]>(() => [{ label: "Lag", colour: "--red", values: samples.map((s) => s.lag) }], [samples]);
  const subscribers = useMemo<Series[]>(
    () => [
      { label: "Subscriptions", colour: "--blue", values: samples.map((s) => s.subscriptions) },
      { label: "Websockets", colour: "--green", values: samples.map((s) => s.websockets) },
      { label: "Streams", colour: "--amber", values: samples.map((s) => s.streams) },
    ],
    [samples],
  );
  const hour = minutesShown * 60;
  const watched = 300;
  return (
    <div className="plots">
      <Plot title="Orders a minute" kind="bars" span={hour} times={minutes} series={orders} format={number} whole />
      <Plot title="Units moved a minute" kind="bars" span={hour} times={minutes} series={units} format={number} whole />
      <Plot title="Log lag of this gateway" kind="line" span={watched} times={times} series={lag} format={seconds} />
      <Plot title="Subscribers of this gateway" kind="line" span={watched} times={times} series={subscribers} format={number} whole />
    </div>
  );
}
