import { Suspense, useEffect, useRef } from "react";
import { Link, Redirect, Route, Router, Switch, useLocation } from "wouter";
import { signOut, type Gateway, type Session } from "./api/session";
import { useHashPath } from "./hash";
import { OpenCount } from "./pages/conflicts/OpenCount";
import { routesFor } from "./routes";
import { Button } from "./ui/Button";
import { Boundary } from "./ui/Boundary";
import { Loading, Page } from "./ui/Page";
import { words } from "./format";

/** What stands around every page: the name, the pages that there are for this viewer, and who that is. */
export function Shell({ gateway, session }: { gateway: Gateway; session: Session }) {
  return (
    <Router hook={useHashPath}>
      <a
        className="skip"
        href="#main"
        onClick={(e) => {
          e.preventDefault();
          document.getElementById("main")?.focus();
        }}
      >
        Skip to the page
      </a>
      <div className="shell">
        <TopBar gateway={gateway} session={session} />
        <Pages session={session} />
      </div>
    </Router>
  );
}

function TopBar({ gateway, session }: { gateway: Gateway; session: Session }) {
  const [location] = useLocation();
  const nav = useRef<HTMLElement>(null);
  useEffect(() => {
    nav.current?.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  }, [location]);
  return (
    <header className="top">
      <span className="brand">Redline</span>
      <nav ref={nav} aria-label="Pages" className="nav scroll-hint">
        {routesFor(session.viewer).map(({ path, title }) => (
          <Link key={path} href={path} className="nav-link" aria-current={location.startsWith(path) ? "page" : undefined}>
            {title}
            {path === "/conflicts" && <OpenCount />}
          </Link>
        ))}
        {gateway.explorer && (
          <a className="nav-link" href="/explorer">
            API
          </a>
        )}
      </nav>
      <div className="who">
        <span className="who-name" title={`${words(session.viewer.role)}: ${session.viewer.subject}`}>
          {session.title}
        </span>
        <Button look="quiet" onClick={() => signOut()}>
          Sign out
        </Button>
      </div>
    </header>
  );
}

/** Where an inbox has its list beside what is opened. */
const beside = matchMedia("(min-width: 60.0625rem)");

/**
 * Begins each page at its top, but for what is opened beside the list that it is in. The focus goes to the page where what had it is gone, as the
 * card that led there.
 */
function useArrival(location: string, section: string): void {
  const last = useRef<{ location: string; section: string } | null>(null);
  useEffect(() => {
    const from = last.current;
    last.current = { location, section };
    if (!(section === "conflicts" && from?.section === section && beside.matches)) window.scrollTo(0, 0);
    if (from && from.location !== location && document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
  }, [location, section]);
}

function Pages({ session }: { session: Session }) {
  const [location] = useLocation();
  const allowed = routesFor(session.viewer);
  const section = location.split("/")[1] ?? "";
  useArrival(location, section);
  const first = allowed[0];
  if (!first)
    return (
      <Page title="Nothing to watch">
        <p className="note">
          A token of the role {words(session.viewer.role)} with these scopes has no page here. The API itself is open to it.
        </p>
      </Page>
    );
  return (
    <Boundary key={section}>
      <Suspense fallback={<Loading what="the page" />}>
        <Switch>
          {allowed.map(({ pattern, page: Content }) => (
            <Route key={pattern} path={pattern}>
              {(params: { id?: string }) => <Content {...(params.id ? { id: params.id } : {})} />}
            </Route>
          ))}
          <Route>
            <Redirect to={first.path} replace />
          </Route>
        </Switch>
      </Suspense>
    </Boundary>
  );
}
