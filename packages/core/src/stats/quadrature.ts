import { numericalError } from "../errors.js";

/** Gauss–Kronrod nodes on [0, 1) of the 15-point rule; every second one, from the second on, is the 7-point Gauss rule's. */
const NODES = [
  0.9914553711208126, 0.9491079123427585, 0.8648644233597691, 0.7415311855993945, 0.5860872354676911,
  0.4058451513773972, 0.20778495500789848, 0,
];
const KRONROD = [
  0.022935322010529224, 0.06309209262997856, 0.10479001032225019, 0.14065325971552592, 0.1690047266392679,
  0.19035057806478542, 0.20443294007529889, 0.20948214108472782,
];
const GAUSS = [0.1294849661688697, 0.27970539148927664, 0.3818300505051189, 0.4179591836734694];
const MOST_PANELS = 4000;

/** What is left of an integrand on one panel. */
interface Panel {
  readonly from: number;
  readonly to: number;
  readonly value: Float64Array;
  /** The largest difference between the two rules over the components. */
  readonly error: number;
}

/**
 * ∫ f over the line from the first break to the last, component by component, by adaptive Gauss–Kronrod panels: the worst panel is
 * halved until the errors add up to no more than `tolerance`, absolutely or relative to the largest component.
 * @param f writes its components to `out`. @param breaks ascending; where f or a derivative of it jumps.
 * @throws numerical: thousands of panels do not do.
 */
export function integrate(
  f: (t: number, out: Float64Array) => void,
  components: number,
  breaks: readonly number[],
  tolerance = 1e-13,
): Float64Array {
  const panels = breaks.slice(1).map((to, k) => panelOf(f, components, breaks[k], to));
  for (;;) {
    const total = new Float64Array(components);
    let error = 0;
    for (const panel of panels) {
      error += panel.error;
      panel.value.forEach((value, k) => {
        total[k] += value;
      });
    }
    const size = total.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
    if (!(error > tolerance * Math.max(1e-300, size))) return total;
    if (panels.length >= MOST_PANELS)
      throw numericalError(`An integral does not converge: its error is still ${error}.`);
    let worst = 0;
    for (let k = 1; k < panels.length; k++) if (panels[k].error > panels[worst].error) worst = k;
    const { from, to } = panels[worst];
    const middle = (from + to) / 2;
    panels[worst] = panelOf(f, components, from, middle);
    panels.push(panelOf(f, components, middle, to));
  }
}

function panelOf(f: (t: number, out: Float64Array) => void, components: number, from: number, to: number): Panel {
  const [centre, half] = [(from + to) / 2, (to - from) / 2];
  const value = new Float64Array(components);
  const coarse = new Float64Array(components);
  const sizes = new Float64Array(components);
  const at = new Float64Array(components);
  NODES.forEach((node, k) => {
    for (const side of node === 0 ? [0] : [-1, 1]) {
      f(centre + side * half * node, at);
      for (let j = 0; j < components; j++) {
        value[j] += half * KRONROD[k] * at[j];
        sizes[j] += half * KRONROD[k] * Math.abs(at[j]);
        if (k % 2 === 1) coarse[j] += half * GAUSS[(k - 1) / 2] * at[j];
      }
    }
  });
  // Below the rounding of the sum itself a difference means nothing.
  const error = value.reduce((most, fine, j) => {
    const difference = Math.abs(fine - coarse[j]);
    return Math.max(most, difference > 50 * Number.EPSILON * sizes[j] ? difference : 0);
  }, 0);
  return { from, to, value, error };
}

/** Beyond this many standard deviations a normal variable has less than 1e-20 of its mass. */
const NORMAL_REACH = 9.5;

/** E f(z), z ~ N(0, 1), component by component. @param kinks where f or a derivative of it jumps, in any order. */
export function normalMean(
  f: (z: number, out: Float64Array) => void,
  components: number,
  kinks: readonly number[] = [],
): Float64Array {
  const inside = kinks.filter((z) => Math.abs(z) < NORMAL_REACH);
  const breaks = [...new Set([-NORMAL_REACH, 0, NORMAL_REACH, ...inside])].sort((a, b) => a - b);
  return integrate(
    (z, out) => {
      f(z, out);
      const density = Math.exp(-0.5 * z * z) / Math.sqrt(2 * Math.PI);
      for (let j = 0; j < components; j++) out[j] *= density;
    },
    components,
    breaks,
  );
}
