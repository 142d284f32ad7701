/** Which preconditioner stands before conjugate gradients, when it is made, and what is refused or told instead. */
import { beforeAll, describe, expect, test } from "vitest";
import { AifError, ensureBlas, lp, Matrix, matrixDataset } from "../../../src/index.js";
import { factorise } from "../../../src/influence/local/dense-factor.js";
import { localInfluence, localInfluences } from "../../../src/influence/local/influence.js";
import { pointAt } from "../../../src/influence/local/point.js";
import { adversarialPulls } from "../../../src/influence/local/pull.js";
import { localSystem } from "../../../src/influence/local/system.js";
import { NO_PRECONDITIONER } from "../../../src/solvers/preconditioner.js";
import { divergence } from "../../../src/threats/divergence.js";
import { wasserstein } from "../../../src/threats/wasserstein.js";
import { dot, Random, relativeError } from "../../models/naive.js";
import { Cut } from "../cut.js";
import { gradientOf, numericalHessian, smallNetwork, userLoss } from "./user-losses.js";

beforeAll(() => ensureBlas());

const made = smallNetwork(4, { n: 12, m: 2, width: 2 });
const { model, start } = made;
const data = new Cut(made.data, 5);
const d = start.length;
const right = new Matrix(Float64Array.from(new Random(5).normals(d)), d, 1);

describe("the Gauss–Newton part in front of conjugate gradients", () => {
  const options = { damping: 2, solver: "cg" } as const;

  test("is dropped, with the reason, where a later block does not give it", async () => {
    // The probe looks at the first rows of the whole; the blocks of the data begin at rows 0, 5 and 10.
    const broken = {
      ...model,
      gaussNewtonRows: (...[theta, block]: Parameters<NonNullable<typeof model.gaussNewtonRows>>) =>
        block.firstRow > 0 ? null : (model.gaussNewtonRows?.(theta, block) ?? null),
    };
    const system = await localSystem(await pointAt(broken, data, start), options, 1);
    expect(system.choice.preconditioner).toBe("gauss-newton");
    const { solution, converged } = await system.solve(right);
    expect(system.choice).toMatchObject({ name: "cg", preconditioner: "none" });
    expect(system.choice.reason).toBe(
      "CG: the loss is not convex in the outputs of all rows, so that there is no Gauss–Newton part to begin with.",
    );
    expect(converged).toBe(true);
    const whole = await localSystem(await pointAt(model, data, start), options, 1);
    const wanted = await whole.solve(right);
    expect(whole.choice.preconditioner).toBe("gauss-newton");
    expect(relativeError(solution.data, wanted.solution.data)).toBeLessThan(1e-7);
    // It is exact but for how the outputs bend.
    expect(wanted.products).toBeLessThan((await system.solve(right)).products + 1);
  });

  test("one at hand serves its own λ only, and none is taken where there is no use for it", async () => {
    const layered = await localSystem(await pointAt(model, data, start), options, 1);
    const given = (await layered.preconditioner()) ?? undefined;
    const borrowed = await localSystem(
      await pointAt(model, data, start),
      { ...options, ...(given && { preconditioner: given }) },
      1,
    );
    expect(await borrowed.preconditioner()).toBe(given);
    expect(await borrowed.preconditioner({}, 3)).not.toBe(given);
    // Without any λ there is no factor of what has no ridge: the one at hand serves.
    expect(await layered.preconditioner({}, 0)).toBe(given);
    const penalised = await localSystem(await pointAt(model, data, start, { l2: 0.1 }), options, 1);
    const all = await localSystem({ ...(await pointAt(model, data, start)), ridge: start.map(() => 0.1) }, options, 1);
    expect(await penalised.preconditioner({}, 0)).toBe(await penalised.preconditioner());
    expect(await all.preconditioner({}, 0)).not.toBe(await all.preconditioner());
    const formed = await localSystem(
      await pointAt(model, data, start),
      { damping: 2, ...(given && { preconditioner: given }) },
      1,
    );
    expect((await formed.preconditioner())?.name).toBe("none");
  });
});

describe("a dense factor", () => {
  test("with a tiny pivot is trusted as long as its condition allows", () => {
    // (1, 1 − δ; 1 − δ, 1): pivot √(2δ), condition 2/δ, smallest eigenvalue δ.
    const nearly = (delta: number) =>
      factorise(
        Matrix.fromRows([
          [1, 0],
          [1 - delta, 1],
        ]),
        0,
      );
    for (const delta of [1e-2, 1e-7, 2 ** -43]) expect(nearly(delta)?.method).toBe("cholesky");
    expect(nearly(2 ** -52)).toMatchObject({ method: "pseudo-inverse", rank: 1 });
    const x = nearly(2 ** -43)?.solve(Matrix.fromRows([[1], [-1]])).data ?? [];
    expect(x[0] / 2 ** 43).toBeCloseTo(1, 10);
    expect(x[1] / 2 ** 43).toBeCloseTo(-1, 10);
  });
});

describe("an indefinite H + λI", () => {
  test("is solved for once, not refined", async () => {
    const bent = await localSystem(await pointAt(model, data, start), {}, 1);
    const refused = await bent.solve(right);
    expect(refused).toMatchObject({ end: "indefinite", iterations: 0, products: 1, solver: "cholesky" });
    expect([...refused.solution.data].every((value) => value === 0)).toBe(true);
  });
});

test("an indefinite H is refused with its smallest eigenvalue and the λ that would do, whatever the solver", async () => {
  const point = await pointAt(model, data, start);
  const H = numericalHessian((theta) => gradientOf(model, made.data, 0, theta), start);
  // Power iteration on 10I − H.
  let v = start.map((_, j) => 1 + 0.1 * j);
  for (let step = 0; step < 8000; step++) {
    const image = v.map((value, i) => 10 * value - dot(H[i], v));
    const length = Math.hypot(...image);
    v = image.map((value) => value / length);
  }
  const lowest = v.reduce((sum, value, i) => sum + value * dot(H[i], v), 0);
  expect(lowest).toBeLessThan(0);
  const said = async (options: Parameters<typeof localInfluence>[2]): Promise<string> =>
    localInfluence(point, lp(2), options).then(
      () => "",
      (error: unknown) => (error instanceof AifError && error.code === "numerical" ? error.message : ""),
    );
  for (const options of [{}, { solver: "cg" }, { eigenvalues: false }, { solver: "cg", eigenvalues: false }] as const) {
    for (const damping of [0, -0.4 * lowest]) {
      const text = await said({ ...options, damping });
      const [, value, least] =
        /^The Hessian.* is not positive definite at these parameters \(smallest eigenvalue (\S+)\): use --damping \S+ \(at least (\S+)\), or --curvature gauss-newton\.$/.exec(
          text,
        ) ?? [];
      expect(Number(value) / lowest).toBeCloseTo(1, 3);
      expect(Number(least) / -lowest).toBeCloseTo(1.001, 2);
      expect(text.startsWith(`The Hessian${damping > 0 ? ` with a damping of ${damping}` : ""} is not`)).toBe(true);
    }
  }
});

describe("several threats", () => {
  test("one that pulls nowhere has converged where the others have not", async () => {
    const random = new Random(2);
    const X = random.rows(12, 6);
    const y = X.map((_, i) => (i % 2 === 0 ? 1 : -1));
    // At θ = 0 all losses are ½: nothing is gained by other weights.
    const point = await pointAt(userLoss("half", 6, false), matrixDataset(Matrix.fromRows(X), y), new Float64Array(6));
    const at = point.parameters.slice().fill(0.3);
    const elsewhere = await pointAt(userLoss("half", 6, false), point.data, at);
    const options = {
      solver: "cg",
      damping: 1e-3,
      maximumIterations: 1,
      allowUnconverged: true,
      preconditioner: NO_PRECONDITIONER,
    } as const;
    const [flat, steep] = await localInfluences(point, [divergence("chi2"), lp(3)], options);
    expect(flat.influence.every((value) => value === 0)).toBe(true);
    expect(flat.solver).toMatchObject({ converged: true, relativeResidual: 0, end: "iteration-limit" });
    expect(steep.influence.every((value) => value === 0)).toBe(true);
    const [lone] = await localInfluences(elsewhere, [lp(3)], options);
    expect(lone.solver.converged).toBe(false);
    expect(lone.solver.relativeResidual).toBeGreaterThan(1e-10);
  });

  test("with one budget need their rows in memory; each on its own does not", async () => {
    const point = await pointAt(model, data, start);
    const passing = { ...point, data: Object.assign(Object.create(data), { pass: async () => undefined }) };
    const asked = adversarialPulls(passing, [lp(2), wasserstein(2, lp(2))]);
    await expect(asked).rejects.toThrow("Rows that share a budget must all be in memory.");
    await expect(asked).rejects.toBeInstanceOf(AifError);
  });

  test("a response is made of the pull and the system, whatever the solver", async () => {
    const point = await pointAt(model, data, start, { l2: 0.05 });
    const dense = await localInfluence(point, lp(2), { damping: 2 });
    for (const solver of ["cg", "nystrom"] as const) {
      const other = await localInfluence(point, lp(2), { damping: 2, solver });
      expect(relativeError(other.influence, dense.influence)).toBeLessThan(1e-3);
      expect(other.solver.name).toBe(solver);
    }
  });
});
