import { useId, useLayoutEffect, useRef, type ReactNode } from "react";
import { Button } from "./Button";

interface Props {
  title: string;
  /** Closed by Escape, its cross or whoever shows it. It is shown for as long as it is rendered. */
  onClose: () => void;
  /** Its buttons. */
  actions?: ReactNode;
  children: ReactNode;
  /** With it the content is a form, and actions may have a submit button. */
  onSubmit?: () => void;
  wide?: boolean;
}

/** A modal dialog. The browser keeps the focus within it, and gives it back when it closes. */
export function Dialog({ title, onClose, actions, children, onSubmit, wide = false }: Props) {
  const id = useId();
  const ref = useRef<HTMLDialogElement>(null);
  // As long as it is in the page: one that is taken out before it is closed gives no focus back.
  useLayoutEffect(() => {
    const dialog = ref.current;
    if (dialog && !dialog.open) dialog.showModal();
    return () => dialog?.close();
  }, []);
  const content = (
    <>
      <header className="dialog-head">
        <h2 id={id}>{title}</h2>
        <Button look="quiet" className="dialog-close" aria-label="Close" onClick={onClose}>
          <span aria-hidden="true">×</span>
        </Button>
      </header>
      <div className="dialog-body">{children}</div>
      {actions && <footer className="dialog-actions">{actions}</footer>}
    </>
  );
  return (
    <dialog
      ref={ref}
      className={wide ? "dialog dialog-wide" : "dialog"}
      aria-labelledby={id}
      onCancel={(e) => {
        e.preventDefault();
        onClose();
      }}
    >
      {onSubmit ? (
        <form
          onSubmit={(e) => {
            e.preventDefault();
            onSubmit();
          }}
        >
          {content}
        </form>
      ) : (
        content
      )}
    </dialog>
  );
}
