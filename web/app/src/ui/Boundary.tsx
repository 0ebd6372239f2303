import { Component, type ReactNode } from "react";
import { faultOfThrown, type Fault } from "../api/errors";
import { FaultNote } from "./Page";

/** Keeps a page that fails from taking the shell with it. */
export class Boundary extends Component<{ children: ReactNode }, { fault: Fault | null }> {
  override state: { fault: Fault | null } = { fault: null };

  static getDerivedStateFromError(err: unknown): { fault: Fault } {
    return { fault: faultOfThrown(err) };
  }

  override render(): ReactNode {
    if (!this.state.fault) return this.props.children;
    return (
      <main id="main" className="page" tabIndex={-1}>
        <FaultNote fault={this.state.fault} doing="Showing the page" onRetry={() => location.reload()} />
      </main>
    );
  }
}
