/** What the explorer asks the engine, and what it answers. */

export interface Point {
  readonly x: number;
  /** The second feature, or the target of a regression. */
  readonly y: number;
  /** Of a classification. */
  readonly label: -1 | 1;
}

export interface Question {
  readonly id: number;
  readonly kind: "classification" | "regression";
  readonly points: readonly Point[];
  readonly p: number;
  /** ρ, in the units of the plane. */
  readonly radius: number;
  readonly ridge: number;
}

/** f(x) = b + β'x: three numbers for a classification, two for a regression. */
export type Line = readonly number[];

export interface Answer {
  readonly id: number;
  readonly fitted: Line;
  readonly predicted: Line;
  readonly exact: Line;
  /** Where the adversary pushes each point, of length 1 in the norm (in its features). */
  readonly directions: readonly (readonly [number, number])[];
  /** Change of the natural loss against ρ. */
  readonly curve: readonly { readonly radius: number; readonly predicted: number; readonly exact: number | null }[];
  readonly predictedChange: number;
  readonly exactChange: number;
  readonly kinkRadius: number | null;
  readonly milliseconds: { readonly prediction: number; readonly exact: number };
}

export type Reply = Answer | { readonly id: number; readonly error: string };

/** ρ of the slider. */
export const MOST_RADIUS = 1;
