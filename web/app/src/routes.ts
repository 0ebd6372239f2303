import { lazy, type ComponentType } from "react";
import type { Viewer } from "./api/session";

/** One page of the dashboard. */
export interface AppRoute {
  /** Where it is, and what its links begin with. */
  path: string;
  /** For wouter: with the id of one of its subjects, or without. */
  pattern: string;
  title: string;
  /** Without this scope the page isn't there. */
  scope: string;
  page: ComponentType<{ id?: string }>;
}

export const routes: AppRoute[] = [
  { path: "/stock", pattern: "/stock", title: "Stock", scope: "inventory:read", page: lazy(() => import("./pages/stock/StockPage")) },
  { path: "/orders", pattern: "/orders/:id?", title: "Orders", scope: "orders:read", page: lazy(() => import("./pages/orders/OrdersPage")) },
  { path: "/conflicts", pattern: "/conflicts/:id?", title: "Conflicts", scope: "conflicts:read", page: lazy(() => import("./pages/conflicts/ConflictsPage")) },
  { path: "/suppliers", pattern: "/suppliers/:id?", title: "Suppliers", scope: "inventory:read", page: lazy(() => import("./pages/suppliers/SuppliersPage")) },
  { path: "/pulse", pattern: "/pulse", title: "Pulse", scope: "pulse:read", page: lazy(() => import("./pages/pulse/PulsePage")) },
];

/** Those that a viewer's scopes allow. */
export function routesFor(viewer: Viewer): AppRoute[] {
  return routes.filter((r) => viewer.scopes.includes(r.scope));
}
