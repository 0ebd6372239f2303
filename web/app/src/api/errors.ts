import type { CombinedError } from "@urql/core";

/** What went wrong, in words for people, with what support needs to find it. */
export interface Fault {
  code: string;
  message: string;
  requestId: string | null;
}

/** One entry of userErrors, of any mutation. */
export interface UserError {
  code: string;
  message: string;
  field?: readonly string[] | null;
}

const offline: Fault = { code: "OFFLINE", message: "The gateway can't be reached.", requestId: null };

/** Reads what urql says of a failed operation. */
export function faultOf(error: CombinedError): Fault {
  const header = (error.response as Response | undefined)?.headers?.get("X-Request-Id") ?? null;
  const first = error.graphQLErrors[0];
  if (first) {
    const { code, requestId } = first.extensions as { code?: string; requestId?: string };
    return { code: code ?? "INTERNAL", message: first.message, requestId: requestId ?? header };
  }
  const status = (error.response as Response | undefined)?.status;
  if (status && status >= 400) return { code: "UNAVAILABLE", message: `The gateway answered ${status}.`, requestId: header };
  return offline;
}

/** Reads anything that was thrown. */
export function faultOfThrown(err: unknown): Fault {
  return { code: "FAILED", message: err instanceof Error ? err.message : String(err), requestId: null };
}

/** The words for a list of userErrors, each with the place in the input that it is about. */
export function userErrorText(errors: readonly UserError[]): string {
  return errors.map((e) => (e.field?.length ? `${e.message} (${e.field.join(".")})` : e.message)).join(" ");
}
