// What Chromium's tracing says of a page.

/** The begin and the end of each of an asynchronous event, in pairs. */
function pairs(events, name) {
  const begun = new Map();
  const all = [];
  for (const e of events) {
    if (e.name !== name) continue;
    const id = e.id2?.local;
    if (e.ph === 'b') begun.set(id, e);
    else if (e.ph === 'e' && begun.has(id)) {
      all.push([begun.get(id), e]);
      begun.delete(id);
    }
  }
  return all;
}

/**
 * Of a trace with the page alone, in milliseconds each:
 *
 * - frames: from the first work for a frame until it was rendered on the main thread, as the page's own PerformanceObserver would have of long ones;
 * - pictures: from when one was due until all of it, the main thread's part too, was presented;
 * - tasks: those of the main thread that took a millisecond or more; cpu: what of a processor each of them had;
 *
 * and in how many intervals of the screen's a picture was due and nothing new was presented.
 */
export function read(trace) {
  const events = JSON.parse(trace.toString()).traceEvents.sort((a, b) => a.ts - b.ts);
  const { pid, tid } = events.find((e) => e.name === 'AnimationFrame' && e.ph === 'b') ?? {};
  const own = events.filter((e) => e.pid === pid);
  const frames = pairs(own, 'AnimationFrame').map(([begin, end]) => (end.ts - begin.ts) / 1000);
  const presented = pairs(own, 'PipelineReporter').map(([begin, end]) => ({ state: begin.args.frame_reporter.state, ms: (end.ts - begin.ts) / 1000 }));
  const pictures = presented.filter((p) => p.state === 'STATE_PRESENTED_ALL').map((p) => p.ms);
  const dropped = presented.filter((p) => p.state === 'STATE_DROPPED').length;
  const tasks = own.filter((e) => e.name === 'RunTask' && e.ph === 'X' && e.tid === tid && e.dur >= 1000);
  const ms = (name) => tasks.map((e) => (e[name] ?? 0) / 1000);
  return { frames, pictures, dropped, tasks: ms('dur'), cpu: ms('tdur') };
}
