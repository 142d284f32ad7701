import type { Tensor } from "./tensor.js";

/**
 * The tensors on a way from `sources` to `targets`, both ends included, inputs before results. Sources are independent
 * variables: what they were made from is not looked at.
 */
export function between(sources: readonly Tensor[], targets: readonly Tensor[]): Tensor[] {
  const leads = new Map<Tensor, boolean>(sources.map((source) => [source, true]));
  const seen: Tensor[] = [...sources];
  const open: Tensor[] = [];
  for (const target of targets) {
    open.push(target);
    for (let tensor = open.at(-1); tensor; tensor = open.at(-1)) {
      const waiting = open.length;
      if (!leads.has(tensor)) for (const input of tensor.inputs) if (!leads.has(input)) open.push(input);
      if (open.length > waiting) continue;
      if (!leads.has(tensor)) {
        const leading = tensor.inputs.some((input) => leads.get(input));
        leads.set(tensor, leading);
        if (leading) seen.push(tensor);
      }
      open.pop();
    }
  }
  return seen.sort((a, b) => a.id - b.id);
}
