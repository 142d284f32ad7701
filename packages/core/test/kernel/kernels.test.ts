import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { customKernel, gramOf, KERNEL_NAMES, kernel, kernelPoints, Matrix, medianGamma } from "../../src/index.js";
import { randomStream } from "../../src/stats/random.js";
import { relativeError } from "../golden.js";
import { NAIVE, normals } from "./naive.js";

const GAMMA = 0.4;
const moved = (x: Matrix, phi: Matrix, tau: number): Matrix =>
  new Matrix(
    x.data.map((value, at) => value + tau * phi.data[at]),
    x.rows,
    x.columns,
  );

describe.each(KERNEL_NAMES)("%s", (name) => {
  const K = kernel(name, { gamma: GAMMA });

  test("values are those of the formula, on the diagonal too", () => {
    const x = normals(7, 4, 1);
    const gram = gramOf(K, kernelPoints(x));
    const naive = Array.from({ length: 49 }, (_, at) => NAIVE[name](x.row(Math.floor(at / 7)), x.row(at % 7), GAMMA));
    expect(relativeError(gram.data, naive)).toBeLessThan(1e-14);
  });

  test("slopes and pulls are derivatives of the values", () => {
    const [x, z, phi] = [normals(5, 4, 2), normals(6, 4, 3), normals(5, 4, 4)];
    const slopes = K.slopes(kernelPoints(x), kernelPoints(z), phi);
    const h = 1e-5;
    const differences = Array.from({ length: 30 }, (_, at) => {
      const [i, j] = [Math.floor(at / 6), at % 6];
      const side = (tau: number) => NAIVE[name](moved(x, phi, tau).row(i), z.row(j), GAMMA);
      return (side(h) - side(-h)) / (2 * h);
    });
    expect(relativeError(slopes.data, differences)).toBeLessThan(1e-8);
    const C = normals(5, 6, 5);
    const pull = K.pull(kernelPoints(x), kernelPoints(z), C);
    for (let i = 0; i < 5; i++) {
      const direct = pull.row(i).reduce((sum, value, k) => sum + value * phi.row(i)[k], 0);
      const bySlopes = slopes.row(i).reduce((sum, value, j) => sum + value * C.row(i)[j], 0);
      expect(direct).toBeCloseTo(bySlopes, 10);
    }
  });

  test("at x = z the derivative is half that of K(x, x)", () => {
    const [x, phi] = [normals(4, 3, 6), normals(4, 3, 7)];
    const slopes = K.slopes(kernelPoints(x), kernelPoints(x), phi);
    const h = 1e-5;
    for (let i = 0; i < 4; i++) {
      const along = (tau: number) => NAIVE[name](moved(x, phi, tau).row(i), moved(x, phi, tau).row(i), GAMMA);
      expect(slopes.data[i * 5]).toBeCloseTo((along(h) - along(-h)) / (4 * h), 7);
    }
  });

  test("second derivatives, pure and mixed, are those of the values where both arguments move", () => {
    const [x, z, phi, psi] = [normals(5, 4, 8), normals(6, 4, 9), normals(5, 4, 10), normals(6, 4, 11)];
    const bends = K.bends?.(kernelPoints(x), kernelPoints(z), phi, psi);
    const h = 1e-4;
    const differences = Array.from({ length: 30 }, (_, at) => {
      const [i, j] = [Math.floor(at / 6), at % 6];
      const both = (tau: number) => NAIVE[name](moved(x, phi, tau).row(i), moved(z, psi, tau).row(j), GAMMA);
      return (both(h) - 2 * both(0) + both(-h)) / h ** 2;
    });
    expect(relativeError(bends?.data ?? [], differences)).toBeLessThan(1e-5);
  });

  test("near and parallel rows lose no digits", () => {
    fc.assert(
      fc.property(fc.integer({ min: -12, max: 0 }), fc.integer({ min: 1, max: 1e6 }), (power, seed) => {
        const x = normals(1, 3, seed);
        const z = moved(x, normals(1, 3, seed + 1), 10 ** power);
        const value = K.values(kernelPoints(x), kernelPoints(z)).data[0];
        const back = K.values(kernelPoints(z), kernelPoints(x)).data[0];
        const slopes = K.slopes(kernelPoints(x), kernelPoints(z), normals(1, 3, seed + 2)).data[0];
        return Number.isFinite(slopes) && Math.abs(value - back) <= 1e-14 * Math.abs(value) + 1e-300;
      }),
      { numRuns: 100 },
    );
  });
});

/** Hidden units f(x) = Σ_r a_r relu(u_r·x)/√R: NNGP = E f f', NTK of the first layer = E a² x·z 1[u·x>0]1[u·z>0]. */
test("NTK and NNGP are the averages of wide random networks", () => {
  const x = normals(4, 5, 21);
  const [units, random] = [400_000, randomStream(5)];
  const [ntk, nngp] = [new Float64Array(16), new Float64Array(16)];
  const u = new Float64Array(5);
  const products = Array.from({ length: 16 }, (_, at) =>
    x.row(Math.floor(at / 4)).reduce((sum, value, k) => sum + value * x.row(at % 4)[k], 0),
  );
  for (let r = 0; r < units; r++) {
    random.fillNormals(u);
    const h = Array.from({ length: 4 }, (_, i) => x.row(i).reduce((sum, value, k) => sum + value * u[k], 0));
    for (let at = 0; at < 16; at++) {
      const [i, j] = [Math.floor(at / 4), at % 4];
      if (h[i] <= 0 || h[j] <= 0) continue;
      ntk[at] += products[at] / units;
      nngp[at] += (h[i] * h[j]) / units;
    }
  }
  const points = kernelPoints(x);
  expect(relativeError(ntk, gramOf(kernel("ntk"), points).data)).toBeLessThan(0.01);
  expect(relativeError(nngp, gramOf(kernel("nngp"), points).data)).toBeLessThan(0.01);
});

test("laplace is refused with the reason", () => {
  expect(() => kernel("laplace", { gamma: 1 })).toThrow(/cusp at its centres.*matern52/);
});

test.each([
  ["rbf", { gamma: 0 }, /needs a width γ above 0, got 0/],
  ["rbf", {}, /needs a width γ above 0, got none/],
  ["poly", { gamma: 1, degree: 2.5 }, /degree/],
  ["sinc", {}, /There is no kernel "sinc": use rbf, matern52, poly, ntk, nngp/],
] as const)("%s with %o is refused", (name, options, message) => {
  expect(() => kernel(name, options)).toThrow(message);
});

test("the median heuristic is 1/(2·median of squared distances)", () => {
  const x = Matrix.fromRows([[0], [1], [3]]);
  expect(medianGamma(x)).toBeCloseTo(1 / 8, 15);
  expect(() => medianGamma(Matrix.fromRows([[1], [1], [1]]))).toThrow(/suggest no width/);
});

describe("a kernel of one's own", () => {
  const value = (x: Float64Array, z: Float64Array): number => NAIVE.rbf(x, z, 0.3);
  const gradient = (x: Float64Array, z: Float64Array, out: Float64Array): void => {
    for (let k = 0; k < x.length; k++) out[k] = -0.6 * (x[k] - z[k]) * value(x, z);
  };

  test("does what the built-in one does", () => {
    const [x, z, phi, C] = [normals(5, 3, 1), normals(4, 3, 2), normals(5, 3, 3), normals(5, 4, 4)].map((M) => M);
    const [own, built] = [customKernel({ name: "own", value, gradient }), kernel("rbf", { gamma: 0.3 })];
    const [px, pz] = [kernelPoints(x), kernelPoints(z)];
    expect(relativeError(own.values(px, pz).data, built.values(px, pz).data)).toBeLessThan(1e-14);
    expect(relativeError(own.slopes(px, pz, phi).data, built.slopes(px, pz, phi).data)).toBeLessThan(1e-13);
    expect(relativeError(own.pull(px, pz, C).data, built.pull(px, pz, C).data)).toBeLessThan(1e-13);
  });

  test("with a wrong derivative is refused", () => {
    const wrong = (x: Float64Array, z: Float64Array, out: Float64Array): void => {
      gradient(x, z, out);
      for (let k = 0; k < out.length; k++) out[k] *= 0.5;
    };
    expect(() => customKernel({ name: "half", value, gradient: wrong })).toThrow(
      /not that of its values.*finite differences/,
    );
  });

  test("with a cusp at its centres is refused, or has to say so", () => {
    const laplace = (x: Float64Array, z: Float64Array): number =>
      Math.exp(-Math.sqrt(x.reduce((s, v, k) => s + (v - z[k]) ** 2, 0)));
    const slope = (x: Float64Array, z: Float64Array, out: Float64Array): void => {
      const length = Math.sqrt(x.reduce((s, v, k) => s + (v - z[k]) ** 2, 0));
      for (let k = 0; k < x.length; k++) out[k] = length === 0 ? 0 : (-laplace(x, z) * (x[k] - z[k])) / length;
    };
    expect(() => customKernel({ name: "laplace", value: laplace, gradient: slope })).toThrow(/kink.*at x = z/);
    expect(
      customKernel({ name: "laplace", value: laplace, gradient: slope, smoothAtCentres: false }).smoothAtCentres,
    ).toBe(false);
  });

  test("that is not symmetric is refused", () => {
    expect(() => customKernel({ name: "odd", value: (x, z) => x[0] + 2 * z[0], gradient })).toThrow(/not symmetric/);
  });
});
