import { useEffect, useId, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { timeOfDay } from "../../format";
import { windowOf } from "./window";

export interface Series {
  label: string;
  /** A custom property of the theme, such as --blue. */
  colour: string;
  values: readonly number[];
}

interface Props {
  title: string;
  /** When each of the values was so, in seconds since 1970. */
  times: readonly number[];
  series: Series[];
  kind: "bars" | "line";
  format: (value: number) => string;
  /** Its values are counts: there is nothing between two of them. */
  whole?: boolean;
  /** The span that is shown at least, in seconds, up to the last value. */
  span: number;
}

const height = 220;
/** 1, 2, 5, 10, 20 … between the lines of a count. */
const steps = Array.from({ length: 9 }, (_, power) => [1, 2, 5].map((n) => n * 10 ** power)).flat();
/** Seconds between the times below a plot, which are told to the minute. */
const minutes = [1, 2, 5, 10, 15, 30, 60].map((n) => n * 60);
const dark = matchMedia("(prefers-color-scheme: dark)");
const themed = (name: string) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();

/** Series over time. What it shows is in words as well: each series' last value, or that under the pointer, and on demand all as a table. */
export function Plot({ title, times, series, kind, format, whole = false, span }: Props) {
  const id = useId();
  const holder = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [pointed, setPointed] = useState<number | null>(null);
  const latest = useRef({ series, format, whole });
  latest.current = { series, format, whole };

  useEffect(() => {
    const node = holder.current;
    if (!node) return;
    const made = new uPlot(options(kind, node.clientWidth, latest.current, setPointed), [[]], node);
    plot.current = made;
    const resized = new ResizeObserver(() => made.setSize({ width: node.clientWidth, height }));
    resized.observe(node);
    const redraw = () => made.redraw(false, true);
    dark.addEventListener("change", redraw);
    return () => {
      dark.removeEventListener("change", redraw);
      resized.disconnect();
      made.destroy();
      plot.current = null;
    };
  }, [kind]);
  useEffect(() => {
    const made = plot.current;
    made?.batch(() => {
      made.setData([[...times], ...series.map((s) => [...s.values])], false);
      made.setScale("x", windowOf(times, span, kind === "bars" ? 60 : 0, Date.now() / 1000));
    });
  }, [kind, times, series, span]);

  const at = pointed !== null && pointed < times.length ? pointed : times.length - 1;
  const moment = times[at];
  return (
    <figure className="card plot" aria-labelledby={id}>
      <figcaption className="plot-head">
        <h2 id={id}>{title}</h2>
        <ul className="plot-legend">
          {series.map((s) => (
            <li key={s.label}>
              <span className="plot-swatch" style={{ background: `var(${s.colour})` }} aria-hidden="true" />
              {s.label} <strong>{format(s.values[at] ?? 0)}</strong>
            </li>
          ))}
          {moment !== undefined && <li className="muted">{timeOfDay(moment * 1000)}</li>}
        </ul>
      </figcaption>
      <div ref={holder} className="plot-canvas" aria-hidden="true" />
      <details>
        <summary>As a table</summary>
        <PlotTable title={title} times={times} series={series} format={format} />
      </details>
    </figure>
  );
}

function PlotTable({ title, times, series, format }: Pick<Props, "title" | "times" | "series" | "format">) {
  return (
    <div className="plot-table" tabIndex={0} role="region" aria-label={`${title}, as a table`}>
      <table className="table" role="table">
        <caption className="only-heard">{title}</caption>
        <thead>
          <tr>
            <th scope="col">Time</th>
            {series.map((s) => (
              <th key={s.label} scope="col" className="numeric">
                {s.label}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {times
            .map((t, i) => (
              <tr key={t}>
                <th scope="row">{timeOfDay(t * 1000)}</th>
                {series.map((s) => (
                  <td key={s.label} data-head={s.label} className="numeric">
                    {format(s.values[i] ?? 0)}
                  </td>
                ))}
              </tr>
            ))
            .reverse()}
        </tbody>
      </table>
    </div>
  );
}

function options(
  kind: Props["kind"],
  width: number,
  { series, format, whole }: Pick<Props, "series" | "format" | "whole">,
  onPoint: (index: number | null) => void,
): uPlot.Options {
  const axis = {
    stroke: () => themed("--muted"),
    grid: { stroke: () => themed("--line"), width: 1 },
    ticks: { show: false },
    font: `11px ${themed("--sans")}`,
  };
  const bars = uPlot.paths.bars?.({ size: [0.7, 24], align: 1 });
  return {
    width,
    height,
    legend: { show: false },
    cursor: { y: false, drag: { x: false, y: false }, points: { show: kind === "line" } },
    padding: [8, 24, 0, 0],
    scales: {
      x: { time: true, auto: false, range: (_, min, max) => [min, max] },
      y: { range: (_, __, max) => [0, Math.max((max ?? 0) * 1.1, whole ? 4 : 0.5)] },
    },
    axes: [
      { ...axis, incrs: minutes, space: 64, size: 28, values: (_, splits) => splits.map((s) => timeOfDay(s * 1000)) },
      { ...axis, ...(whole ? { incrs: steps } : {}), size: 60, values: (_, splits) => splits.map((v) => (v === null ? "" : format(v))) },
    ],
    series: [
      {},
      ...series.map((s) => ({
        label: s.label,
        stroke: () => themed(s.colour),
        width: kind === "bars" ? 0 : 2,
        // A single value has no line yet.
        points: { show: (u: uPlot) => kind === "line" && u.data[0].length === 1, size: 6, fill: () => themed(s.colour) },
        ...(kind === "bars" && bars ? { paths: bars, fill: () => themed(s.colour) } : {}),
      })),
    ],
    hooks: { setCursor: [(u) => onPoint(u.cursor.idx ?? null)] },
  };
}
