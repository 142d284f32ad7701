/** The cells of the coverage study: which populations, samples and models, and what their intervals should cover. */
import { linear, logistic, type ModelDescription, poisson, quadratic } from "../packages/core/src/index.js";
import type { Sampling } from "../packages/core/src/influence/sampling.js";
import {
  clusteredLinear,
  countRepeats,
  type Design,
  gaussianLinear,
  gaussianLogistic,
  gaussianPoisson,
  gaussianQuadratic,
  gridLogistic,
  gridRows,
  independentRows,
  type Sample,
  skewed,
  source,
  unequalChances,
} from "./coverage-designs.js";
import {
  dual,
  enumeratedPopulation,
  linearPopulation,
  logisticPopulation,
  meanLength,
  meanNorm,
  monteCarloPopulation,
  type PlainModel,
  type Population,
  ridgePopulation,
} from "./coverage-population.js";
import {
  type AifTask,
  aifRepetition,
  type HeldOutTask,
  heldOutRepetition,
  linearRisk,
  logisticRisk,
  type Outcome,
} from "./coverage-repetition.js";

export type Section = "designs" | "models" | "many" | "sampling" | "sweep" | "held-out" | "corners";

export interface Cell {
  readonly name: string;
  readonly section: Section;
  readonly rows: number;
  /** d */
  readonly parameters: number;
  /** Of the repetitions asked for. */
  readonly share: number;
  /** The coordinates from this one on are all alike, so that their mean coverage is what counts; null: each is another. */
  readonly alikeFrom: number | null;
  /** null: every repetition has its own truth. */
  readonly population: () => Population | null;
  readonly repeat: (truth: Population | null, seed: number) => Promise<Outcome | null>;
}

/** Parts of a cell that most cells share. */
type Common = Pick<Cell, "name" | "section" | "rows"> & Partial<Pick<Cell, "share" | "alikeFrom">>;

function aifCell(common: Common, parameters: number, task: AifTask, population: () => Population): Cell {
  return {
    share: 1,
    alikeFrom: null,
    ...common,
    parameters,
    population,
    repeat: (truth, seed) => aifRepetition(task, truth ?? population(), seed),
  };
}

/** Independent rows of `design`, the truth by Monte Carlo unless it is given. */
function plainCell(common: Common, design: Design, { basis, loss, l2 = 0, p }: Setup, exact?: () => Population): Cell {
  const plain: PlainModel = { basis, loss, l2, p };
  const m = design.inputs;
  const parameters = { plain: m, linear: m + 1, quadratic: 1 + m + (m * (m + 1)) / 2 }[basis];
  const task: AifTask = {
    model: describe(plain),
    p,
    l2,
    sample: (seed) => independentRows(design, source(seed), common.rows),
  };
  return aifCell(common, parameters, task, exact ?? (() => monteCarloPopulation(design, plain)));
}

type Setup = Omit<PlainModel, "l2"> & { readonly l2?: number };

function describe({ basis, loss }: PlainModel): ModelDescription {
  const intercept = basis !== "plain";
  if (basis === "quadratic") return quadratic({ loss, intercept });
  return {
    "half-squared": linear({ loss: "half-squared", intercept }),
    logistic: logistic({ intercept }),
    poisson: poisson({ intercept }),
  }[loss];
}

const D1 = [1, -2, 0.5];
const D4 = [2, -3.4];
const PLAIN = { basis: "plain", loss: "half-squared", p: 2 } as const;
const SQUARED = { basis: "linear", loss: "half-squared", p: 2 } as const;
const LOGISTIC = { basis: "linear", loss: "logistic", p: 2 } as const;

const d3 = gaussianLogistic(0.2, [1, -0.7, 0.4], [0.3, 0, 0]);
const gaussian = (beta: readonly number[], sigma: number) => () =>
  linearPopulation(meanLength(beta.length), sigma, dual(beta, 2).phi);

const designs: Cell[] = [
  plainCell({ name: "D1", section: "designs", rows: 500 }, gaussianLinear(D1, 1), PLAIN, gaussian(D1, 1)),
  plainCell({ name: "D2", section: "designs", rows: 500 }, skewed, SQUARED),
  plainCell({ name: "D2, p = ∞", section: "designs", rows: 500 }, skewed, { ...SQUARED, p: Infinity }),
  plainCell({ name: "D2, n = 4000", section: "designs", rows: 4000 }, skewed, SQUARED),
  plainCell({ name: "D3", section: "designs", rows: 500 }, d3, LOGISTIC),
  plainCell({ name: "D4", section: "designs", rows: 500 }, gaussianLinear(D4, 0.1), PLAIN, gaussian(D4, 0.1)),
];

const counts = gaussianPoisson(0.3, [0.4, -0.3, 0.2]);
const POISSON = { basis: "linear", loss: "poisson", p: 2 } as const;
const QUADRATIC = { basis: "quadratic", loss: "half-squared", p: 2 } as const;
const largestOnly = dual(D1, 1).phi;

const models: Cell[] = [
  plainCell({ name: "ridge .1, D1", section: "models", rows: 500 }, gaussianLinear(D1, 1), { ...PLAIN, l2: 0.1 }, () =>
    ridgePopulation(D1, 1, 0.1),
  ),
  plainCell({ name: "ridge .1, D2", section: "models", rows: 500 }, skewed, { ...SQUARED, l2: 0.1 }),
  plainCell({ name: "ridge .1, D3", section: "models", rows: 500 }, d3, { ...LOGISTIC, l2: 0.1 }),
  plainCell({ name: "Poisson", section: "models", rows: 500 }, counts, POISSON),
  plainCell({ name: "Poisson, p = ∞", section: "models", rows: 500 }, counts, { ...POISSON, p: Infinity }),
  plainCell({ name: "D1, p = 1", section: "models", rows: 500 }, gaussianLinear(D1, 1), { ...PLAIN, p: 1 }, () =>
    linearPopulation(3 * Math.sqrt(2 / Math.PI), 1, largestOnly),
  ),
  plainCell({ name: "D2, p = 3", section: "models", rows: 500 }, skewed, { ...SQUARED, p: 3 }),
  plainCell({ name: "D3, p = 1", section: "models", rows: 500 }, d3, { ...LOGISTIC, p: 1 }),
  plainCell({ name: "D3, p = 3", section: "models", rows: 500 }, d3, { ...LOGISTIC, p: 3 }),
  plainCell({ name: "D3, p = ∞", section: "models", rows: 500 }, d3, { ...LOGISTIC, p: Infinity }),
  ...[2, Infinity, 1].map((p) =>
    plainCell(
      { name: `quadratic, p = ${p === Infinity ? "∞" : p}`, section: "models", rows: 1000 },
      gaussianQuadratic,
      {
        ...QUADRATIC,
        p,
      },
    ),
  ),
];

/** ‖β‖ = 1 over m equal coefficients. */
const even = (m: number): number[] => new Array<number>(m).fill(1 / Math.sqrt(m));

const manyLinear = (rows: number, m: number): Cell =>
  plainCell(
    { name: `linear, d/n = ${m / rows}`, section: "many", rows, alikeFrom: 0, share: 0.5 },
    gaussianLinear(even(m), 1),
    PLAIN,
    gaussian(even(m), 1),
  );
const manyLogistic = (rows: number, m: number): Cell =>
  plainCell(
    { name: `logistic, d/n = ${m / rows}`, section: "many", rows, alikeFrom: 1, share: 0.5 },
    gaussianLogistic(0.5, even(m), new Array<number>(m).fill(0)),
    LOGISTIC,
    () => logisticPopulation(0.5, even(m)),
  );

const many: Cell[] = [
  manyLinear(500, 10),
  manyLinear(500, 25),
  manyLinear(500, 50),
  manyLinear(500, 100),
  manyLogistic(1000, 20),
  manyLogistic(1000, 50),
  manyLogistic(1000, 100),
];

/** Targets far from 0 are sampled less, down to a fifth. */
const chance = (y: number): number => 0.2 + 0.8 * Math.exp(-(y ** 2) / 4);
const COUNTED_ROWS = 1000;
const counted = (seed: number) => countRepeats(independentRows(gridLogistic, source(seed), COUNTED_ROWS));
const grid = () => enumeratedPopulation(gridRows(), { ...LOGISTIC, l2: 0 });
const GROUPS = 100;
const GROUP_ROWS = 10;
const clustered = (seed: number) => clusteredLinear(D1, 1, source(seed), GROUPS, GROUP_ROWS);
const halfSquared = linear({ loss: "half-squared", intercept: false });

const sampled = (name: string, rows: number, task: AifTask, population: () => Population): Cell =>
  aifCell({ name, section: "sampling", rows }, 3, task, population);
const drawnUnequally = (seed: number) => unequalChances(gaussianLinear(D1, 1), chance, source(seed), 500);
const asFrequencies = (): Sampling => ({ weightsKind: "frequency", totalWeight: COUNTED_ROWS });

const inClusters = ({ y, clusters }: Sample): Sampling => ({
  weightsKind: "sampling",
  totalWeight: y.length,
  clusters,
});

const sampling: Cell[] = [
  sampled("sampling weights", 500, { model: halfSquared, p: 2, sample: drawnUnequally }, gaussian(D1, 1)),
  sampled(
    "sampling weights, left out",
    500,
    {
      model: halfSquared,
      p: 2,
      sample: (seed) => {
        const { x, y } = drawnUnequally(seed);
        return { x, y };
      },
    },
    gaussian(D1, 1),
  ),
  sampled(
    "counts of equal rows",
    COUNTED_ROWS,
    { model: logistic(), p: 2, sample: counted, sampling: asFrequencies },
    grid,
  ),
  sampled("counts taken for sampling weights", COUNTED_ROWS, { model: logistic(), p: 2, sample: counted }, grid),
  sampled(
    "clusters",
    GROUPS * GROUP_ROWS,
    { model: halfSquared, p: 2, sample: clustered, sampling: inClusters },
    gaussian(D1, 1),
  ),
  sampled("clusters, ignored", GROUPS * GROUP_ROWS, { model: halfSquared, p: 2, sample: clustered }, gaussian(D1, 1)),
];

/** D4 and D1 at noise from a tenth to ten: ‖β‖²/σ² from 1556 to 0.05. */
const sweep: Cell[] = [
  ...[0.1, 0.3, 1, 3, 10].map((sigma) => [D4, "D4", sigma] as const),
  ...[0.1, 0.3, 1, 3, 10].map((sigma) => [D1, "D1", sigma] as const),
].map(([beta, label, sigma]) =>
  plainCell(
    { name: `${label}, σ = ${sigma}`, section: "sweep", rows: 500 },
    gaussianLinear(beta, sigma),
    PLAIN,
    gaussian(beta, sigma),
  ),
);

function heldOutCell(kind: "linear" | "logistic", m: number, epsilon: number): Cell {
  const truth = [0.5, ...even(m)];
  const centre = new Array<number>(m).fill(0);
  const { row } = gaussianLinear(even(m), 1);
  const shifted: Design = { inputs: m, row: (random, x) => 0.5 + row(random, x) };
  const design = kind === "linear" ? shifted : gaussianLogistic(0.5, even(m), centre);
  const task: HeldOutTask = {
    model: kind === "linear" ? linear() : logistic(),
    epsilon,
    sample: (seed) => independentRows(design, source(seed), 500),
    risk: kind === "linear" ? linearRisk(truth) : logisticRisk(truth),
  };
  return {
    name: `${kind}, d/n = ${(m + 1) / 500}, ε = ${epsilon}`,
    section: "held-out",
    rows: 500,
    parameters: m + 1,
    share: 1,
    alikeFrom: null,
    population: () => null,
    repeat: (_, seed) => heldOutRepetition(task, seed),
  };
}

const heldOut: Cell[] = (["linear", "logistic"] as const).flatMap((kind) =>
  [4, 49].flatMap((m) => [0.003, 0.02].map((epsilon) => heldOutCell(kind, m, epsilon))),
);

/** A penalty with a corner at the population's own parameters: the estimates are not asymptotically normal. */
const cornerCell = (name: string, beta: readonly number[], p: number, phi: readonly number[]): Cell => {
  const design = gaussianLinear(beta, 1);
  return plainCell({ name, section: "corners", rows: 500 }, design, { ...PLAIN, p }, () =>
    linearPopulation(meanNorm(design, p), 1, phi),
  );
};

const corners: Cell[] = [
  cornerCell("two equal largest coefficients, p = 1", [1, -1, 0.5], 1, [0.5, -0.5, 0]),
  cornerCell("a coefficient of 0, p = ∞", [1, -2, 0], Infinity, [1, -1, 0]),
  cornerCell("a coefficient of 0, p = 3", [1, -2, 0], 3, dual([1, -2, 0], 3).phi),
];

export const CELLS: readonly Cell[] = [...designs, ...models, ...many, ...sampling, ...sweep, ...heldOut, ...corners];

/** Seeds of the repetitions: another range of numbers for each cell, so that cells do not share their draws. */
export function repetitionSeed({ name }: Cell, repetition: number): number {
  let hash = 0;
  for (const letter of name) hash = (Math.imul(hash, 31) + (letter.codePointAt(0) ?? 0)) | 0;
  return (hash & 0xfff) * 0x10000 + repetition;
}
