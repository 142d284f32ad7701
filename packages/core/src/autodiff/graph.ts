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

/** What all results of operations below these tensors take where each of them is computed. */
export function graphBytes(targets: readonly Tensor[]): number {
  const seen = new Set<Tensor>(targets);
  let bytes = 0;
  for (const tensor of seen) {
    if (tensor.operation) bytes += tensor.length * Float64Array.BYTES_PER_ELEMENT;
    for (const input of tensor.inputs) seen.add(input);
  }
  return bytes;
}
