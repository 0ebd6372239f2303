import { useState } from "react";
import { useIntent, type Call } from "../../api/intent";
import { useViewer } from "../../api/session";
import { say } from "../../ui/alerts";
import { isOutdated, type Attempt } from "../../ui/Confirm";
import type { Order } from "./model";
import { stillMay, type Action } from "./rights";
import { differences } from "./story";

export interface ActionProps {
  action: Action;
  order: Order;
  reload: () => Promise<Order | null>;
  onClose: () => void;
}

export interface ActionState extends Attempt {
  /** The order as it was when the dialog opened, or when it was last told to be another. */
  order: Order;
  /** done: said once it is. */
  submit: (make: (key: string) => Call, done: string) => Promise<void>;
}

/** Sends an action. Where the order has moved on, it is read anew, and what changed is told before anything is done. */
export function useAction({ action, order, reload, onClose }: ActionProps): ActionState {
  const viewer = useViewer();
  const { busy, outcome, send } = useIntent();
  const [basis, setBasis] = useState(order);
  const [changes, setChanges] = useState<string[] | null>(null);
  const [over, setOver] = useState(false);
  const submit = async (make: (key: string) => Call, done: string) => {
    setChanges(null);
    const came = await send(make);
    if (came.done) {
      say(came.replayed ? `${done} It had been done already.` : done, "good");
      onClose();
      await reload();
      return;
    }
    if (!came.errors.some((e) => isOutdated(e))) return;
    const fresh = await reload();
    if (!fresh) return;
    setChanges(differences(basis, fresh));
    setOver(!stillMay(action, fresh, viewer));
    setBasis(fresh);
  };
  return { order: basis, busy, outcome, changes, over, submit };
}
