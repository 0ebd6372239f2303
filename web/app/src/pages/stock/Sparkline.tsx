import type { Ring } from "./ring";

const width = 76;
const height = 20;
const pad = 3;
/** Fewer values than this don't take the whole width. */
const fewest = 8;

/** How many units were available after each of the last changes, as a line. The newest is at the right. */
export function Sparkline({ moves }: { moves: Ring | null }) {
  if (!moves || moves.length < 2) return <svg className="spark" width={width} height={height} aria-hidden="true" />;
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < moves.length; i++) {
    low = Math.min(low, moves.at(i));
    high = Math.max(high, moves.at(i));
  }
  const slots = Math.max(moves.length, fewest);
  const x = (i: number) => pad + ((i + slots - moves.length) * (width - 2 * pad)) / (slots - 1);
  const y = (value: number) => (high === low ? height / 2 : height - pad - ((value - low) * (height - 2 * pad)) / (high - low));
  let path = "";
  for (let i = 0; i < moves.length; i++) path += `${i === 0 ? "M" : "L"}${x(i).toFixed(1)} ${y(moves.at(i)).toFixed(1)}`;
  const last = moves.length - 1;
  return (
    <svg className="spark" width={width} height={height} viewBox={`0 0 ${width} ${height}`} aria-hidden="true">
      <path d={path} />
      <circle cx={x(last)} cy={y(moves.at(last))} r="2" />
    </svg>
  );
}
