import { useLayoutEffect, useRef, type RefObject } from "react";

const duration = 420;
/** More than this at once is a snapshot or another filter, not something to watch. */
const mostMoving = 60;

interface Spot {
  x: number;
  y: number;
  column: string;
}

/**
 * Lets the cards within `board` glide from where they were to where they are (FLIP), and those that came light up. A
 * card is an element with data-card, its id, within one with data-column. The focus goes along with its card. `key`
 * changes where the cards are others by the reader's own hand, which isn't animated.
 */
export function useFlip(board: RefObject<HTMLElement | null>, key: string): void {
  const spots = useRef<Map<string, Spot>>(new Map());
  const lastKey = useRef<string | null>(null);
  const focused = useRef<string | null>(null);

  useLayoutEffect(() => {
    const root = board.current;
    if (!root) return;
    const enter = (e: FocusEvent) => (focused.current = (e.target as HTMLElement).dataset.card ?? null);
    const leave = (e: FocusEvent) => {
      if ((e.target as HTMLElement).isConnected && e.relatedTarget) focused.current = null;
    };
    root.addEventListener("focusin", enter);
    root.addEventListener("focusout", leave);
    return () => {
      root.removeEventListener("focusin", enter);
      root.removeEventListener("focusout", leave);
    };
  }, [board]);

  useLayoutEffect(() => {
    const root = board.current;
    if (!root) return;
    const origin = root.getBoundingClientRect();
    const before = spots.current;
    const now = new Map<string, Spot>();
    const cards = root.querySelectorAll<HTMLElement>("[data-card]");
    for (const card of cards) {
      const { left, top } = card.getBoundingClientRect();
      const column = card.closest<HTMLElement>("[data-column]")?.dataset.column ?? "";
      now.set(card.dataset.card ?? "", { x: left - origin.left + root.scrollLeft, y: top - origin.top, column });
    }
    spots.current = now;
    const same = lastKey.current === key;
    lastKey.current = key;
    if (focused.current && document.activeElement === document.body)
      root.querySelector<HTMLElement>(`[data-card="${CSS.escape(focused.current)}"]`)?.focus({ preventScroll: true });
    if (!same || before.size === 0 || matchMedia("(prefers-reduced-motion: reduce)").matches) return;
    const moves: (() => void)[] = [];
    for (const card of cards) {
      const id = card.dataset.card ?? "";
      const [from, to] = [before.get(id), now.get(id)];
      if (!to) continue;
      if (!from) moves.push(() => card.animate([{ opacity: 0, transform: "scale(0.94)" }, {}], { duration, easing: "ease-out" }));
      else if (from.x !== to.x || from.y !== to.y) moves.push(() => glide(card, from, to));
    }
    if (moves.length <= mostMoving) for (const move of moves) move();
  });
}

function glide(card: HTMLElement, from: Spot, to: Spot): void {
  const across = from.column !== to.column;
  const start = `translate(${from.x - to.x}px, ${from.y - to.y}px)`;
  card.animate(
    across ? [{ transform: start, zIndex: 5 }, { zIndex: 5 }] : [{ transform: start }, {}],
    { duration: across ? duration * 1.4 : duration, easing: "cubic-bezier(0.2, 0.8, 0.2, 1)" },
  );
}
