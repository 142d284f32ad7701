import { cloneElement, type VNode } from "preact";
import { useId } from "preact/hooks";

/** A label, and the control that it names. */
export function Field({ label, children }: { readonly label: string; readonly children: VNode<{ id?: string }> }) {
  const id = useId();
  return (
    <div class="field">
      <label for={id}>{label}</label>
      {cloneElement(children, { id })}
    </div>
  );
}
