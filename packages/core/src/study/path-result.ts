import type { PathEventKind } from "../robust/path-events.js";
import type { DataSection, Flag, ModelSection, ResolvedSettings } from "./result.js";

/**
 * The exact robust optimum for every ε as plain data, schema version 1: what `aif path --format json` prints. A field that
 * does not apply is null, never missing. Parameter vectors are in the order of `model.parameters` and in the units the model
 * sees; losses are in `model.unit`. Everything is of the training rows, with the weights of the fit; metrics are without the
 * factors of the classes.
 */
export interface PathResult {
  readonly schema: "aif.path/1";
  readonly settings: PathSettings;
  readonly data: Omit<DataSection, "evaluation" | "evaluationRows" | "groups" | "clusters">;
  readonly model: ModelSection;
  /** One entry a norm. */
  readonly paths: readonly PathSection[];
  readonly flags: readonly Flag[];
  /** Seconds. */
  readonly timings: { readonly read: number; readonly fit: number; readonly path: number; readonly total: number };
}

/** Options about the table and the model, as resolved. */
export type FitSettings = Pick<
  ResolvedSettings,
  | "source"
  | "target"
  | "model"
  | "loss"
  | "positive"
  | "intercept"
  | "standardize"
  | "missing"
  | "exclude"
  | "keep"
  | "weights"
  | "weightsKind"
  | "classWeight"
  | "l2"
  | "freeze"
  | "budgets"
>;

/** Options as resolved. */
export interface PathSettings extends FitSettings {
  readonly norms: readonly string[];
  /** null: up to the collapse. */
  readonly epsilonMax: number | null;
}

/** The path under one norm. */
export interface PathSection {
  readonly norm: string;
  /** Features. */
  readonly attacked: readonly string[];
  readonly frozen: readonly string[];
  /** c: radius = epsilon · scale. */
  readonly scale: number;
  /** ε from which on every attacked coefficient is 0. */
  readonly collapseRadius: number;
  /** What the path ends at: the ε that was asked for, or the collapse, beyond which nothing changes. */
  readonly end: "epsilon-max" | "collapse";
  /** By ε, from 0 on; some are evenly spaced, the others lie where the path bends. */
  readonly points: readonly PathPoint[];
  /** By ε. */
  readonly events: readonly PathEvent[];
}

/** The exact robust optimum at one ε, on the training rows; parameters in the model's units. */
export interface PathPoint {
  readonly epsilon: number;
  readonly radius: number;
  readonly parameters: readonly number[];
  /** Σ w ℓ */
  readonly naturalLoss: number;
  /** Σ w max ℓ under the worst attack of this size. */
  readonly robustLoss: number;
  /** Without an attack and under the worst one of this size. */
  readonly metrics: {
    readonly natural: Readonly<Record<string, number>>;
    readonly robust: Readonly<Record<string, number>>;
  };
  /** How many residuals are held at the corner of their robust loss. */
  readonly stuckRows: number;
  /** Features whose coefficient is exactly 0. */
  readonly zeroCoefficients: readonly string[];
  /** Features tied for the largest coefficient (p = 1). */
  readonly tiedCoefficients: readonly string[];
  /** max_j |g_j| relative to the size of its terms: the evidence that this is the optimum. */
  readonly residual: number;
}

/** A corner of the robust risk that the path of exact optima meets or leaves, at ε. */
export interface PathEvent {
  readonly epsilon: number;
  /** The event lies within this distance of `epsilon`; 0 where it was located exactly. */
  readonly within: number;
  readonly kind: PathEventKind;
  /** 1-based in the file, for residuals. */
  readonly row: number | null;
  /** For coefficients and ties. */
  readonly feature: string | null;
}
