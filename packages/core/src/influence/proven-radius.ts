/** κ at each of some radii. What is asked together is answered together. */
export type CurvatureFloor = (radii: readonly number[]) => Promise<number[]>;

/** Multiples of g at which κ is asked first: where an error is worth certifying, its radius is little larger than g. */
const FIRST = [1, 1.35] as const;
/** Where those do not lead to a radius: κ falls at most so fast that one beyond e·g is rare. */
const FURTHER = [2, 2.5, 3.2] as const;
const ROUNDS = 6;
/** The bound is the smallest to within this share of it. */
const TIGHT = 5e-4;
/** Either side of where the radius is expected. */
const BESIDE = 1e-4;

interface Known {
  readonly radius: number;
  readonly floor: number;
}

/**
 * The smallest bound g/κ(r) over the radii r with rκ(r) ≥ g, for a κ that falls in r: any such r proves that bound, and the best one is
 * the fixed point r = g/κ(r). A curve through the values of log κ tells where it is, so that two rounds of questions mostly do.
 * @returns null where no radius is found
 */
export async function provenBound(floorAt: CurvatureFloor, g: number): Promise<number | null> {
  if (g === 0) return 0;
  const known: Known[] = [];
  const ask = async (radii: readonly number[]): Promise<void> => {
    const floors = await floorAt(radii);
    radii.forEach((radius, k) => known.push({ radius, floor: floors[k] }));
  };
  await ask(FIRST.map((multiple) => multiple * g));
  if (!(known[0].floor > 0)) return null;
  if (boundOf(known, g) === null && fixedPoint(known, g) === null) await ask(FURTHER.map((multiple) => multiple * g));
  for (let round = 1; round < ROUNDS; round++) {
    const [bound, expected] = [boundOf(known, g), fixedPoint(known, g)];
    if (expected === null || (bound !== null && bound <= lowerEnd(known, g) * (1 + TIGHT))) break;
    await ask([expected * (1 - BESIDE), expected * (1 + BESIDE)]);
  }
  return boundOf(known, g);
}

/** The smallest bound that is proven. */
function boundOf(known: readonly Known[], g: number): number | null {
  const bounds = known.filter(({ radius, floor }) => radius * floor >= g).map(({ floor }) => g / floor);
  return bounds.length === 0 ? null : Math.min(...bounds);
}

/** What the fixed point is not below: r fails there, and g/κ climbs towards it from below. */
function lowerEnd(known: readonly Known[], g: number): number {
  const proven = Math.min(...known.filter(({ radius, floor }) => radius * floor >= g).map(({ radius }) => radius));
  const failed = known.filter(({ radius }) => radius < proven);
  return Math.max(g, ...failed.map(({ radius, floor }) => (floor > 0 ? Math.max(radius, g / floor) : radius)));
}

const POINTS = 3;
const STEPS = 200;
const FAR = 8;

/** Where r = g/κ(r) on the curve through the three values of log κ nearest to it; null where they do not meet. */
function fixedPoint(known: readonly Known[], g: number): number | null {
  const positive = known.filter(({ floor }) => floor > 0);
  const near = boundOf(known, g) ?? positive[positive.length - 1].radius;
  const points = positive.toSorted((a, b) => Math.abs(a.radius - near) - Math.abs(b.radius - near)).slice(0, POINTS);
  let radius = g;
  for (let step = 0; step < STEPS; step++) {
    const next = g / Math.exp(logFloor(points, radius));
    if (!(next < FAR * g)) return null;
    if (Math.abs(next - radius) <= 1e-12 * radius) return next;
    radius = next;
  }
  return radius;
}

/** Lagrange's polynomial through log κ. */
function logFloor(points: readonly Known[], radius: number): number {
  let sum = 0;
  for (const [i, { radius: own, floor }] of points.entries()) {
    let term = Math.log(floor);
    for (const [j, other] of points.entries()) {
      if (j !== i) term *= (radius - other.radius) / (own - other.radius);
    }
    sum += term;
  }
  return sum;
}
