/** Errors that would break a law of the method, each with the test files that must notice. */
export interface NamedMutation {
  readonly name: string;
  /** What would no longer hold. */
  readonly law: string;
  readonly file: string;
  /** Stands exactly once in the file. */
  readonly text: string;
  readonly replacement: string;
  readonly tests: readonly string[];
}

const core = (path: string): string => `packages/core/src/${path}`;
const tests = (...names: string[]): string[] => names.map((name) => `packages/core/test/${name}.test.ts`);
const golden = tests("influence/golden");

export const NAMED: readonly NamedMutation[] = [
  {
    name: "Hessian deleted",
    law: "I = −H⁻¹Φ",
    file: core("influence/aif.ts"),
    text: "const I = inverse.solve(Phi).map((value) => -value);",
    replacement: "const I = Phi.map((value) => -value);",
    tests: golden,
  },
  {
    name: "minus dropped",
    law: "I = −H⁻¹Φ",
    file: core("influence/aif.ts"),
    text: "inverse.solve(Phi).map((value) => -value)",
    replacement: "inverse.solve(Phi)",
    tests: golden,
  },
  {
    name: "sign of the slope dropped",
    law: "an attack raises the loss: it moves against the residual's sign",
    file: core("influence/aif.ts"),
    text: "onJacobian[i] = moved[i] * slope[i] * sign[i];",
    replacement: "onJacobian[i] = moved[i] * slope[i];",
    tests: golden,
  },
  {
    name: "p and q swapped in the gain",
    law: "the gain of an l_p attack is the dual norm ‖g‖_q",
    file: core("threats/norms.ts"),
    text: "const q = dualExponent(p);",
    replacement: "const q = p;",
    tests: tests("threats/pointwise"),
  },
  {
    name: "p and q swapped in the size of a row",
    law: "c = Σ w ‖x‖_p",
    file: core("threats/pointwise.ts"),
    text: "this.inBudgets(x), this.settings.p, out)",
    replacement: "this.inBudgets(x), this.settings.p === 1 ? Infinity : 1 / (1 - 1 / this.settings.p), out)",
    tests: golden,
  },
  {
    name: "c forgotten",
    law: "Φ = c Σ w Gφ",
    file: core("influence/aif.ts"),
    text: "const smooth = collected.along.map((value) => scale * value);",
    replacement: "const smooth = collected.along.slice();",
    tests: golden,
  },
  {
    name: "½ forgotten in the curvature",
    law: "the natural loss moves by ½ε²I'HI",
    file: core("influence/moving-rows.ts"),
    text: "curvature += 0.5 * w[i] *",
    replacement: "curvature += w[i] *",
    tests: tests("influence/cross-fit"),
  },
  {
    name: "½ forgotten in the debiased sensitivity",
    law: "Ŝ − ½tr(HV̂)",
    file: core("influence/sandwich.ts"),
    text: "- estimationLoss(fit, plain),",
    replacement: "- 2 * estimationLoss(fit, plain),",
    tests: tests("influence/sandwich"),
  },
  {
    name: "one batch halved in Φ",
    law: "how rows are cut into blocks does not matter",
    file: core("influence/aif.ts"),
    text: "pull.onFeatures.subarray(block.firstRow, block.firstRow + block.y.length)",
    replacement:
      "pull.onFeatures.slice(block.firstRow, block.firstRow + block.y.length).map((value) => (block.firstRow > 0 ? 0.5 : 1) * value)",
    tests: tests("influence/laws"),
  },
  {
    name: "one batch halved in H",
    law: "how rows are cut into blocks does not matter",
    file: core("solvers/risk-operator.ts"),
    text: "else add(images, multiply(block, vectors).transposed(), 1);",
    replacement: "else add(images, multiply(block, vectors).transposed(), block.firstRow > 0 ? 0.5 : 1);",
    tests: tests("solvers/risk-operator"),
  },
  {
    name: "ridge left out of H",
    law: "H is the Hessian of the penalised objective",
    file: core("solvers/newton.ts"),
    text: "if (!knownHessian) hessian.data[j * d + j] += ridge[j];",
    replacement: "",
    tests: golden,
  },
  {
    name: "intercept penalised",
    law: "the ridge leaves the intercept alone",
    file: core("solvers/fit.ts"),
    text: "if (model.map.intercept) ridge[0] = 0;",
    replacement: "",
    tests: golden,
  },
  {
    name: "intercept attacked",
    law: "no adversary moves the intercept",
    file: core("models/linear-map.ts"),
    text: "addWeightedDirections(directions, omega, out.subarray(this.first));",
    replacement: "addWeightedDirections(directions, omega, out);",
    tests: golden,
  },
  {
    name: "weights dropped",
    law: "a weight of 3 is three rows",
    file: core("influence/aif.ts"),
    text: "const moved = shares ? w.map((weight, i) => weight * shares.omega[firstRow + i]) : w;",
    replacement:
      "const moved = shares ? w.map((weight, i) => weight * shares.omega[firstRow + i]) : w.map(() => 1 / data.rows);",
    tests: tests("influence/laws"),
  },
  {
    name: "folds swapped",
    law: "a row is judged by the fit that has not seen it",
    file: core("influence/cross-fit.ts"),
    text: "takeOwn(scores, foldOf, firstRow, a * folds, values)",
    replacement: "takeOwn(scores, foldOf.map((k) => (k + 1) % folds), firstRow, a * folds, values)",
    tests: tests("influence/cross-fit"),
  },
  {
    name: "density term dropped",
    law: "residuals near 0 count in V̂: their mean size is smooth where each is not",
    file: core("influence/influence-jacobian.ts"),
    text: "2 * density(own[i]) * second * second;",
    replacement: "0;",
    tests: tests("influence/sandwich", "influence/influence-jacobian"),
  },
  {
    name: "Wasserstein ω dropped",
    law: "rows that share a budget move by ω_i",
    file: core("influence/aif.ts"),
    text: "shares ? w.map((weight, i) => weight * shares.omega[firstRow + i]) : w",
    replacement: "w",
    tests: tests("influence/wasserstein"),
  },
  {
    name: "sgn(0) taken for a derivative",
    law: "at a residual of 0 the derivative is the least-norm subgradient",
    file: core("influence/aif.ts"),
    text: "zeroResiduals: shares ? [] : zeroResiduals, tiedRows",
    replacement: "zeroResiduals: [], tiedRows",
    tests: tests("influence/kinks"),
  },
  {
    name: "sgn(0) = 1 in the direction",
    law: "coordinates without gradient stay where they are",
    file: core("threats/norms.ts"),
    text: "out[k] = Math.sign(g[k]);",
    replacement: "out[k] = g[k] < 0 ? -1 : 1;",
    tests: tests("threats/pointwise"),
  },
  {
    name: "row order of a block turned",
    law: "the shift of a row is that row's own",
    file: core("influence/aif.ts"),
    text: "shifts.set(scores.data, block.firstRow)",
    replacement: "shifts.set(scores.data.toReversed(), block.firstRow)",
    tests: tests("influence/laws", "influence/sandwich"),
  },
  {
    name: "the box ignored",
    law: "nothing moves out of its bounds",
    file: core("threats/pointwise.ts"),
    text: "data[at] = outwards ? 0 : along;",
    replacement: "data[at] = along;",
    tests: tests("threats/pointwise"),
  },
  {
    name: "a budget counted once",
    law: "φ = b ⊙ φ_p(b ⊙ g)",
    file: core("threats/pointwise.ts"),
    text: "scaleColumns(out, budgets, out.data);",
    replacement: "",
    tests: tests("threats/pointwise"),
  },
];
