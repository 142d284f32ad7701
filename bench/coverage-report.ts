/** docs/coverage.md, from what the coverage study found. */
import { causesOf, type Quantity } from "./coverage-causes.js";
import type { Section } from "./coverage-cells.js";
import type { CellResult } from "./coverage-run.js";
import { conclude, type Finding } from "./coverage-tally.js";
import { table } from "./markdown.js";

/** Coverage of a nominal 95 % interval that passes. */
const LOWEST = 0.925;
const HIGHEST = 0.97;

interface Row extends CellResult {
  readonly finding: Finding;
}

const percent = (share: number): string => (100 * share).toFixed(1);
const digits = (value: number): string => (value === 0 ? "0" : Number(value.toPrecision(2)).toString());
const range = (values: readonly number[], show: (value: number) => string): string => {
  const [low, high] = [show(Math.min(...values)), show(Math.max(...values))];
  return low === high ? low : `${low} – ${high}`;
};

const markOf = (coverages: readonly number[]): string => {
  if (coverages.some(Number.isNaN)) return "no interval";
  return Math.min(...coverages) < LOWEST ? "MISSED" : Math.max(...coverages) > HIGHEST ? "conservative" : "ok";
};

/** Coordinates that are all alike are judged by their mean (over all coordinates), the others one by one. */
const judged = ({ cell: { alikeFrom }, finding: { coverage, meanCoverage } }: Row): readonly number[] =>
  alikeFrom === null ? coverage : [...coverage.slice(0, alikeFrom), meanCoverage];
const influenceMark = (row: Row): string => markOf(judged(row));
const sensitivityMark = ({ finding: { sensitivity } }: Row): string =>
  sensitivity ? markOf([sensitivity.coverage]) : "";
const missedOf = (row: Row): Quantity[] => [
  ...(influenceMark(row) === "MISSED" ? (["Î"] as const) : []),
  ...(sensitivityMark(row) === "MISSED" ? (["S"] as const) : []),
];
const missed = (row: Row): boolean => missedOf(row).length > 0;

interface Column {
  readonly title: string;
  readonly text: (row: Row) => string;
}

const NAME: Column = { title: "cell", text: ({ cell }) => cell.name };
const SIZE: readonly Column[] = [
  NAME,
  { title: "n", text: ({ cell }) => String(cell.rows) },
  { title: "d", text: ({ cell }) => String(cell.parameters) },
];
const REPETITIONS: Column = { title: "repetitions", text: ({ finding }) => String(finding.repetitions) };
const SCALE: Column = { title: "se / sd", text: ({ finding }) => range(finding.scale, (value) => value.toFixed(2)) };
const BIAS: Column = {
  title: "bias / sd",
  text: ({ finding }) => Math.max(...finding.bias.map(Math.abs)).toFixed(2),
};
const COVERAGE: Column = {
  title: "Î covered, %",
  text: (row) =>
    row.cell.alikeFrom !== null
      ? `${percent(row.finding.meanCoverage)} (${range(row.finding.coverage, percent)})`
      : range(row.finding.coverage, percent),
};
const ERROR: Column = {
  title: "±",
  text: ({ cell, finding }) => percent(cell.alikeFrom === null ? finding.error : finding.meanError),
};
const MARK: Column = { title: "Î", text: influenceMark };
const SENSITIVITY: readonly Column[] = [
  { title: "S covered, %", text: ({ finding }) => (finding.sensitivity ? percent(finding.sensitivity.coverage) : "") },
  { title: "S", text: sensitivityMark },
];

const INFLUENCE: readonly Column[] = [
  COVERAGE,
  ERROR,
  MARK,
  { title: "mean width", text: ({ finding }) => digits(finding.width) },
  SCALE,
  BIAS,
  { title: "all at once, %", text: ({ finding }) => percent(finding.together) },
];

const METHODS: readonly Column[] = [
  {
    title: "median width",
    text: ({ finding }) => (finding.sensitivity ? digits(finding.sensitivity.medianWidth) : ""),
  },
  {
    title: "delta : projection, %",
    text: ({ finding: { sensitivity } }) =>
      sensitivity ? `${(100 * sensitivity.delta).toFixed(0)} : ${(100 - 100 * sensitivity.delta).toFixed(0)}` : "",
  },
];

interface Part {
  readonly title: string;
  readonly text: string;
  readonly columns: readonly Column[];
}

const GENERAL: readonly Column[] = [...SIZE, REPETITIONS, ...INFLUENCE, ...SENSITIVITY];

const PARTS: Readonly<Record<Section, Part>> = {
  designs: {
    title: "Four designs",
    text: "D1: x ~ N(0, I₃), y = x'(1, −2, .5) + ξ. D2: skewed and correlated x, skewed noise whose spread depends on x, with an intercept. D3: logistic regression with an intercept. D4: x ~ N(0, I₂), y = x'(2, −3.4) + .1ξ, where the noise of the estimate is of the size of the influence itself, so that S rests on the projection. The adversary's norm is p = 2 unless the cell says otherwise.",
    columns: GENERAL,
  },
  models: {
    title: "Ridge, other norms, counts, a quadratic model",
    text: "With a ridge the target is the influence of the penalised population problem. Poisson: x ~ N(0, I₃), mean exp(.3 + x'(.4, −.3, .2)). Quadratic: two standard normal inputs, their squares and product, d = 6.",
    columns: GENERAL,
  },
  many: {
    title: "Many parameters",
    text: "x ~ N(0, I_m), ‖β‖ = 1 in equal parts; the logistic model has an intercept of ½. Slopes are alike, so that the mean over all parameters is what counts, and the intercept; the lowest and the highest in brackets.",
    columns: GENERAL,
  },
  sampling: {
    title: "Weights and clusters",
    text: "Sampling weights: D1, rows kept with the chance .2 + .8·exp(−y²/4) and weighted by its inverse; the target is the whole population. Counts: a logistic model on a 4 × 4 grid, 1000 draws that fall on 32 different rows. Clusters: D1 with half of the variance of x and of the noise common to 10 rows, 100 clusters. The cells that leave out the weights, take counts for sampling weights (intervals far too long: 32 rows seem to be all there is) or ignore the clusters are there to show what that costs.",
    columns: GENERAL,
  },
  sweep: {
    title: "S from strong to weak signals",
    text: 'The composite rule: the estimate without its bias ± 1.96 standard errors (delta) where a Wald test finds Î clearly different from 0, else all values of S within Î\'s confidence ellipsoid (projection), which is conservative. The truth is S = c²σ²/π; ‖β‖²/σ² goes from 1556 down to .05. "Median width" is that of the interval for S.',
    columns: [
      ...SIZE,
      REPETITIONS,
      { title: "truth", text: ({ truth }) => (truth ? digits(truth.sensitivity) : "") },
      ...SENSITIVITY,
      ...METHODS,
      COVERAGE,
      ERROR,
      MARK,
    ],
  },
  "held-out": {
    title: "The held-out change of the loss",
    text: "Ten-fold cross-fitting, p = 2, ‖β‖ = 1 in equal parts and an intercept of ½; loss r² and unit noise, or the logistic loss. The interval is that of the paired differences over the held-out rows given the fits; the target is the population change of the same ten fits, exact by a quadratic form or by an integral over the two scores.",
    columns: [
      ...SIZE,
      REPETITIONS,
      { title: "covered, %", text: ({ finding }) => percent(finding.meanCoverage) },
      ERROR,
      { title: "mark", text: influenceMark },
      { title: "mean width", text: ({ finding }) => digits(finding.width) },
      SCALE,
      BIAS,
    ],
  },
  corners: {
    title: "Where no interval of this kind can hold",
    text: "The penalty of the adversary has a corner at the population's own parameters. The target is the one-sided influence there (the least-norm one).",
    columns: GENERAL,
  },
};

const CAUSE: Column = {
  title: "cause",
  text: (row) => causesOf(row.cell.section, row.cell.name, missedOf(row)),
};
const NONE: Column = {
  title: "no interval, %",
  text: ({ finding }) => percent(finding.none / finding.repetitions),
};

function sectionText(part: Part, rows: readonly Row[]): string {
  const columns = [
    ...part.columns,
    ...(rows.some(({ finding }) => finding.none > 0) ? [NONE] : []),
    ...(rows.some(missed) ? [CAUSE] : []),
  ];
  const body = table(
    columns.map(({ title }) => title),
    rows.map((row) => columns.map(({ text }) => text(row))),
  );
  return `## ${part.title}\n\n${part.text}\n\n${body}`;
}

/** The largest Monte Carlo standard error of a truth, as a share of the interval's mean width. */
function truthError(rows: readonly Row[]): number {
  return Math.max(
    0,
    ...rows.flatMap(({ truth, tally, finding }) =>
      truth
        ? truth.influenceError.map((error, j) => (error / tally.widths[j]) * (finding.repetitions - finding.none))
        : [],
    ),
  );
}

export function report(results: readonly CellResult[], repetitions: number, machine: readonly string[]): string {
  const rows = results.map((result) => ({ ...result, finding: conclude(result.tally) }));
  const sections = (Object.keys(PARTS) as Section[]).flatMap((section) => {
    const own = rows.filter(({ cell }) => cell.section === section);
    return own.length === 0 ? [] : [sectionText(PARTS[section], own)];
  });
  const outside = rows.filter(({ cell }) => !SHOWN_TO_MISS.test(`${cell.section}: ${cell.name}`));
  const misses = outside.filter(missed);
  return `# Do the intervals hold the truth?

Written by \`npx tsx bench/coverage.ts --write\`: ${repetitions} seeded repetitions a cell (fewer where the table says so). Each repetition draws a data set from a population that is known, asks for the 95 % intervals that the command \`aif\` prints, and looks whether the population's values lie within. About 95 of 100 should; a cell is **ok** from ${percent(LOWEST)} to ${percent(HIGHEST)} %, **conservative** above, **MISSED** below. ${summary(outside.length, misses)}

![Coverage of the intervals of the influence in every design, beside the 95 % that they promise](pictures/coverage.svg)

${machine.join("\n")}

How to read the tables. "Î covered": the share of repetitions in which the interval of one parameter's influence holds the population's, lowest and highest of the parameters; "±" is the Monte Carlo standard error of one such share. "Mean width" is over parameters and repetitions, in the units of the influence. "se / sd" is the mean standard error over the standard deviation that the intervals' centres really have, by parameter: below 1 the intervals are too short, above 1 too long. "Bias / sd" is the largest distance of the mean centre from the truth in such standard deviations: a bias of .3 costs about one and a half percent of coverage. "All at once": the share of repetitions in which the simultaneous intervals hold all parameters. S = ½I'HI is the curvature of the loss along the influence, per ε².

The truth is in closed form, by an integral, or a Monte Carlo mean over 3·10⁶ rows in plain code that shares nothing with the library (\`bench/coverage-population.ts\`); its own standard error is at most ${percent(truthError(rows))} % of the mean width of an interval. Loss r²/2 for the linear and quadratic models.

To run it: \`npx tsx bench/coverage.ts\` shows the tables, \`--cell many\` (or any part of a section or cell name) keeps some of the cells, \`--repetitions 200\` is quick, \`--processes 2\` is how many processes share the work, and \`--write\` writes this page (\`npx tsx tools/write-pictures.ts\` its picture). What is done is kept in the temporary folder until the library's source changes, so that an interrupted run goes on.

${sections.join("\n\n")}
`;
}

/** Cells that are there to show a mistake, or a limit of the method. */
const SHOWN_TO_MISS = /^corners|left out|ignored|taken for/;

function summary(cells: number, misses: readonly Row[]): string {
  const but = "but for the cells that are there to show a mistake or a limit of the method";
  if (misses.length === 0) return `Of ${cells} cells none missed, ${but}.`;
  return `Of ${cells} cells ${misses.length} missed (${misses.map(({ cell }) => cell.name).join("; ")}), ${but}.`;
}
