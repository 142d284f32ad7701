/**
 * npx tsx bench/held-out.ts [--write]: is the cross-fitted change of the loss right? --write puts the table into
 * docs/held-out.md.
 */
import { writeFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { describeBackend } from "@aif/core";
import { type Design, type HeldOutFinding, studyHeldOut } from "./held-out-study.js";
import { machineLines } from "./machine.js";
import { table } from "./markdown.js";

const DRAWS = 200;

/** Two sizes of the attack a design, one where robust training helps and a larger one, both mostly within the trust radius. */
const DESIGNS: readonly Design[] = [
  { name: "linear", model: "linear", rows: 2000, features: 19, epsilon: 0.003 },
  { name: "linear", model: "linear", rows: 2000, features: 19, epsilon: 0.02 },
  { name: "linear", model: "linear", rows: 200, features: 19, epsilon: 0.003 },
  { name: "linear", model: "linear", rows: 200, features: 19, epsilon: 0.006 },
  { name: "logistic", model: "logistic", rows: 2000, features: 19, epsilon: 0.003 },
  { name: "logistic", model: "logistic", rows: 2000, features: 19, epsilon: 0.03 },
  { name: "logistic", model: "logistic", rows: 200, features: 19, epsilon: 0.003 },
  { name: "logistic", model: "logistic", rows: 200, features: 19, epsilon: 0.01 },
];

const { values } = parseArgs({ options: { write: { type: "boolean", default: false } } });
const findings: HeldOutFinding[] = [];
for (const design of DESIGNS) {
  process.stderr.write(`${design.name}, n = ${design.rows}, ε = ${design.epsilon} …\n`);
  findings.push(await studyHeldOut(design, DRAWS));
}

const small = (value: number): string => value.toExponential(1).replace("e", "·10^").replace("+", "");
const withError = ({ mean, standardError }: HeldOutFinding["population"]): string =>
  `${small(mean)} ± ${small(standardError)}`;
const percent = (share: number): string => `${(100 * share).toFixed(0)} %`;
const sameSign = ({ crossFitted, population }: HeldOutFinding): boolean => crossFitted.mean > 0 === population.mean > 0;

const rows = findings.map((finding) => {
  const { design, trustRadius, trusted, crossFitted, population, foldPopulation, inSample } = finding;
  return [
    design.name,
    String(design.rows),
    String(design.features + 1),
    String(design.epsilon),
    `${trustRadius.toPrecision(2)} (${percent(trusted)})`,
    withError(crossFitted),
    withError(population),
    sameSign(finding) ? "yes" : "no",
    percent(finding.rightSign),
    finding.distance.toFixed(1),
    withError(foldPopulation),
    finding.foldDistance.toFixed(1),
    finding.ownDistance.toFixed(1),
    small(inSample),
  ];
});
const head = [
  "model",
  "n",
  "d",
  "ε",
  "trust radius (ε within)",
  "cross-fitted",
  "population",
  "same sign of means",
  "right sign, by draw",
  "difference, SE",
  "population, folds' fits",
  "difference, SE",
  "mean difference in own SE",
  "in-sample ½ε²I'HI",
];

const text = `# Is the held-out change of the loss right?

Written by \`npx tsx bench/held-out.ts --write\` from ${DRAWS} seeded draws a row. Every draw fits the model, takes the adversarial influence function at p = 2 and predicts by ten-fold cross-fitting how the natural loss changes from θ̂ to θ̂+εI. The population change of the same draw, L(θ̂+εI) − L(θ̂), is known exactly: x ~ N(0, I), ‖β‖ = 1, intercept ½, and unit noise (linear, loss r²: a quadratic form) or classes by the logistic model (an integral over the two scores, by the trapezoidal rule). It is the change that the prediction θ̂+εI itself brings, not that of the exact robust optimum, which differs by at most a tenth of the step within the trust radius.

${machineLines("npx tsx bench/held-out.ts --write", [`linear algebra: ${describeBackend().description}`]).join("\n")}

${table(head, rows)}

How to read it. Means are over draws, ± their standard error. "Difference, SE" is mean cross-fitted minus mean population change in standard errors of the paired difference; the first compares with the change for a fit on all n rows, the second with the change for the folds' own fits on nine tenths of the rows, which is what cross-fitting estimates without bias. Where d/n is small the two are the same; at d/n = 0.1 a fit on nine tenths of the rows overfits more, d/(0.9n − d) against d/(n − d) for the linear model, an eighth more here, and so gains more from robust training: that is the larger part of the first difference there. "Mean difference in own SE" divides each draw's difference by the standard error that its rows give. "Right sign, by draw" counts draws in which the sign agrees with that draw's own population change: where the mean change is small against its scatter over draws no method can do better than chance. The last column is what the training rows would have said: never negative.

${conclusion()}
`;
process.stdout.write(text);
if (values.write) writeFileSync(new URL("../docs/held-out.md", import.meta.url), text);

/** What holds and what does not, from the numbers themselves. */
function conclusion(): string {
  const label = ({ design }: HeldOutFinding): string => `${design.name}, n = ${design.rows}, ε = ${design.epsilon}`;
  const missed = (fails: (finding: HeldOutFinding) => boolean): string => findings.filter(fails).map(label).join("; ");
  const line = (claim: string, fails: string): string =>
    `* ${claim}: ${fails === "" ? "in every row" : `not in ${fails}`}.`;
  return [
    line(
      "The mean cross-fitted change has the sign of the mean population change",
      missed((finding) => !sameSign(finding)),
    ),
    line(
      "It is within two standard errors of the population change of a fit on all rows (at d/n = 0.1 a miss, for the reason above)",
      missed(({ distance }) => Math.abs(distance) > 2),
    ),
    line(
      "It is within two standard errors of the population change of the folds' fits",
      missed(({ foldDistance }) => Math.abs(foldDistance) > 2),
    ),
    line(
      "A draw's difference averages less than two of its own standard errors",
      missed(({ ownDistance }) => Math.abs(ownDistance) > 2),
    ),
  ].join("\n");
}
