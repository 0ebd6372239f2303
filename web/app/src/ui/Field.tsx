import { useId, type InputHTMLAttributes, type ReactNode, type SelectHTMLAttributes, type TextareaHTMLAttributes } from "react";
import { classes } from "./classes";

interface Labelled {
  label: string;
  /** Said below the field. */
  hint?: ReactNode;
  error?: ReactNode;
  /** The label is for screen readers alone. */
  hideLabel?: boolean;
}

function Frame({ id, label, hint, error, hideLabel, children }: Labelled & { id: string; children: ReactNode }) {
  return (
    <div className="field">
      <label htmlFor={id} className={classes("field-label", hideLabel && "only-heard")}>
        {label}
      </label>
      {children}
      {hint && (
        <p id={`${id}-hint`} className="field-hint">
          {hint}
        </p>
      )}
      {error && (
        <p id={`${id}-error`} className="field-error" role="alert">
          {error}
        </p>
      )}
    </div>
  );
}

const described = (id: string, { hint, error }: Labelled) =>
  [hint && `${id}-hint`, error && `${id}-error`].filter(Boolean).join(" ") || undefined;

export function TextField({ label, hint, error, hideLabel, ...rest }: Labelled & InputHTMLAttributes<HTMLInputElement>) {
  const id = useId();
  const labelled = { label, hint, error, hideLabel: hideLabel ?? false };
  return (
    <Frame id={id} {...labelled}>
      <input {...rest} id={id} className="input" aria-invalid={error ? true : undefined} aria-describedby={described(id, labelled)} />
    </Frame>
  );
}

export function TextArea({ label, hint, error, hideLabel, ...rest }: Labelled & TextareaHTMLAttributes<HTMLTextAreaElement>) {
  const id = useId();
  const labelled = { label, hint, error, hideLabel: hideLabel ?? false };
  return (
    <Frame id={id} {...labelled}>
      <textarea {...rest} id={id} className="input" aria-invalid={error ? true : undefined} aria-describedby={described(id, labelled)} />
    </Frame>
  );
}

export function SelectField({ label, hint, error, hideLabel, children, ...rest }: Labelled & SelectHTMLAttributes<HTMLSelectElement>) {
  const id = useId();
  const labelled = { label, hint, error, hideLabel: hideLabel ?? false };
  return (
    <Frame id={id} {...labelled}>
      <select {...rest} id={id} className="input" aria-invalid={error ? true : undefined} aria-describedby={described(id, labelled)}>
        {children}
      </select>
    </Frame>
  );
}

/** A filter that is on or off. */
export function Toggle({ label, checked, onChange }: { label: string; checked: boolean; onChange: (on: boolean) => void }) {
  return (
    <button type="button" className="toggle" aria-pressed={checked} onClick={() => onChange(!checked)}>
      {label}
    </button>
  );
}
