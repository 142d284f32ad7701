import { describe, expect, test } from "vitest";
import { ensureBlas, fit, influence, linear, lp, Matrix, matrixDataset, scoreShifts } from "../../src/index.js";
import { sandwich } from "../../src/influence/sandwich.js";
import { largestOverBall, sensitivityInterval, smallestOverBall } from "../../src/influence/sensitivity-interval.js";
import { supremumFactor } from "../../src/influence/simultaneous.js";
import { normalQuantile } from "../../src/stats/distributions.js";
import { randomStream } from "../../src/stats/random.js";
import { drawsOf } from "../long.js";

describe("quadratics over the unit ball", () => {
  const cases: readonly (readonly [string, readonly number[], readonly number[]])[] = [
    ["steep and flat", [3, 0.2, 0], [1, -0.5, 0.1]],
    ["minimum inside", [5, 4, 3], [0.2, 0.1, -0.3]],
    ["hard case: no slope along the largest curvature", [4, 1], [0, 0.5]],
    ["slopes only", [0, 0], [3, 4]],
    ["curvatures only", [2, 1], [0, 0]],
  ];

  test.each(cases)("%s: never beaten by random points, and attained", (_, a, b) => {
    const value = (z: readonly number[]): number => z.reduce((sum, zk, k) => sum + b[k] * zk + 0.5 * a[k] * zk * zk, 0);
    const lowest = smallestOverBall(Float64Array.from(a), Float64Array.from(b));
    const highest = largestOverBall(Float64Array.from(a), Float64Array.from(b));
    const random = randomStream(7);
    let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (let draw = 0; draw < 200_000; draw++) {
      const direction = a.map(() => random.normal());
      const length = Math.hypot(...direction) / (draw % 2 === 0 ? 1 : random.uniform());
      const at = value(direction.map((d) => d / length));
      least = Math.min(least, at);
      most = Math.max(most, at);
    }
    expect(lowest).toBeLessThanOrEqual(least + 1e-12);
    expect(highest).toBeGreaterThanOrEqual(most - 1e-12);
    expect(least - lowest).toBeLessThan(0.01);
    expect(highest - most).toBeLessThan(0.01);
  });
});

describe("simultaneous intervals", () => {
  test("independent estimates: the Šidák factor; equal ones: the pointwise factor", async () => {
    await ensureBlas();
    const identity = Matrix.zeros(8, 8);
    for (let j = 0; j < 8; j++) identity.data[j * 9] = (j + 1) ** 2;
    const sidak = normalQuantile(0.5 + 0.5 * 0.95 ** (1 / 8));
    expect(Math.abs(supremumFactor(identity, 0.95, 1) / sidak - 1)).toBeLessThan(0.02);
    // Seven seeds agree to what the number of directions promises.
    const factors = Array.from({ length: 7 }, (_, seed) => supremumFactor(identity, 0.95, seed));
    for (const factor of factors) expect(Math.abs(factor - sidak)).toBeLessThan(0.05);
    const single = new Matrix(Float64Array.of(9), 1, 1);
    expect(Math.abs(supremumFactor(single, 0.95, 1) - normalQuantile(0.975))).toBeLessThan(1e-3);
    const ones = new Matrix(new Float64Array(9).fill(4), 3, 3);
    expect(Math.abs(supremumFactor(ones, 0.95, 1) / normalQuantile(0.975) - 1)).toBeLessThan(1e-3);
    expect(supremumFactor(identity, 0.95, 1)).toBe(supremumFactor(identity, 0.95, 1));
  });

  test("a factor does not depend on those that were asked for before it, of as many estimates, of fewer, of more and of very many", async () => {
    await ensureBlas();
    const chain = (d: number): Matrix => {
      const V = Matrix.zeros(d, d);
      for (let i = 0; i < d; i++) for (let j = 0; j < d; j++) V.data[i * d + j] = 0.6 ** Math.abs(i - j);
      return V;
    };
    const sizes = [5, 300, 2, 40, 5, 3];
    const one = sizes.map((d) => supremumFactor(chain(d), 0.9, 4));
    const alone = sizes.map((d) => {
      supremumFactor(chain(2), 0.9, 5);
      return supremumFactor(chain(d), 0.9, 4);
    });
    expect(one).toEqual(alone);
    // More estimates need a larger factor, between one's and that of as many independent ones.
    const [five, many, two, forty] = one;
    expect([two < five, five < forty, forty < many]).toEqual([true, true, true]);
    expect(two).toBeGreaterThan(normalQuantile(0.95));
    expect(many).toBeLessThan(1.01 * normalQuantile(0.5 + 0.5 * 0.9 ** (1 / 300)));
  });
});

/** y = x'(1, −2, .5) + noise with Gaussian x: I = −c σ√(2/π) φ_2(β) in the population, S = ½‖I‖² (MATH 3, D1). */
async function drawn(seed: number): Promise<{ inside: boolean[]; sensitivity: boolean; method: string }> {
  const n = 500;
  const beta = [1, -2, 0.5];
  const random = randomStream(seed);
  const x = Matrix.zeros(n, 3);
  const y = new Float64Array(n);
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < 3; k++) {
      x.data[3 * i + k] = random.normal();
      y[i] += beta[k] * x.data[3 * i + k];
    }
    y[i] += random.normal();
  }
  const attack = await influence(
    await fit(linear({ loss: "half-squared", intercept: false }), matrixDataset(x, y)),
    lp(2),
  );
  const found = await sandwich(attack, await scoreShifts(attack));
  const c = Math.sqrt(8 / Math.PI); // the mean length of a standard normal vector in three dimensions
  const length = c * Math.sqrt(2 / Math.PI);
  const truth = beta.map((b) => (-length * b) / Math.hypot(...beta));
  const S = sensitivityInterval(attack, found, 0.95);
  return {
    inside: truth.map((value, j) => Math.abs(attack.influence[j] - value) <= 1.96 * found.standardErrors[j]),
    sensitivity: S.lower <= length ** 2 / 2 && length ** 2 / 2 <= S.upper,
    method: S.method,
  };
}

const draws = drawsOf(400, 4000);

test(`coverage of the 95 % intervals over ${draws} draws of a Gaussian design`, async () => {
  const covered = [0, 0, 0];
  let sensitivity = 0;
  for (let seed = 0; seed < draws; seed++) {
    const { inside, sensitivity: hit, method } = await drawn(seed);
    inside.forEach((hitOne, j) => {
      if (hitOne) covered[j]++;
    });
    if (hit) sensitivity++;
    expect(method).toBe("delta");
  }
  // Three binomial standard errors around 95 %, and half a percent for the sandwich at 500 rows.
  const slack = 3 * Math.sqrt((0.95 * 0.05) / draws) + 0.005;
  for (const count of [...covered, sensitivity]) {
    expect(count / draws).toBeGreaterThan(0.95 - slack);
    expect(count / draws).toBeLessThan(0.95 + slack);
  }
});

describe("an interval for S does not hang on the units of the features", () => {
  /** The same rows and the same attack in other units. */
  const intervalIn = async (units: readonly number[]) => {
    await ensureBlas();
    const random = randomStream(11);
    const x = Matrix.zeros(60, 3);
    const y = new Float64Array(60);
    for (let i = 0; i < 60; i++) {
      const row = units.map(() => random.normal());
      y[i] = 2 * row[0] - 3.4 * row[1] + row[2] + 0.1 * random.normal();
      x.row(i).set(row.map((value, j) => value * units[j]));
    }
    const attack = await influence(await fit(linear(), matrixDataset(x, y)), lp(2, { budgets: [...units] }));
    return sensitivityInterval(attack, await sandwich(attack, await scoreShifts(attack)), 0.95);
  };

  test.each([[[1, 1e9, 1]], [[1e-7, 1, 1e8]], [[1e3, 1e-3, 1e12]]])("%o", async (units) => {
    const [plain, scaled] = [await intervalIn([1, 1, 1]), await intervalIn(units)];
    expect(plain.method).toBe("projection");
    expect(scaled.method).toBe("projection");
    for (const end of ["lower", "upper", "waldProbability"] as const)
      expect(Math.abs(scaled[end] - plain[end])).toBeLessThan(1e-7 * plain.upper);
  });
});
