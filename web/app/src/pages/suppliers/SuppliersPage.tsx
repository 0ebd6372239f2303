import { Page } from "../../ui/Page";

/** All of them, or with an id one. */
export default function SuppliersPage({ id }: { id?: string }) {
  return <Page title="Suppliers">{id ?? null}</Page>;
}
