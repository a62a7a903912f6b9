import { useId } from 'react';
import './Field.css';

/**
 * A labelled input with its hint and its errors.
 * @param {{label: string, hint?: string, errors?: string[]} & import('react').ComponentProps<'input'>} props
 */
export default function Field({ label, hint, errors, ...input }) {
  const id = useId();
  const described = [hint && `${id}-hint`, errors && `${id}-errors`].filter(Boolean).join(' ');
  return (
    <div className="fi-field">
      <label htmlFor={id}>{label}</label>
      {hint && (
        <p id={`${id}-hint`} className="quiet fi-hint">
          {hint}
        </p>
      )}
      <input
        id={id}
        className="fi-input"
        aria-describedby={described || undefined}
        aria-invalid={errors ? true : undefined}
        {...input}
      />
      {errors && (
        <p id={`${id}-errors`} className="fi-errors">
          {errors.join(' ')}
        </p>
      )}
    </div>
  );
}
