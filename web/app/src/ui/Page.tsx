import { useEffect, type ReactNode } from "react";
import type { Fault } from "../api/errors";
import { Button } from "./Button";

interface Props {
  title: string;
  /** What stands beside the title: how live the page is, its actions. */
  aside?: ReactNode;
  children: ReactNode;
  /** The page takes the height of the window, and scrolls inside. */
  fill?: boolean;
}

export function Page({ title, aside, children, fill = false }: Props) {
  useEffect(() => {
    document.title = `${title} · Redline`;
  }, [title]);
  return (
    <main id="main" className={fill ? "page page-fill" : "page"} tabIndex={-1}>
      <header className="page-head">
        <h1>{title}</h1>
        {aside && <div className="page-aside">{aside}</div>}
      </header>
      {children}
    </main>
  );
}

/** Something is being loaded. */
export function Loading({ what }: { what: string }) {
  return (
    <p className="note" role="status">
      Loading {what}…
    </p>
  );
}

/** There is nothing to show. */
export function Empty({ children }: { children: ReactNode }) {
  return <p className="note">{children}</p>;
}

/** Something failed, and may be tried again. */
export function FaultNote({ fault, doing, onRetry }: { fault: Fault; doing: string; onRetry?: () => void }) {
  return (
    <div className="note note-bad" role="alert">
      <p>
        {doing}: {fault.message}
      </p>
      {fault.requestId && <small>Request {fault.requestId}</small>}
      {onRetry && <Button onClick={onRetry}>Try again</Button>}
    </div>
  );
}
