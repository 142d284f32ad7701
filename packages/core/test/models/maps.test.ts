/** Feature maps against explicit features v(x), row by row. */
import { describe, expect, test } from "vitest";
import { Matrix } from "../../src/index.js";
import type { FeatureMap } from "../../src/models/feature-map.js";
import { LinearMap } from "../../src/models/linear-map.js";
import { MonomialMap } from "../../src/models/monomial-map.js";
import { QuadraticMap } from "../../src/models/quadratic-map.js";
import { parseMonomials } from "../../src/models/terms.js";
import {
  dot,
  features,
  hessians,
  jacobian,
  linearTerms,
  numericalGradient,
  quadraticTerms,
  Random,
  type Rows,
  relativeError,
  type Term,
} from "./naive.js";

interface Case {
  readonly name: string;
  readonly map: FeatureMap;
  readonly terms: readonly Term[];
}

const omitted = (j: number, k: number): boolean => (j === 1 && k === 1) || (j === 0 && k === 2);
const constant: Term = { coefficient: 1, powers: [0, 0, 0] };
const monomials: readonly Term[] = [
  { coefficient: 1, powers: [1, 0, 0] },
  { coefficient: 0.25, powers: [2, 0, 0] },
  { coefficient: -3, powers: [1, 2, 0] },
  { coefficient: 1, powers: [0, 0, 3] },
  { coefficient: 0.5, powers: [1, 1, 1] },
];
const basisText = "x1, x1^2/4, -3*x1*x2^2, x3^3, x1*x2*x3/2";

const cases: Case[] = [true, false].flatMap((intercept) => [
  { name: `linear, intercept ${intercept}`, map: new LinearMap(3, intercept), terms: linearTerms(3, intercept) },
  {
    name: `quadratic, intercept ${intercept}`,
    map: new QuadraticMap(3, intercept),
    terms: quadraticTerms(3, intercept),
  },
  {
    name: `quadratic with products left out, intercept ${intercept}`,
    map: new QuadraticMap(3, intercept, omitted),
    terms: quadraticTerms(3, intercept, omitted),
  },
  {
    name: `basis, intercept ${intercept}`,
    map: new MonomialMap(3, intercept, parseMonomials(basisText, ["x1", "x2", "x3"])),
    terms: [...(intercept ? [constant] : []), ...monomials],
  },
]);

test("the explicit derivatives themselves agree with differences", () => {
  const random = new Random(1);
  const x = random.normals(3);
  for (const { terms } of cases) {
    terms.forEach((_, a) => {
      const J = numericalGradient((at) => features(terms, at)[a], x);
      jacobian(terms, x)[a].forEach((value, k) => expect(Math.abs(value - J[k])).toBeLessThan(1e-9));
      x.forEach((__, j) => {
        const row = numericalGradient((at) => jacobian(terms, at)[a][j], x);
        hessians(terms, x)[a][j].forEach((value, k) => expect(Math.abs(value - row[k])).toBeLessThan(1e-8));
      });
    });
  }
});

describe.each(cases)("$name", ({ map, terms }) => {
  const random = new Random(8);
  const n = 37;
  const m = 3;
  const d = terms.length;
  const X: Rows = random.rows(n, m);
  const x = Matrix.fromRows([...X]);
  const V = X.map((row) => features(terms, row));
  const theta = Float64Array.from(random.normals(d));
  const gammaOf = (i: number): number[] =>
    Array.from({ length: m }, (_, k) => jacobian(terms, X[i]).reduce((sum, row, a) => sum + row[k] * theta[a], 0));
  const gammas = (): number[][] => (map.sharedGradient ? [gammaOf(0)] : X.map((_, i) => gammaOf(i)));

  test("size and names", () => {
    expect(map.count).toBe(d);
    expect(map.inputs).toBe(m);
    const names = map.names(["a", "b", "c"]);
    expect(names.length).toBe(d);
    expect(new Set(names).size).toBe(d);
    expect(names[0] === "(intercept)").toBe(map.intercept);
  });

  test.each([1, 4])("scores of %d parameter vectors at once", (K) => {
    const Theta = Matrix.fromRows(Array.from({ length: d }, () => random.normals(K)));
    const scores = map.scores(Theta, x);
    const truth = V.flatMap((v) => Array.from({ length: K }, (_, k) => dot(v, Theta.column(k))));
    expect([scores.rows, scores.columns]).toEqual([n, K]);
    expect(relativeError(scores.data, truth)).toBeLessThan(1e-13);
    // Each column is what it would be alone.
    for (let k = 0; k < K; k++) {
      const alone = map.scores(new Matrix(Theta.column(k), d, 1), x);
      expect(relativeError(alone.data, scores.column(k))).toBeLessThan(1e-13);
    }
  });

  test.each([1, 4])("pullbacks of %d weightings at once, added to what is there", (K) => {
    const Omega = Matrix.fromRows(X.map(() => random.normals(K)));
    const before = Matrix.fromRows(Array.from({ length: d }, () => random.normals(K)));
    const out = new Matrix(before.data.slice(), d, K);
    map.addPullback(x, Omega, out);
    const truth = Array.from({ length: d }, (_, j) =>
      Array.from({ length: K }, (__, k) =>
        V.reduce((sum, v, i) => sum + v[j] * Omega.data[i * K + k], before.data[j * K + k]),
      ),
    ).flat();
    expect(relativeError(out.data, truth)).toBeLessThan(1e-13);
  });

  test.each(["different", "equal", "zero"])("the Gram matrix with %s weights, added to what is there", (kind) => {
    const omega = Float64Array.from(X, () => (kind === "different" ? random.uniform() : kind === "equal" ? 0.37 : 0));
    const out = Matrix.zeros(d, d);
    out.data.fill(2);
    map.addGram(x, omega, out);
    for (let j = 0; j < d; j++) {
      for (let k = 0; k <= j; k++) {
        const truth = V.reduce((sum, v, i) => sum + omega[i] * v[j] * v[k], 2);
        expect(Math.abs(out.data[j * d + k] - truth)).toBeLessThan(1e-12 * (1 + Math.abs(truth)));
      }
    }
  });

  test("input gradients", () => {
    const gamma = map.inputGradients(theta, x);
    expect(relativeError(gamma.data, gammas().flat())).toBeLessThan(1e-13);
    // Where a store gives room, whatever lies in it.
    const inStore = map.inputGradients(theta, x, (length) => new Float64Array(length).fill(Number.NaN));
    expect([...inStore.data]).toEqual([...gamma.data]);
    // And so by differences of the score itself.
    X.slice(0, 5).forEach((row, i) => {
      const slope = numericalGradient((at) => dot(features(terms, at), theta), row);
      expect(relativeError(gamma.row(map.sharedGradient ? 0 : i), slope)).toBeLessThan(1e-8);
    });
  });

  test.each([false, true])("pullback through ∂v/∂x; one direction for all rows: %s", (shared) => {
    const phi = random.rows(shared ? 1 : n, m);
    const omega = Float64Array.from(random.normals(n));
    const out = Float64Array.from(random.normals(d));
    const truth = Array.from(out);
    X.forEach((row, i) => {
      jacobian(terms, row).forEach((line, a) => {
        truth[a] += omega[i] * dot(line, phi[shared ? 0 : i]);
      });
    });
    map.addJacobianPullback(x, Matrix.fromRows(phi), omega, out);
    expect(relativeError(out, truth)).toBeLessThan(1e-12);
  });

  test.each([false, true])("curvature φ'(∇²_x f)φ; one direction for all rows: %s", (shared) => {
    const phi = random.rows(shared ? 1 : n, m);
    const bend = map.curvature(theta, x, Matrix.fromRows(phi));
    const truth = X.map((row, i) => {
      const d_ = phi[shared ? 0 : i];
      const second = hessians(terms, row);
      let sum = 0;
      for (let a = 0; a < d; a++) for (let j = 0; j < m; j++) sum += theta[a] * d_[j] * dot(second[a][j], d_);
      return sum;
    });
    if (bend === null) expect(truth.every((value) => value === 0)).toBe(true);
    else expect(relativeError(bend, truth)).toBeLessThan(1e-12);
  });

  test.each([false, true])("(∇²_x f)φ, and φ'(∇²v)φ feature by feature; one direction for all rows: %s", (shared) => {
    const phi = random.rows(shared ? 1 : n, m);
    const omega = Float64Array.from(random.normals(n));
    const out = Float64Array.from(random.normals(d));
    const truth = Array.from(out);
    const turned = X.map((row, i) => {
      const d_ = phi[shared ? 0 : i];
      const sum = d_.map(() => 0);
      hessians(terms, row).forEach((second, a) => {
        truth[a] += omega[i] * d_.reduce((total, value, j) => total + value * dot(second[j], d_), 0);
        second.forEach((line, j) => {
          sum[j] += theta[a] * dot(line, d_);
        });
      });
      return sum;
    });
    map.addCurvaturePullback(x, Matrix.fromRows(phi), omega, out);
    expect(relativeError(out, truth)).toBeLessThan(1e-12);
    const found = map.curvatureTimes(theta, x, Matrix.fromRows(phi));
    expect(relativeError(found ? found.data : new Float64Array(n * m), turned.flat())).toBeLessThan(1e-12);
  });

  test("explicit features, and products with ∂v/∂x", () => {
    expect(relativeError(map.features(x).data, V.flat())).toBeLessThan(1e-14);
    for (const shared of [false, true]) {
      const phi = random.rows(shared ? 1 : n, m);
      const found = map.jacobianTimes(x, Matrix.fromRows(phi));
      const truth = X.map((row, i) => jacobian(terms, row).map((line) => dot(line, phi[shared ? 0 : i])));
      const rows = found.rows === 1 ? truth.slice(0, 1) : truth;
      expect(relativeError(found.data, rows.flat())).toBeLessThan(1e-13);
      // One row stands for all of them only where both V and φ are shared.
      if (found.rows === 1) expect(map.sharedGradient && shared).toBe(true);
      const h = random.rows(shared ? 1 : n, m).map((row) => row.map((value) => value * value));
      const omega = Float64Array.from(X, () => random.uniform());
      const out = Matrix.zeros(d, d);
      out.data.fill(1);
      map.addJacobianGram(x, Matrix.fromRows(h), omega, out);
      for (let a = 0; a < d; a++) {
        for (let b = 0; b <= a; b++) {
          let gram = 1;
          X.forEach((row, i) => {
            const J = jacobian(terms, row);
            for (let k = 0; k < m; k++) gram += omega[i] * h[shared ? 0 : i][k] * J[a][k] * J[b][k];
          });
          expect(Math.abs(out.data[a * d + b] - gram)).toBeLessThan(1e-12 * (1 + Math.abs(gram)));
        }
      }
    }
  });

  test("an empty block adds nothing", () => {
    const none = Matrix.zeros(0, m);
    const pull = Matrix.zeros(d, 2);
    const gram = Matrix.zeros(d, d);
    const jac = new Float64Array(d);
    map.addPullback(none, Matrix.zeros(0, 2), pull);
    map.addGram(none, new Float64Array(0), gram);
    map.addJacobianPullback(none, Matrix.zeros(map.sharedGradient ? 1 : 0, m), new Float64Array(0), jac);
    expect(map.scores(Matrix.zeros(d, 2), none).rows).toBe(0);
    expect([...pull.data, ...gram.data, ...jac].every((value) => value === 0)).toBe(true);
  });

  test("which inputs the score uses", () => {
    for (let k = 0; k < m; k++) expect(map.usesInput(k)).toBe(terms.some(({ powers }) => powers[k] > 0));
  });
});

test("more rows than the Gram matrix forms at once", () => {
  const random = new Random(9);
  const m = 12;
  const X = random.rows(3000, m);
  const map = new QuadraticMap(m, true);
  const d = map.count;
  const out = Matrix.zeros(d, d);
  map.addGram(Matrix.fromRows(X), new Float64Array(3000).fill(1), out);
  const terms = quadraticTerms(m, true);
  const V = X.map((row) => features(terms, row));
  for (const [j, k] of [
    [0, 0],
    [5, 3],
    [d - 1, d - 1],
    [d - 1, 0],
    [40, 17],
  ]) {
    const truth = V.reduce((sum, v) => sum + v[j] * v[k], 0);
    expect(Math.abs(out.data[j * d + k] - truth)).toBeLessThan(1e-11 * (1 + Math.abs(truth)));
  }
});

test("products are named in lexicographic order, as parameters are ordered", () => {
  expect(new QuadraticMap(3, true).names(["a", "b", "c"])).toEqual([
    "(intercept)",
    "a",
    "b",
    "c",
    "a^2",
    "a*b",
    "a*c",
    "b^2",
    "b*c",
    "c^2",
  ]);
});
