import type { EncodedDataset } from "../data/encoded-dataset.js";
import type { Projection } from "../models/projection/projection.js";
import type { Coefficients } from "./result.js";

/** What the result says of the low-dimensional inputs that the model works on. */
export interface ProjectionSection {
  readonly kind: Projection["kind"];
  /** k, as they stand in the parameters' names. */
  readonly components: readonly string[];
  /** How a factor analysis turns features into inputs; null otherwise. */
  readonly scores: "regression" | null;
  /** k: the share of the features' variance that each component adds to what those before it reproduce. */
  readonly explainedVariance: readonly number[];
  /** μ (m) and P (m×k), row by row: z = P'(x − μ), x as the model would see it without the projection. */
  readonly centre: readonly number[];
  readonly matrix: readonly (readonly number[])[];
  /** Steps of the factor analysis; null otherwise. */
  readonly iterations: number | null;
  /** Features whose own variance a factor analysis puts at its lower limit. */
  readonly atLimit: readonly string[];
}

/** What coefficients of components need to be deployed. */
export const deployedProjection = (
  { names, centre, matrix }: Projection,
  { features }: Pick<EncodedDataset, "features">,
): NonNullable<Coefficients["projection"]> => ({
  features,
  components: names,
  centre: [...centre],
  matrix: features.map((_, j) => [...matrix.row(j)]),
});

export function projectionSection(
  projection: Projection | null,
  data: Pick<EncodedDataset, "features">,
): ProjectionSection | null {
  if (projection === null) return null;
  const { kind, names, matrix, centre, explained, convergence, atLimit = [] } = projection;
  return {
    kind,
    components: names,
    scores: kind === "factors" ? "regression" : null,
    explainedVariance: [...explained],
    centre: [...centre],
    matrix: data.features.map((_, j) => [...matrix.row(j)]),
    iterations: convergence?.iterations ?? null,
    atLimit: atLimit.map((j) => data.features[j]),
  };
}
