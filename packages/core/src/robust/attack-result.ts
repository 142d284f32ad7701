import type { Block } from "../data/dataset.js";
import type { Matrix } from "../linalg/matrix.js";

/** How a worst case was found; the first two are exact. */
export type AttackMethod = "closed-form" | "trust-region" | "projected-gradient";

/** The worst case found for every row of a block of r rows. */
export interface AttackedBlock {
  /** r: l at x+δ. */
  readonly losses: Float64Array;
  /** r: f at x+δ. */
  readonly scores: Float64Array;
  /** r: 1 where no perturbation makes the loss higher (beyond rounding), 0 where the loss is a lower bound. */
  readonly certified: Uint8Array;
  /** x+δ (r×m), formed when it is asked for; valid until the next block. */
  moved(): Matrix;
}

/** An adversary of one radius against one θ. */
export interface Attacker {
  readonly method: AttackMethod;
  attack(block: Block): AttackedBlock;
}

/** What an attacker is made of. */
export interface AttackSearch {
  /** Steps of the projected gradient from every start (default 200). */
  readonly steps?: number;
  /** Length of the first step, relative to the way to the first-order answer ρφ (default 0.5); later steps adapt row by row. */
  readonly stepSize?: number;
  /** Random starts (default 2). */
  readonly restarts?: number;
  /** Seed of the random starts (default 0). */
  readonly seed?: number;
  /** Whether the first-order answers ρφ and −ρφ are starts too, besides δ = 0 (default true). */
  readonly firstOrderStarts?: boolean;
  /**
   * A row rests once a long step raises its loss, or along the edge promises to, by less than this share of its whole rise (default 0:
   * no rise is too small).
   */
  readonly precision?: number;
}
