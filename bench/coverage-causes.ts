/** What an interval is for: the influence (or the held-out change), or S. */
export type Quantity = "Î" | "S";

const TWO_MODES = "the side on which the estimate falls is chance: two modes";

/** Why cells of the coverage study miss, by "section: name"; shown only where they do. */
const CAUSES: readonly (readonly [quantities: readonly Quantity[], pattern: RegExp, cause: string])[] = [
  [
    ["Î"],
    /^models: Poisson, p = ∞|^rows: sampling weights$|: sampling weights$/,
    "standard errors are up to 7 % short at n = 500; the lowest of several coordinates is within the error of simulation of 92.5",
  ],
  [["Î"], /^models: D3, p = 1/, "coefficients of 1 and −.7 change places as the largest in some draws: two modes"],
  [
    ["Î"],
    /^sweep: D1, σ = 10/,
    "β is five standard errors long: φ bends within them, and the bias taken off is itself noisy",
  ],
  [["Î", "S"], /^many: logistic/, "the bias is corrected to first order in d/n, which is not enough here"],
  [
    ["Î"],
    /^held-out:/,
    "each row trains nine of ten fits: the folds' errors go together, which pairs of losses do not show",
  ],
  [["Î", "S"], /left out/, "without their weights the rows are no sample of the population"],
  [["Î", "S"], /ignored/, "rows of one cluster go together; told of the clusters, the intervals hold"],
  [["Î", "S"], /^corners: two equal/, TWO_MODES],
  [["Î", "S"], /^corners: .*p = ∞/, TWO_MODES],
  [["Î", "S"], /^corners: .*p = 3/, "the direction moves with a root of the coefficient that is 0: not normal"],
];

/** The causes of what was missed, each once; "not known" where none is written down. */
export function causesOf(section: string, name: string, missed: readonly Quantity[]): string {
  const found = missed.map(
    (quantity) =>
      CAUSES.find(
        ([quantities, pattern]) => quantities.includes(quantity) && pattern.test(`${section}: ${name}`),
      )?.[2] ?? `${quantity}: not known`,
  );
  return [...new Set(found)].join("; ");
}
