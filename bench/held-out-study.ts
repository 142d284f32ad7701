/**
 * Does the cross-fitted change of the loss tell the truth? Seeded draws from designs whose population risk is known exactly:
 * x ~ N(0, I), a linear or logistic model. The population change of one draw is L(θ̂+εI) − L(θ̂), L the population risk: what
 * the deployed prediction θ̂+εI does to the loss on fresh rows.
 */
import {
  assignFolds,
  checkValidity,
  crossFit,
  fit,
  influence,
  linear,
  localSensitivity,
  logistic,
  lp,
  Matrix,
  type MovingRows,
  matrixDataset,
  predictedChange,
  scoreShifts,
} from "@aif/core";
import { gaussianMean } from "./gaussian-mean.js";
import { normals, uniforms } from "./random.js";
import { mean, standardError } from "./statistics.js";

export interface Design {
  readonly name: string;
  readonly model: "linear" | "logistic";
  readonly rows: number;
  /** d − 1: the model has an intercept besides. */
  readonly features: number;
  readonly epsilon: number;
}

export interface HeldOutFinding {
  readonly design: Design;
  readonly draws: number;
  /** Share of draws whose cross-fitted change has the sign of that draw's population change. */
  readonly rightSign: number;
  /** Share of draws whose trust radius is at least ε, and the median trust radius. */
  readonly trusted: number;
  readonly trustRadius: number;
  readonly crossFitted: Estimate;
  readonly population: Estimate;
  /** Population change of the folds' own fits, each on nine tenths of the rows: what cross-fitting estimates without bias. */
  readonly foldPopulation: Estimate;
  /** (mean cross-fitted − mean population) / standard error of the mean of their paired difference. */
  readonly distance: number;
  readonly foldDistance: number;
  /** Mean over draws of (cross-fitted − population) / the draw's own standard error, which its rows give. */
  readonly ownDistance: number;
  /** Mean of ½ε²I'HI on the training rows. */
  readonly inSample: number;
}

interface Estimate {
  readonly mean: number;
  readonly standardError: number;
}

/** The true coefficients: ‖β‖ = 1, intercept ½; unit noise where there is noise. */
const INTERCEPT = 0.5;
const FOLDS = 10;

/** `draws` seeded data sets of a design. */
export async function studyHeldOut(design: Design, draws: number): Promise<HeldOutFinding> {
  const seen: Draw[] = [];
  for (let seed = 0; seed < draws; seed++) seen.push(await study(design, seed));
  const column = (key: keyof Draw): number[] => seen.map((draw) => draw[key]);
  const distance = (key: keyof Draw): number => {
    const differences = seen.map((draw) => draw.crossFitted - draw[key]);
    return mean(differences) / standardError(differences);
  };
  return {
    design,
    draws,
    rightSign: mean(seen.map(({ crossFitted, population }) => Number(crossFitted > 0 === population > 0))),
    trusted: mean(seen.map(({ trustRadius }) => Number(trustRadius >= design.epsilon))),
    trustRadius: column("trustRadius").toSorted((a, b) => a - b)[draws >> 1],
    crossFitted: estimate(column("crossFitted")),
    population: estimate(column("population")),
    foldPopulation: estimate(column("foldPopulation")),
    distance: distance("population"),
    foldDistance: distance("foldPopulation"),
    ownDistance: mean(seen.map((draw) => (draw.crossFitted - draw.population) / draw.ownStandardError)),
    inSample: mean(column("inSample")),
  };
}

const estimate = (values: readonly number[]): Estimate => ({
  mean: mean(values),
  standardError: standardError(values),
});

interface Draw {
  readonly crossFitted: number;
  /** Of the cross-fitted change, from the rows of this draw. */
  readonly ownStandardError: number;
  readonly population: number;
  readonly foldPopulation: number;
  readonly inSample: number;
  readonly trustRadius: number;
}

async function study(design: Design, seed: number): Promise<Draw> {
  const { model, rows, features, epsilon } = design;
  const { x, y } = draw(design, seed);
  const data = matrixDataset(new Matrix(x, rows, features), y);
  const fitted = await fit(model === "linear" ? linear() : logistic(), data);
  const attack = await influence(fitted, lp(2));
  const shifts = await scoreShifts(attack);
  const validity = await checkValidity(attack, shifts);
  const strata = model === "logistic" ? y : undefined;
  const folds = assignFolds(rows, FOLDS, seed, { strata });
  const [held] = await crossFit(fitted, [attack], folds, FOLDS);
  const training = { loss: fitted.model.loss, y, w: data.weights, scores: fitted.scores, shifts };
  const change = (theta: Float64Array, direction: Float64Array): number =>
    populationRisk(model, shifted(theta, direction, epsilon)) - populationRisk(model, theta);
  return {
    crossFitted: predictedChange(held, epsilon),
    ownStandardError: rowStandardError(held, epsilon),
    population: change(fitted.parameters, attack.influence),
    foldPopulation: mean(held.folds.map((fold) => change(fold.parameters, fold.influence))),
    inSample: localSensitivity(training).curvature * epsilon ** 2,
    trustRadius: validity.trust.radius ?? 0,
  };
}

/** Standard error of the mean change over rows, given the fits. */
function rowStandardError({ loss, y, scores, shifts }: MovingRows, epsilon: number): number {
  return standardError(
    Array.from(y, (t, i) => loss.value(scores[i] + epsilon * shifts[i], t) - loss.value(scores[i], t)),
  );
}

const coefficient = (features: number): number => 1 / Math.sqrt(features);

const shifted = (theta: Float64Array, direction: Float64Array, epsilon: number): Float64Array =>
  theta.map((value, j) => value + epsilon * direction[j]);

function draw({ model, rows, features }: Design, seed: number): { x: Float64Array; y: Float64Array } {
  const normal = normals(seed);
  const uniform = uniforms(-1 - seed);
  const x = new Float64Array(rows * features);
  const y = new Float64Array(rows);
  for (let i = 0, at = 0; i < rows; i++) {
    let score = INTERCEPT;
    for (let j = 0; j < features; j++, at++) {
      x[at] = normal();
      score += coefficient(features) * x[at];
    }
    y[i] = model === "linear" ? score + normal() : uniform() < 1 / (1 + Math.exp(-score)) ? 1 : -1;
  }
  return { x, y };
}

/** L(θ) exactly: a quadratic form, or an integral over the two scores, which are jointly normal. */
function populationRisk(model: Design["model"], theta: Float64Array): number {
  const slopes = theta.subarray(1);
  const size = coefficient(slopes.length);
  if (model === "linear") {
    let risk = 1 + (theta[0] - INTERCEPT) ** 2;
    for (const slope of slopes) risk += (slope - size) ** 2;
    return risk;
  }
  const along = slopes.reduce((sum, slope) => sum + slope * size, 0);
  const across = Math.sqrt(Math.max(0, slopes.reduce((sum, slope) => sum + slope * slope, 0) - along * along));
  return gaussianMean((t, u) => {
    const probability = 1 / (1 + Math.exp(-(INTERCEPT + t)));
    const f = theta[0] + along * t + across * u;
    return probability * softplus(-f) + (1 - probability) * softplus(f);
  });
}

const softplus = (t: number): number => Math.max(t, 0) + Math.log1p(Math.exp(-Math.abs(t)));
