/** Systems with H + λI and what a response says of itself, on a dozen rows in blocks of a few, against eliminations by hand. */
import { beforeAll, describe, expect, test } from "vitest";
import { ensureBlas, lp, Matrix, matrixDataset } from "../../../src/index.js";
import { dampingCurve } from "../../../src/influence/local/damping-curve.js";
import { factorise } from "../../../src/influence/local/dense-factor.js";
import { influenceOn, localInfluence, localInfluences } from "../../../src/influence/local/influence.js";
import { type ModelPoint, pointAt } from "../../../src/influence/local/point.js";
import { localSystem } from "../../../src/influence/local/system.js";
import { dot, Random, relativeError, solve } from "../../models/naive.js";
import { Cut } from "../cut.js";
import { gradientOf, numericalHessian, smallNetwork, userLoss } from "./user-losses.js";

beforeAll(() => ensureBlas());

const INF = Number.POSITIVE_INFINITY;
const L2 = 0.05;
const DAMPING = 2;
const made = smallNetwork(4, { n: 12, m: 2, width: 2 });
const { model, start } = made;
const data = new Cut(made.data, 5);
const d = start.length;

/** H + λI and Φ of the network, by differences of the gradient. */
const dampedHessian = (damping: number): number[][] =>
  numericalHessian((theta) => gradientOf(model, made.data, L2, theta), start).map((row, i) =>
    row.map((value, j) => value + (i === j ? damping : 0)),
  );

/** A least-squares line on rows that are all multiples of (1, 2): H has rank 1. */
const pointOnLine = (theta: readonly number[]) =>
  pointAt(
    userLoss("half", 2, false),
    matrixDataset(
      Matrix.fromRows([
        [1, 2],
        [2, 4],
        [-1, -2],
      ]),
      [1, 3, -1],
    ),
    theta,
  );

describe("systems with H + λI", () => {
  const point = (): Promise<ModelPoint> => pointAt(model, data, start, { l2: L2 });
  const right = new Matrix(Float64Array.from(new Random(5).normals(2 * d)), d, 2);

  test.each(["auto", "cholesky", "cg", "nystrom"] as const)("%s: what elimination gives", async (solver) => {
    const system = await localSystem(await point(), { damping: DAMPING, solver }, 2);
    const found = await system.solve(right);
    const H = dampedHessian(DAMPING);
    for (const k of [0, 1]) {
      const x = solve(H, [...right.column(k)]);
      expect(relativeError(found.solution.column(k), x)).toBeLessThan(solver === "nystrom" ? 1e-4 : 1e-7);
      const miss = [...right.column(k)].map((b, i) => b - dot(H[i], found.solution.column(k)));
      const share = Math.hypot(...miss) / Math.hypot(...right.column(k));
      expect(Math.abs(found.residuals[k] - share)).toBeLessThan(1e-7);
    }
    expect(found.converged).toBe(true);
    expect(found.relativeResidual).toBe(Math.max(...found.residuals));
    expect([...found.outOfRange]).toEqual([0, 0]);
    const dense = solver === "auto" || solver === "cholesky";
    expect(system.choice.name).toBe(dense ? "cholesky" : solver);
    expect(found.solver).toBe(dense ? "cholesky" : solver);
    expect(system.rank).toBe(dense ? d : null);
    expect(system.matrix === null).toBe(!dense);
    expect([system.damping, system.curvature]).toEqual([DAMPING, "hessian"]);
    if (dense) {
      expect(found.end).toBe("converged");
      expect(found.curvature).toBeNull();
      expect(found.sketchProducts).toBe(0);
      // One pass for the residual of the solution, one for each that refines it.
      expect(found.products).toBeGreaterThanOrEqual(4);
      expect(found.products).toBeLessThanOrEqual(6);
      expect(found.iterations).toBeLessThanOrEqual(2);
      const entry = system.matrix?.data[0] ?? Number.NaN;
      expect(entry).toBeCloseTo(dampedHessian(0)[0][0], 7);
    }
  });

  test("extreme eigenvalues of H itself, with H formed and without", async () => {
    const H = dampedHessian(0);
    // Power iteration on H + 10I and on 10I − H.
    const power = (sign: number): number => {
      let v = new Array<number>(d).fill(0).map((_, j) => 1 + 0.1 * j);
      for (let step = 0; step < 5000; step++) {
        const image = v.map((value, i) => 10 * value + sign * dot(H[i], v));
        v = image.map((value) => value / Math.hypot(...image));
      }
      return v.reduce((sum, value, i) => sum + value * dot(H[i], v), 0);
    };
    for (const solver of ["cholesky", "cg"] as const) {
      const { smallest, largest } = await (
        await localSystem(await point(), { damping: DAMPING, solver }, 1)
      ).extremes();
      expect(largest.value).toBeCloseTo(power(1), 5);
      expect(smallest.value).toBeCloseTo(power(-1), 5);
    }
    const gaussNewton = await localSystem(await point(), { curvature: "gauss-newton", solver: "cg", damping: 1 }, 1);
    const { floor, largest } = await gaussNewton.extremes();
    expect(floor).toBe(0);
    expect(largest.value).toBeGreaterThan(0);
  });

  test("solutions that need few digits stop early; those of the same rows by other passes are the same", async () => {
    const system = await localSystem(await point(), { damping: 0.5, solver: "cg" }, 2);
    const fine = await system.solve(right);
    const { gaussNewtonRows: _rows, ...other } = model;
    const sketched = await localSystem({ ...(await point()), model: other }, { damping: 0.5, solver: "cg" }, 2);
    const rough = await sketched.solve(right, {}, 1e-2);
    const exact = await sketched.solve(right);
    expect(rough.relativeResidual).toBeLessThanOrEqual(1e-2);
    expect(exact.relativeResidual).toBeLessThanOrEqual(1e-10);
    expect(relativeError(exact.solution.data, fine.solution.data)).toBeLessThan(1e-8);
    expect(rough.products).toBeLessThanOrEqual(exact.products);
    const each = await sketched.solve(right, {}, Float64Array.of(0.5, 0));
    expect(each.residuals[1]).toBeLessThanOrEqual(1e-10);
    const passing = system.on(made.data);
    expect(relativeError((await passing.solve(right)).solution.data, fine.solution.data)).toBeLessThan(1e-8);
    expect(passing.damping).toBe(0.5);
    const tight = await localSystem(
      await point(),
      { damping: 0.5, solver: "cg", tolerance: 1e-2, cgTolerance: 1e-12 },
      2,
    );
    expect((await tight.solve(right)).relativeResidual).toBeLessThanOrEqual(1e-12);
    const loose = await localSystem(
      { ...(await point()), model: other },
      { damping: 0.5, solver: "cg", tolerance: 1e-3 },
      2,
    );
    const { relativeResidual } = await loose.solve(right);
    expect(relativeResidual).toBeLessThanOrEqual(1e-3);
    const short = await localSystem(
      { ...(await point()), model: other },
      { damping: 1e-3, solver: "cg", maximumIterations: 1 },
      2,
    );
    const cut = await short.solve(right).catch(() => null);
    expect(cut?.converged ?? false).toBe(false);
  });

  test("preconditioners: by choice, for another λ, and one at hand", async () => {
    const layered = await localSystem(await point(), { damping: DAMPING, solver: "cg" }, 1);
    expect(layered.choice.preconditioner).toBe("gauss-newton");
    const made_ = await layered.preconditioner();
    expect(made_?.name).toBe("gauss-newton");
    expect(await layered.preconditioner()).toBe(made_);
    expect(await layered.preconditioner({}, 3)).not.toBe(made_);
    const given = made_ ?? undefined;
    const borrowed = await localSystem(await point(), { damping: DAMPING, solver: "cg", preconditioner: given }, 1);
    expect(await borrowed.preconditioner()).toBe(given);
    const formed = await localSystem(await point(), { damping: DAMPING }, 1);
    expect((await formed.preconditioner())?.name).toBe("none");
  });

  test("a singular H: its pseudo-inverse; an indefinite one: nothing to solve with", async () => {
    const at = await pointOnLine([0.1, 0.2]);
    const system = await localSystem(at, {}, 1);
    expect(system.rank).toBe(1);
    const found = await system.solve(new Matrix(Float64Array.of(1, 2), 2, 1));
    expect(found.solver).toBe("pseudo-inverse");
    // H = 2(1, 2)(1, 2)', so that H⁺(1, 2)' = (1, 2)'/10.
    expect(relativeError(found.solution.data, [0.1, 0.2])).toBeLessThan(1e-12);
    const outside = await system.solve(new Matrix(Float64Array.of(2, -1), 2, 1));
    // In units in which both parameters have a curvature of 1, (2, −1) is (4, −1)/√8, and (5, −5)/√32 of it is not reached.
    expect(outside.outOfRange[0]).toBeCloseTo(5 / Math.sqrt(34), 12);
    const bent = await localSystem(await point(), {}, 1);
    const refused = await bent.solve(new Matrix(start, d, 1));
    expect([refused.end, refused.converged, refused.iterations]).toEqual(["indefinite", false, 0]);
    expect(refused.curvature ?? 0).toBeLessThan(0);
  });
});

describe("a dense factor", () => {
  test("where it can be trusted, where H is singular, and where it is indefinite", () => {
    const sound = factorise(
      Matrix.fromRows([
        [3, 0],
        [1, 1],
      ]),
      1,
    );
    expect([sound?.method, sound?.rank, sound?.smallest]).toEqual(["cholesky", 2, null]);
    expect(relativeError(sound?.solve(Matrix.fromRows([[1], [0]])).data ?? [], [2 / 7, -1 / 7])).toBeLessThan(1e-13);
    expect([
      ...(sound?.outOfRange(
        Matrix.fromRows([
          [1, 2],
          [0, 3],
        ]),
      ) ?? []),
    ]).toEqual([0, 0]);
    const singular = factorise(
      Matrix.fromRows([
        [1, 0],
        [1, 1],
      ]),
      0,
    );
    expect([singular?.method, singular?.rank]).toEqual(["pseudo-inverse", 1]);
    expect(Math.abs(singular?.smallest ?? 1)).toBeLessThan(1e-14);
    const share =
      singular?.outOfRange(
        Matrix.fromRows([
          [1, 1],
          [1, -1],
        ]),
      ) ?? [];
    expect(share[0]).toBeCloseTo(0, 12);
    expect(share[1]).toBeCloseTo(1, 12);
    expect(relativeError(singular?.solve(Matrix.fromRows([[1], [1]])).data ?? [], [0.5, 0.5])).toBeLessThan(1e-12);
    const bent = factorise(
      Matrix.fromRows([
        [1, 0],
        [2, 1],
      ]),
      0.5,
    );
    expect([bent?.method, bent?.rank]).toEqual(["indefinite", 2]);
    expect(bent?.smallest).toBeCloseTo(-0.5, 12);
    expect([
      ...(bent?.solve(
        Matrix.fromRows([
          [1, 2],
          [3, 4],
        ]),
      ).data ?? []),
    ]).toEqual([0, 0, 0, 0]);
    expect([
      ...(bent?.outOfRange(
        Matrix.fromRows([
          [1, 2],
          [3, 4],
        ]),
      ) ?? []),
    ]).toEqual([0, 0]);
  });

  test("a singular matrix too large for its eigenvectors has none", () => {
    expect(factorise(Matrix.zeros(1501, 1501), 0)).toBeNull();
    expect(factorise(Matrix.zeros(3, 3), 0)?.rank).toBe(0);
  });
});

describe("what a response says of itself", () => {
  test("the step towards the minimum, with the gradient and apart; counts and names", async () => {
    const point = await pointAt(model, data, start, { l2: L2 });
    const H = dampedHessian(DAMPING);
    const g = gradientOf(model, made.data, L2, start);
    const step = solve(H, [...g]);
    for (const options of [{}, { solver: "cg", cgTolerance: 1e-9 }, { solver: "cg" }] as const) {
      const [one, two] = await localInfluences(point, [lp(2), lp(3)], { damping: DAMPING, ...options });
      for (const { local } of [one, two]) {
        expect(
          relativeError(
            local.shift,
            step.map((value) => -value),
          ),
        ).toBeLessThan(1e-3);
        expect(local.newtonDecrement / (0.5 * dot(g, step))).toBeCloseTo(1, 3);
        expect(local.gradientNorm).toBe(point.gradientNorm);
      }
      for (const attack of [one, two]) {
        const I = solve(H, [...attack.penaltyGradient]).map((value) => -value);
        expect(relativeError(attack.influence, I)).toBeLessThan(1e-6);
        expect(attack.solver.relativeResidual).toBeLessThan(1e-8);
        expect(attack.solver.converged).toBe(true);
      }
      expect(one.solver.name).toBe("solver" in options ? "cg" : "cholesky");
      expect(one.solver.rank).toBe("solver" in options ? null : d);
      expect(one.solver.memoryBytes).toBeGreaterThan(0);
      expect(one.damping).toBe(DAMPING);
    }
    const [quiet] = await localInfluences(point, [lp(2)], { damping: DAMPING, eigenvalues: false });
    expect([quiet.local.smallestEigenvalue, quiet.local.largestEigenvalue, quiet.local.proposedDamping]).toEqual([
      null,
      null,
      null,
    ]);
    const other = influenceOn(quiet, made.data);
    expect(other.point.data).toBe(made.data);
    expect(other.influence).toBe(quiet.influence);
  });

  test("at a minimum there is no step, and rounding of the gradient is not solved for", async () => {
    const line = userLoss("half", 2, true);
    const rows = matrixDataset(
      Matrix.fromRows([
        [1, 0],
        [0, 1],
        [-1, 0],
        [0, -1],
        [0.5, 0.3],
      ]),
      [2, 1, -1.5, 0.4, 1],
    );
    const first = await localInfluence(await pointAt(line, rows, [0, 0, 0]), lp(2));
    expect(Math.hypot(...first.local.shift)).toBeGreaterThan(0.1);
    expect(first.local.newtonDecrement).toBeGreaterThan(0);
    // One Newton step of a quadratic loss ends at its minimum.
    const minimum = await localInfluence(await pointAt(line, rows, first.local.shift), lp(2));
    expect(minimum.local.gradientNorm).toBeLessThan(1e-8);
    expect(minimum.local.shift.every((value) => value === 0)).toBe(true);
    expect(minimum.local.newtonDecrement).toBe(0);
    expect(minimum.local.proposedDamping).toBe(0);
    expect(minimum.local.smallestEigenvalue).toBeGreaterThan(0);
    expect(minimum.local.largestEigenvalue).toBeGreaterThan(minimum.local.smallestEigenvalue ?? 9);
  });

  test("a singular H with Φ outside its range is named, and what would do; a λ makes it regular", async () => {
    const at = await pointOnLine([0.1, 0.5]);
    await expect(localInfluence(at, lp(INF))).rejects.toThrow(
      /^The Hessian is singular \(rank 1 of 2 parameters, 3 rows\) and the adversary pulls along directions that the data do not determine \(share \d\.\de-\d\), so no adversarial influence exists: add a damping such as --damping 0\.001/,
    );
    const [damped] = await localInfluences(at, [lp(INF)], { damping: 0.1 });
    expect(damped.solver.rank).toBe(2);
  });

  test("the curve against λ: a λ asked twice, one where H + λI is not definite, and Φ outside a singular H", async () => {
    const point = await pointAt(model, data, start, { l2: L2 });
    const attack = await localInfluence(point, lp(2), { damping: DAMPING });
    const lowest = attack.local.smallestEigenvalue ?? 0;
    expect(lowest).toBeLessThan(0);
    const list = [1, 3, 1, -0.5 * lowest];
    for (const one of [attack, { ...attack, system: { ...attack.system, matrix: null } }]) {
      const curve = await dampingCurve(one, list);
      expect(curve.map(({ damping }) => damping)).toEqual(list);
      expect(curve[2]).toEqual(curve[0]);
      expect([curve[3].sensitivity, curve[3].length]).toEqual([null, null]);
      for (const k of [0, 1]) {
        const x = solve(dampedHessian(list[k]), [...attack.penaltyGradient]);
        const image = dampedHessian(0).map((row) => dot(row, x));
        expect((curve[k].sensitivity ?? 0) / (0.5 * dot(x, image))).toBeCloseTo(1, 6);
        expect((curve[k].length ?? 0) / Math.hypot(...x)).toBeCloseTo(1, 6);
      }
    }
    await expect(dampingCurve(attack, [1, Number.NaN])).rejects.toThrow("The damping must be a number ≥ 0, got NaN.");
    await expect(dampingCurve(attack, [INF])).rejects.toThrow("got Infinity");
    expect(await dampingCurve(attack, [])).toEqual([]);

    const line = userLoss("half", 2, false);
    const rows = matrixDataset(
      Matrix.fromRows([
        [1, 2],
        [2, 4],
        [-1, -2.5],
      ]),
      [1, 3, -1],
    );
    const flat = await localInfluence(await pointAt(line, rows, [0.1, 0.4]), lp(2), { damping: 1 });
    const singular = Matrix.fromRows([
      [4, 0],
      [0, 0],
    ]);
    const with_ = (Phi: number[]) => ({
      ...flat,
      penaltyGradient: Float64Array.from(Phi),
      system: { ...flat.system, matrix: singular },
    });
    expect(await dampingCurve(with_([2, 0]), [0, 4])).toEqual([
      { damping: 0, sensitivity: 0.5, length: 0.5 },
      { damping: 4, sensitivity: 0.125, length: 0.25 },
    ]);
    // In other units of the loss the same: λ and S go with it.
    const small = {
      ...with_([2e-9, 0]),
      system: {
        ...flat.system,
        matrix: Matrix.fromRows([
          [4e-9, 0],
          [0, 0],
        ]),
      },
    };
    const [scaled, more] = await dampingCurve(small, [0, 4e-9]);
    expect([scaled.length, more.length]).toEqual([0.5, 0.25]);
    expect((scaled.sensitivity ?? 0) / 0.5e-9).toBeCloseTo(1, 12);
    expect((more.sensitivity ?? 0) / 0.125e-9).toBeCloseTo(1, 12);
    expect(await dampingCurve(with_([2, 1]), [0, 1])).toEqual([
      { damping: 0, sensitivity: null, length: null },
      { damping: 1, sensitivity: 0.5 * 4 * (2 / 5) ** 2, length: Math.hypot(2 / 5, 1) },
    ]);
  });
});
