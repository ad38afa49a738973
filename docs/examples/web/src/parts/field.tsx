import { type InputHTMLAttributes, useId } from "react";

interface Props extends InputHTMLAttributes<HTMLInputElement> {
  label: string;
  hint?: string;
  failure?: string;
}

/** A labelled input that says what is wrong with it, to screen readers too. */
export function Field({ label, hint, failure, ...input }: Props) {
  const id = useId();
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      <input id={id} aria-invalid={failure ? true : undefined} aria-describedby={hint || failure ? `${id}-told` : undefined} {...input} />
      {hint || failure ? <small id={`${id}-told`} className={failure ? "failure" : "quiet"}>{failure || hint}</small> : null}
    </div>
  );
}
