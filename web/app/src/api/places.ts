import type { UserError } from "./errors";

/** The fields of a form, by the path in the mutation's input that each is for, such as "lines.2.quantity". */
export type Places = Record<string, string>;

export interface Placed {
  /** What is said next to a field, by the field's name. */
  at: Record<string, string>;
  /** What no field is to blame for. */
  rest: UserError[];
}

/** Puts each userError next to the field of its path, or of the longest beginning of it that has one. */
export function place(errors: readonly UserError[], places: Places): Placed {
  const at: Record<string, string> = {};
  const rest: UserError[] = [];
  for (const error of errors) {
    const field = fieldOf(error.field ?? [], places);
    if (field === undefined) rest.push(error);
    else at[field] = at[field] === undefined ? sentence(error.message) : `${at[field]} ${sentence(error.message)}`;
  }
  return { at, rest };
}

function fieldOf(path: readonly string[], places: Places): string | undefined {
  for (let n = path.length; n > 0; n--) {
    const field = places[path.slice(0, n).join(".")];
    if (field !== undefined) return field;
  }
  return undefined;
}

/** The gateway's words, as a sentence for people. */
export function sentence(message: string): string {
  const text = message.charAt(0).toUpperCase() + message.slice(1);
  return /[.!?]$/.test(text) ? text : `${text}.`;
}
