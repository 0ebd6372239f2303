import { Redirect } from "wouter";
import { useViewer } from "../../api/session";
import { SupplierList } from "./SupplierList";
import { SupplierPage } from "./SupplierPage";
import "./suppliers.css";

/** All of them, or with an id one. Whoever speaks for a single supplier sees that one. */
export default function SuppliersPage({ id }: { id?: string }) {
  const { role, suppliers } = useViewer();
  const own = role === "SUPPLIER" ? suppliers[0] : undefined;
  if (id) return <SupplierPage key={id} id={id} />;
  if (own && suppliers.length === 1) return <Redirect to={`/suppliers/${own.id}`} replace />;
  return <SupplierList />;
}
