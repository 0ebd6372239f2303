import type { UnitOfMeasure } from "./gql/graphql";

/** Numbers, money and times in the reader's own locale. */
const locale = navigator.languages as string[];
const whole = new Intl.NumberFormat(locale);
const signed = new Intl.NumberFormat(locale, { signDisplay: "exceptZero" });
const oneDigit = new Intl.NumberFormat(locale, { maximumFractionDigits: 1, minimumFractionDigits: 1 });
const clock = new Intl.DateTimeFormat(locale, { timeStyle: "medium" });
const shortClock = new Intl.DateTimeFormat(locale, { timeStyle: "short" });
const dayAndClock = new Intl.DateTimeFormat(locale, { dateStyle: "medium", timeStyle: "short" });
const dayAlone = new Intl.DateTimeFormat(locale, { day: "numeric", month: "short" });
const full = new Intl.DateTimeFormat(locale, { dateStyle: "full", timeStyle: "long" });
const relative = new Intl.RelativeTimeFormat(locale, { numeric: "auto", style: "short" });
const currencies = new Map<string, Intl.NumberFormat>();
const listing = new Intl.ListFormat(locale, { type: "conjunction" });

export const number = (n: number) => whole.format(n);
/** "1 row", "12 rows" */
export const counted = (n: number, one: string, many = `${one}s`) => `${whole.format(n)} ${n === 1 ? one : many}`;
export const delta = (n: number) => signed.format(n);
export const decimal = (n: number) => oneDigit.format(n);
export const list = (words: string[]) => listing.format(words);

/** The exact amount that the contract has, which a double needn't be able to hold. */
export function money({ amount, currency }: { amount: string; currency: string }): string {
  let format = currencies.get(currency);
  if (!format) currencies.set(currency, (format = new Intl.NumberFormat(locale, { style: "currency", currency })));
  return format.format(amount as Intl.StringNumericLiteral);
}

const date = (at: string | number) => new Date(at);
/** 14:03:22 */
export const time = (at: string | number) => clock.format(date(at));
/** 14:03 */
export const timeOfDay = (at: string | number) => shortClock.format(date(at));
/** 28 Nov 2026, 14:03 */
export const dateTime = (at: string | number) => dayAndClock.format(date(at));
export const fullDateTime = (at: string | number) => full.format(date(at));

const steps: [number, Intl.RelativeTimeFormatUnit][] = [
  [60, "second"],
  [60, "minute"],
  [24, "hour"],
  [7, "day"],
  [4.35, "week"],
  [12, "month"],
];

/** "3 min. ago", "in 2 days" */
export function ago(at: string | number, now: number = Date.now()): string {
  let value = (date(at).getTime() - now) / 1000;
  for (const [size, unit] of steps) {
    if (Math.abs(value) < size) return relative.format(Math.round(value), unit);
    value /= size;
  }
  return relative.format(Math.round(value), "year");
}

const spans: [number, "day" | "hour" | "minute" | "second"][] = [
  [86_400, "day"],
  [3_600, "hour"],
  [60, "minute"],
  [1, "second"],
];

/** "36 hours": in the largest unit of which it is a whole number. */
export function duration(seconds: number): string {
  const [size, unit] = spans.find(([s]) => seconds % s === 0 && (s === 1 || seconds >= s)) ?? [1, "second" as const];
  return new Intl.NumberFormat(locale, { style: "unit", unit, unitDisplay: "long" }).format(seconds / size);
}

/** 28 Nov */
export const day = (at: string | number) => dayAlone.format(date(at));

const moment = /\b\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g;

/** A text of the gateway's with each RFC 3339 time in it as the reader writes times. */
export function readable(text: string): string {
  return text.replace(moment, (at) => (Number.isNaN(Date.parse(at)) ? at : dateTime(at)));
}

/** What one of a unit is called, and several. */
const unitNames: Record<UnitOfMeasure, [one: string, many: string]> = {
  PIECE: ["piece", "pieces"],
  BOTTLE: ["bottle", "bottles"],
  JAR: ["jar", "jars"],
  CAN: ["can", "cans"],
  BAG: ["bag", "bags"],
  BOX: ["box", "boxes"],
  PACK: ["pack", "packs"],
  CASE: ["case", "cases"],
  SET: ["set", "sets"],
  PAIR: ["pair", "pairs"],
  KILOGRAM: ["kilogram", "kilograms"],
  LITRE: ["litre", "litres"],
};

/** "1 box", "50 cases" */
export const inUnits = (n: number, unit: UnitOfMeasure) => counted(n, ...unitNames[unit]);
/** What one of a unit is called: "box"; null where that is no unit. */
export const unitName = (unit: string): string | null => unitNames[unit as UnitOfMeasure]?.[0] ?? null;

/** PARTIALLY_SHIPPED → Partially shipped */
export function words(name: string): string {
  const text = name.toLowerCase().replaceAll("_", " ");
  return text.charAt(0).toUpperCase() + text.slice(1);
}
