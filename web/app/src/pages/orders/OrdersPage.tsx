import { BoardPage } from "./BoardPage";
import { OrderPage } from "./OrderPage";
import "./orders.css";

/** All of them, or with an id one. */
export default function OrdersPage({ id }: { id?: string }) {
  return id ? <OrderPage key={id} id={id} /> : <BoardPage />;
}
