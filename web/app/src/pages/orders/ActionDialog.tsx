import { useState } from "react";
import { Confirm, placed } from "../../ui/Confirm";
import { TextArea } from "../../ui/Field";
import { deedOf, type Deed } from "./deeds";
import { AcceptForm, ReceiveForm, ReturnForm, SendForm, ShipForm } from "./forms";
import { useAction, type ActionProps, type ActionState } from "./useAction";

/** Asks for what an action needs, says what it will do, and does it once. */
export function ActionDialog(props: ActionProps) {
  switch (props.action.act) {
    case "accept":
      return <AcceptForm {...props} />;
    case "ship":
      return <ShipForm {...props} />;
    case "mark-shipped":
      return <SendForm {...props} />;
    case "return":
      return <ReturnForm {...props} />;
    case "receive":
      return <ReceiveForm {...props} />;
    default:
      return <DeedForm {...props} />;
  }
}

function DeedForm(props: ActionProps) {
  const state = useAction(props);
  const deed = deedOf(props.action, state.order);
  return deed && <DeedDialog deed={deed} state={state} onClose={props.onClose} />;
}

function DeedDialog({ deed, state, onClose }: { deed: Deed; state: ActionState; onClose: () => void }) {
  const [reason, setReason] = useState("");
  const asks = deed.reason;
  const { at, rest } = placed(state, asks ? { [asks.field]: "reason" } : {});
  return (
    <Confirm
      state={state}
      title={deed.title}
      says={deed.says}
      verb={deed.verb}
      danger={deed.danger ?? false}
      rest={rest}
      onClose={onClose}
      onSubmit={() => void state.submit((key) => deed.call(key, reason.trim()), deed.done)}
    >
      {asks && (
        <TextArea
          label={asks.label}
          rows={2}
          required={asks.required}
          maxLength={1000}
          value={reason}
          error={at.reason}
          onChange={(e) => setReason(e.target.value)}
        />
      )}
    </Confirm>
  );
}
