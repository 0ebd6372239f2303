import { Page } from "../../ui/Page";

/** All of them, or with an id one. */
export default function OrdersPage({ id }: { id?: string }) {
  return <Page title="Orders">{id ?? null}</Page>;
}
