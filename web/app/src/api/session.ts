import { stringifyDocument } from "@urql/core";
import { useSyncExternalStore } from "react";
import { ViewerDocument, type ViewerQuery } from "../gql/graphql";

export type Viewer = ViewerQuery["viewer"];

/** Who is signed in. The token itself is in no part of it that a page sees: `authorization` has it. */
export interface Session {
  viewer: Viewer;
  /** What to call whoever is signed in. */
  title: string;
  /** When the token ends, in milliseconds since 1970; null: it doesn't. */
  expiresAt: number | null;
  /** Whether another token is fetched before this one ends. */
  renews: boolean;
}

/** A way to get tokens; `again` is absent where somebody pasted theirs. */
interface Source {
  title: string;
  again?: () => Promise<Grant>;
}

interface Grant {
  token: string;
  expiresIn: number | null;
}

/** One role that a demo lets anybody choose. */
export interface DemoRole {
  id: string;
  role: string;
  title: string;
}

/** What the gateway says of itself at /dashboard.json. */
export interface Gateway {
  /** Absent where the gateway doesn't tell it to everybody. */
  version?: string;
  explorer: boolean;
  demo: DemoRole[];
}

/** A sign-in that was refused, in words for people. */
export class SignInError extends Error {}

/** Of a demo's role only its id is remembered, never a token: a reload signs in again. */
const rememberedRole = "redline.demo-role";
/** Renewal begins so long before the end, or after four fifths of a short token's life. */
const renewBefore = 60_000;
/** A gateway that couldn't be asked is asked again after this. */
const renewRetry = 5_000;
const longestTimer = 2 ** 31 - 1;

let session: Session | null = null;
let token: string | null = null;
let source: Source | null = null;
let timer: ReturnType<typeof setTimeout> | undefined;
let renewing: Promise<boolean> | null = null;
/** Why nobody is signed in, where that needs a word. */
let goodbye: string | null = null;
let snapshot: { session: Session | null; goodbye: string | null } = { session, goodbye };
const listeners = new Set<() => void>();
const renewals = new Set<() => void>();
const leavings = new Set<() => void>();

function changed(): void {
  snapshot = { session, goodbye };
  for (const tell of listeners) tell();
}

/** The session, and why there is none. */
export function useSession(): { session: Session | null; goodbye: string | null } {
  return useSyncExternalStore(
    (tell) => {
      listeners.add(tell);
      return () => listeners.delete(tell);
    },
    () => snapshot,
  );
}

/** Whoever is signed in; only for what is shown to nobody else. */
export function useViewer(): Viewer {
  const { session: now } = useSession();
  if (!now) throw new Error("nobody is signed in");
  return now.viewer;
}

/** The value of the Authorization header, or undefined where nobody is signed in. */
export function authorization(): string | undefined {
  return token === null ? undefined : `Bearer ${token}`;
}

/** Calls back after each renewal, with the new token in place. */
export function onRenewal(tell: () => void): () => void {
  renewals.add(tell);
  return () => renewals.delete(tell);
}

/** Calls back whenever nobody is signed in any more: what is kept for whoever was has to go. */
export function onSignOut(tell: () => void): () => void {
  leavings.add(tell);
  return () => leavings.delete(tell);
}

export async function fetchGateway(): Promise<Gateway> {
  const res = await fetch("/dashboard.json", { headers: { Accept: "application/json" } });
  if (!res.ok) throw new Error(`the gateway answered ${res.status}`);
  return (await res.json()) as Gateway;
}

/** Signs in with a token that somebody has pasted. It isn't renewed. */
export async function signInWithToken(pasted: string): Promise<void> {
  const bare = pasted.trim().replace(/^Bearer\s+/i, "");
  if (!/^[\w-]+\.[\w-]+\.[\w-]+$/.test(bare)) throw new SignInError("That isn't a token: it has three parts with dots between.");
  await enter({ title: "" }, { token: bare, expiresIn: null });
}

/** Signs in as a program: with a client's id and secret, at /oauth/token. */
export async function signInWithClient(id: string, secret: string): Promise<void> {
  const again = () => clientGrant(id, secret);
  await enter({ title: id, again }, await again());
}

/** Signs in as one of the demo's roles. */
export async function signInAsDemo(role: DemoRole): Promise<void> {
  const again = () => demoGrant(role.id);
  await enter({ title: role.title, again }, await again());
  sessionStorage.setItem(rememberedRole, role.id);
}

/** Signs in as the demo's role that this tab had before it was reloaded, if it had one. */
export async function resume(gateway: Gateway): Promise<void> {
  const id = sessionStorage.getItem(rememberedRole);
  const role = gateway.demo.find((r) => r.id === id);
  if (role) await signInAsDemo(role);
}

/** Forgets the token, and all that this tab has kept. `why` is shown at the sign-in. */
export function signOut(why: string | null = null): void {
  clearTimeout(timer);
  sessionStorage.clear();
  for (const tell of leavings) tell();
  session = token = source = null;
  goodbye = why;
  changed();
}

/** The gateway refused the token. Gets another where that can be done, and tells whether it did; otherwise signs out. */
export async function refused(): Promise<boolean> {
  if (source?.again) return renew();
  if (session) signOut("Your token has ended or was refused. Sign in again to go on.");
  return false;
}

/** Gets the next token, and tells whether there is one. Several who ask at once get the same. */
export function renew(): Promise<boolean> {
  renewing ??= fetchNext().finally(() => (renewing = null));
  return renewing;
}

async function fetchNext(): Promise<boolean> {
  const from = source;
  if (!from?.again) return false;
  try {
    const grant = await from.again();
    const viewer = await askViewer(grant.token);
    if (source !== from) return false;
    settle(from, grant, viewer);
    for (const tell of renewals) tell();
    return true;
  } catch (err) {
    if (source !== from) return false;
    if (err instanceof SignInError) signOut(`Signed out: ${err.message}`);
    else timer = setTimeout(() => void renew(), renewRetry);
    return false;
  }
}

async function enter(from: Source, grant: Grant): Promise<void> {
  const viewer = await askViewer(grant.token);
  goodbye = null;
  sessionStorage.removeItem(rememberedRole);
  source = from;
  settle(from, grant, viewer);
}

function settle(from: Source, grant: Grant, viewer: Viewer): void {
  token = grant.token;
  const ends = grant.expiresIn === null ? viewer.expiresAt && Date.parse(viewer.expiresAt) : Date.now() + grant.expiresIn * 1000;
  session = { viewer, title: from.title || viewer.subject, expiresAt: ends || null, renews: from.again !== undefined };
  schedule(session.expiresAt);
  changed();
}

/** Sets the clock that renews a token, or at its end says goodbye to one that was pasted. */
function schedule(ends: number | null): void {
  clearTimeout(timer);
  if (ends === null) return;
  const left = ends - Date.now();
  const wait = source?.again ? left - Math.min(renewBefore, left / 5) : left;
  timer = setTimeout(() => {
    if (wait > longestTimer) schedule(ends);
    else if (source?.again) void renew();
    else signOut("Your token has ended. Sign in again to go on.");
  }, Math.min(Math.max(wait, 1000), longestTimer));
}

async function clientGrant(id: string, secret: string): Promise<Grant> {
  const body = new URLSearchParams({ grant_type: "client_credentials", client_id: id, client_secret: secret });
  // Without credentials: the refusal's Basic challenge would have the browser ask for a password of its own.
  const res = await fetch("/oauth/token", { method: "POST", body, headers: { Accept: "application/json" }, credentials: "omit" });
  return readGrant(res, "The client's id or secret is wrong.");
}

async function demoGrant(id: string): Promise<Grant> {
  const res = await fetch("/dashboard/token", {
    method: "POST",
    body: JSON.stringify({ id }),
    headers: { Accept: "application/json", "Content-Type": "application/json" },
  });
  return readGrant(res, "This gateway has no such demo role.");
}

async function readGrant(res: Response, refusal: string): Promise<Grant> {
  if (res.status >= 400 && res.status < 500 && res.status !== 429) throw new SignInError(refusal);
  if (!res.ok) throw new Error(`the gateway answered ${res.status}`);
  const answer = (await res.json()) as { access_token: string; expires_in?: number };
  return { token: answer.access_token, expiresIn: answer.expires_in ?? null };
}

async function askViewer(bearer: string): Promise<Viewer> {
  const res = await fetch("/graphql", {
    method: "POST",
    body: JSON.stringify({ query: stringifyDocument(ViewerDocument) }),
    headers: { Accept: "application/graphql-response+json", "Content-Type": "application/json", Authorization: `Bearer ${bearer}` },
  });
  if (res.status === 401) throw new SignInError("The gateway refused this token.");
  if (!res.ok) throw new Error(`the gateway answered ${res.status}`);
  const { data } = (await res.json()) as { data: ViewerQuery };
  return data.viewer;
}
