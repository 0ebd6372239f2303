/**
 * The span of time that a plot shows, in seconds since 1970: `span` seconds up to its newest value, or where there is
 * none yet up to `now`; more where its values go back further. Each value may stand for the `width` seconds after its time.
 */
export function windowOf(times: readonly number[], span: number, width: number, now: number): { min: number; max: number } {
  const end = times.at(-1) ?? now;
  return { min: Math.min(times[0] ?? end, end - span), max: end + width };
}
