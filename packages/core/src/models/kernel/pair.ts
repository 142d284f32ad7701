/**
 * Two points x and z as kernels see them, and the primitives that lose digits when they are written down plainly: the distance
 * of near points and the angle of near directions. Both are taken from ‖x‖², ‖z‖², x·z while that is safe, and from the
 * coordinates where it is not. One object serves a whole block: it is moved from pair to pair.
 */
export class Pair {
  /** x·z, ‖x‖² and ‖z‖² */
  t = 0;
  a = 0;
  b = 0;
  private x: Float64Array = new Float64Array(0);
  private z: Float64Array = new Float64Array(0);
  private xAt = 0;
  private zAt = 0;
  private length = 0;

  between(x: Float64Array, z: Float64Array, features: number): void {
    this.x = x;
    this.z = z;
    this.length = features;
  }

  /** The pair of row i of x and row j of z. */
  at(i: number, j: number, t: number, a: number, b: number): void {
    this.xAt = i * this.length;
    this.zAt = j * this.length;
    this.t = t;
    this.a = a;
    this.b = b;
  }

  /** ‖x − z‖²: a + b − 2t has an absolute error of 1e-16·(a + b), too much where little is left. */
  distanceSquare(): number {
    const { a, b, t } = this;
    const plain = a + b - 2 * t;
    return plain > NEAR_DISTANCE * (a + b) ? plain : this.squareOf(1, -1);
  }

  /** cos α, sin α and α, the angle between x and z, by 2·atan2(‖x̂−ẑ‖, ‖x̂+ẑ‖): accurate at 0 and π, never NaN for x, z ≠ 0. */
  angle(out: Angle): void {
    const { a, b, t } = this;
    const lengths = Math.sqrt(a) * Math.sqrt(b);
    const cosine = Math.max(-1, Math.min(1, t / lengths));
    let apart = 2 - 2 * cosine;
    let together = 2 + 2 * cosine;
    if (apart < NEAR_ANGLE) apart = this.squareOf(1 / Math.sqrt(a), -1 / Math.sqrt(b));
    if (together < NEAR_ANGLE) together = this.squareOf(1 / Math.sqrt(a), 1 / Math.sqrt(b));
    // Equal rows divide to equal unit vectors, rows that are multiples of each other only up to rounding.
    if (apart < PARALLEL) apart = 0;
    if (together < PARALLEL) together = 0;
    const [far, near] = [Math.sqrt(apart), Math.sqrt(together)];
    out.angle = 2 * Math.atan2(far, near);
    out.sine = 0.5 * far * near;
    out.cosine = apart <= together ? 1 - 0.5 * apart : 0.5 * together - 1;
    out.lengths = lengths;
  }

  /** ‖αx + βz‖² from the coordinates. */
  private squareOf(alpha: number, beta: number): number {
    const { x, z, xAt, zAt, length } = this;
    let square = 0;
    for (let k = 0; k < length; k++) {
      const value = alpha * x[xAt + k] + beta * z[zAt + k];
      square += value * value;
    }
    return square;
  }
}

/** What `Pair.angle` writes; `lengths` is ‖x‖‖z‖. */
export interface Angle {
  angle: number;
  sine: number;
  cosine: number;
  lengths: number;
}

/** Shares of ‖x‖² + ‖z‖² and of 2 below which a difference is taken from the coordinates. */
const NEAR_DISTANCE = 1e-6;
const NEAR_ANGLE = 1e-3;
/** Squared distance of unit vectors that is rounding. */
const PARALLEL = 1e-30;
