import type { PathPoint, PathResult } from "@aif/core";
import { clean } from "../render/clean.js";
import { csvText } from "./csv.js";

/**
 * One row for each norm and point: sizes, losses, metrics without (`natural.`) and under attack (`robust.`), how many residuals
 * are stuck and coefficients 0, and every parameter, `theta(name)`, in the units the model sees.
 */
export function pathCsv({ paths, model }: PathResult, raw: boolean): string {
  const metrics = Object.keys(paths[0]?.points[0]?.metrics.natural ?? {});
  const header = [
    "norm",
    "epsilon",
    "radius",
    "naturalLoss",
    "robustLoss",
    ...metrics.map((name) => `natural.${name}`),
    ...metrics.map((name) => `robust.${name}`),
    "stuckRows",
    "zeroCoefficients",
    "residual",
    ...model.parameters.map((name) => `theta(${name})`),
  ];
  const numbers = (point: PathPoint): number[] => [
    point.epsilon,
    point.radius,
    point.naturalLoss,
    point.robustLoss,
    ...metrics.map((name) => point.metrics.natural[name]),
    ...metrics.map((name) => point.metrics.robust[name]),
    point.stuckRows,
    point.zeroCoefficients.length,
    point.residual,
    ...point.parameters,
  ];
  const rows = paths.flatMap(({ norm, points }) => points.map((point) => [norm, ...numbers(point)]));
  return csvText([header, ...rows], raw);
}

/** With parameters called so that no terminal obeys them; a file keeps names as they are, so that they are found again. */
export const withCleanNames = (result: PathResult): PathResult => ({
  ...result,
  model: { ...result.model, parameters: result.model.parameters.map(clean) },
});
