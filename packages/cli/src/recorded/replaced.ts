/** What says the same in another way: an option that is typed takes the place of these in a file of settings. */
const REPLACED: Readonly<Record<string, readonly string[]>> = {
  epsilon: ["radius", "divergence"],
  radius: ["epsilon"],
  l1: ["l1-ratio"],
  l2: ["C", "alpha", "l1-ratio"],
  C: ["l2", "alpha"],
  alpha: ["l2", "C"],
  "l1-ratio": ["l1", "l2"],
  norm: ["divergence"],
  wasserstein: ["divergence"],
  divergence: ["norm", "wasserstein", "epsilon", "freeze", "budget", "bounds"],
  freeze: ["budget", "divergence"],
  budget: ["freeze", "divergence"],
  bounds: ["divergence"],
  scaler: ["input-scale"],
  "input-scale": ["scaler"],
  import: ["model"],
  model: ["import", "columns", "classes", "scaler", "input-scale", "no-polish", "force"],
};

/** Groups of options that only some models know. */
const OF_MODELS: Readonly<Record<string, RegExp>> = {
  "Networks and imports:": /^(?:softmax|mlp)\b/,
  "Kernel regressions:": /^kernel\b/,
};

/** Whether typed options (by name, with the models that they name) leave no room for one of a file of settings. */
export function isReplaced(
  { name, group }: { readonly name: string; readonly group: string },
  typed: ReadonlySet<string>,
  models: readonly string[],
): boolean {
  if ([...typed].some((option) => Object.hasOwn(REPLACED, option) && REPLACED[option].includes(name))) return true;
  return models.length > 0 && Object.hasOwn(OF_MODELS, group) && !models.some((model) => OF_MODELS[group].test(model));
}
