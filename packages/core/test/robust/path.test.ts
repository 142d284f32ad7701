/** The path of robust optima against single optima, the AIF at its start, the golden fixture, and what happens at its events. */
import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Fit,
  fit,
  fitAt,
  influence,
  linear,
  logistic,
  lp,
  Matrix,
  matrixDataset,
  type Threat,
} from "../../src/index.js";
import { findOptimum, robustOptimum } from "../../src/robust/optimum.js";
import { robustProblem } from "../../src/robust/optimum-problem.js";
import type { RobustOptimum } from "../../src/robust/optimum-result.js";
import { type RobustPath, robustPath } from "../../src/robust/path.js";
import { pathMotion } from "../../src/robust/path-bend.js";
import type { RobustPathEvent } from "../../src/robust/path-events.js";
import { pathVelocity } from "../../src/robust/path-velocity.js";
import { exponentOf, golden, goldenData, goldenModel, goldenName, relativeError } from "../golden.js";
import { type ModelName, randomCase } from "../influence/problems.js";
import { drawsOf } from "../long.js";
import { largest, Random } from "../models/naive.js";

const INF = Number.POSITIVE_INFINITY;
const MODELS: readonly ModelName[] = ["linear", "half", "logistic", "poisson"];
const EXPONENTS = [1, 1.5, 2, 3, INF];

/** max |a − b| relative to the natural fit: near the collapse the coefficients themselves are 0. */
const distance = (a: Float64Array, b: Float64Array, { parameters }: Fit): number =>
  largest(a.map((value, j) => value - b[j])) / largest(parameters);

test("velocities of the golden robust fits", async () => {
  for (const c of golden.cases.filter((one) => one.robust && !one.model.startsWith("quadratic"))) {
    const data = goldenData(c);
    const fitted = await fit(goldenModel(c), data, { l2: c.l2 });
    const threat = lp(exponentOf(c.p))(data.features.length);
    for (const [epsilon, truth] of Object.entries(c.robust ?? {})) {
      const { velocity } = truth as unknown as { velocity: number[] };
      const path = await robustPath(fitted, threat, { radiusMax: Number(epsilon) * c.c });
      const last = path.points[path.points.length - 1];
      expect(last.radius).toBe(Number(epsilon) * c.c);
      expect(distance(last.parameters, Float64Array.from(truth.theta), fitted), goldenName(c)).toBeLessThan(1e-9);
      const error =
        largest(velocity.map((value, j) => c.c * last.velocity[j] - value)) / Math.max(1, largest(velocity));
      expect(error, `${goldenName(c)} ${epsilon}`).toBeLessThan(1e-7);
    }
  }
});

describe("the start of the path is the AIF", () => {
  test.each(EXPONENTS)("of random fits, p = %d", async (p) => {
    for (const model of MODELS) {
      const one = randomCase(model, 5, { p, n: 30, weighted: true, l2: 0.05, budgets: [1, 0.5, 2] });
      const fitted = await fit(one.describe, one.data, { l2: one.l2 });
      const attack = await influence(fitted, one.threat);
      const { points } = await robustPath(fitted, attack.threat, { radiusMax: 0.01 * attack.scale });
      expect(points[0].radius).toBe(0);
      expect(points[0].parameters).toEqual(fitted.parameters);
      const velocity = points[0].velocity.map((value) => value * attack.scale);
      expect(relativeError(velocity, attack.influence)).toBeLessThan(1e-8);
    }
  });

  test("of fits on corners", async () => {
    for (const kink of golden.kinks) {
      const data = matrixDataset(Matrix.fromRows(kink.X), kink.y);
      const fitted = await fitAt(linear({ intercept: kink.intercept, loss: "half-squared" }), data, kink.theta);
      const attack = await influence(fitted, lp(exponentOf(kink.p)));
      const { points } = await robustPath(fitted, attack.threat, { radiusMax: 1e-4 * attack.scale });
      const velocity = points[0].velocity.map((value) => value * attack.scale);
      expect(relativeError(velocity, kink.aif_one_sided)).toBeLessThan(1e-6);
    }
  });
});

test("of nearly collinear columns, where residuals change sign long before the usual first radius", async () => {
  const random = new Random(3);
  const rows = random.rows(120, 4).map(([a, b, c, e]) => [a, a + 1e-5 * b, c, e]);
  const y = rows.map(([a, , c]) => a - 0.3 * c + random.normal());
  const fitted = await fit(linear(), matrixDataset(Matrix.fromRows(rows), y));
  const attack = await influence(fitted, lp(2));
  const path = await robustPath(fitted, attack.threat, { radiusMax: 1e-3 * attack.scale });
  expect(path.points[1].radius).toBeLessThan(1e-8 * path.collapseRadius);
  const velocity = path.points[0].velocity.map((value) => value * attack.scale);
  // Signs taken wrongly are off by as much as the velocity; rounding, by the columns' condition number, differs by back end.
  expect(relativeError(velocity, attack.influence)).toBeLessThan(1e-4);
  let crossings = 0;
  const residual = ({ parameters: [constant, ...beta] }: { parameters: Float64Array }, i: number): number =>
    beta.reduce((sum, value, j) => sum + value * rows[i][j], constant) - y[i];
  for (const [k, to] of path.points.slice(1).entries()) {
    const from = path.points[k];
    for (let i = 0; i < y.length; i++) {
      const [before, after] = [residual(from, i), residual(to, i)];
      if (before * after >= 0 || Math.min(Math.abs(before), Math.abs(after)) < 1e-9) continue;
      crossings++;
      const noted = path.events.filter(
        ({ row, radius, within }) => row === i && radius + within >= from.radius && radius - within <= to.radius,
      );
      expect(noted.map(({ kind }) => kind)).toContain("residual-sticks");
    }
  }
  expect(path.events.length).toBeGreaterThan(crossings);
});

/** Which rows or features are in the corner that an event is about, by an optimum found on its own. */
async function membership(fitted: Fit, threat: Threat, radius: number, event: RobustPathEvent): Promise<boolean> {
  const { active } = await robustOptimum(fitted, threat, radius);
  const [what] = event.kind.split("-");
  if (what === "residual") return active.stuckRows.includes(event.row ?? -1);
  if (what === "coefficient") return active.zeroCoordinates.includes(event.feature ?? -1);
  return active.tiedCoordinates.includes(event.feature ?? -1);
}

const TAKES_UP: Readonly<Record<RobustPathEvent["kind"], boolean>> = {
  "residual-sticks": true,
  "residual-leaves": false,
  "coefficient-zero": true,
  "coefficient-leaves": false,
  "tie-forms": true,
  "tie-breaks": false,
  collapse: true,
};

type Tally = Map<RobustPathEvent["kind"], { events: number; located: number }>;

/** Optima found on their own, a little before and after each located event, must differ as it says. */
async function checkEvents(path: RobustPath, fitted: Fit, threat: Threat, seen: Tally): Promise<void> {
  const { events, collapseRadius } = path;
  expect(events[events.length - 1]).toEqual({ radius: collapseRadius, within: 0, kind: "collapse" });
  for (const [k, event] of events.entries()) {
    const tally = seen.get(event.kind) ?? { events: 0, located: 0 };
    tally.events++;
    if (event.within === 0) tally.located++;
    seen.set(event.kind, tally);
    const near = (other: RobustPathEvent | undefined): boolean =>
      other !== undefined && Math.abs(other.radius - event.radius) < 3e-6 * collapseRadius;
    if (event.kind === "collapse" || event.within > 0 || near(events[k - 1]) || near(events[k + 1])) continue;
    const by = 1e-6 * collapseRadius;
    const before = await membership(fitted, threat, event.radius - by, event);
    const after = await membership(fitted, threat, event.radius + by, event);
    expect([before, after], event.kind).toEqual([!TAKES_UP[event.kind], TAKES_UP[event.kind]]);
  }
}

describe("random problems", () => {
  test("every radius agrees with an optimum found on its own; events are where they are said to be", async () => {
    const seen: Tally = new Map();
    const drawn = fc.record({
      model: fc.constantFrom(...MODELS),
      p: fc.constantFrom(...EXPONENTS),
      m: fc.integer({ min: 1, max: 5 }),
      extra: fc.integer({ min: 6, max: 24 }),
      seed: fc.integer({ min: 1, max: 1e6 }),
      intercept: fc.boolean(),
      weighted: fc.boolean(),
      l2: fc.constantFrom(0, 0.05),
    });
    await fc.assert(
      fc.asyncProperty(drawn, async ({ model, p, m, extra, seed, intercept, weighted, l2 }) => {
        const random = new Random(seed);
        const budgets = Array.from({ length: m }, (_, k) =>
          k > 0 && random.uniform() < 0.2 ? 0 : 0.5 + random.uniform(),
        );
        const one = randomCase(model, seed, { n: m + extra, m, p, intercept, weighted, l2, budgets });
        const fitted = await fit(one.describe, one.data, { l2 }).catch(() => null);
        fc.pre(fitted !== null);
        const threat = one.threat(m);
        const path = await robustPath(fitted, threat);
        for (const part of [0.003, 0.1, 0.37, 0.74, 0.98]) {
          const radius = part * path.collapseRadius;
          const alone = await robustOptimum(fitted, threat, radius);
          const found = await path.at(radius);
          expect(distance(found.parameters, alone.parameters, fitted)).toBeLessThan(1e-8);
          expect(found.residual).toBeLessThan(1e-10);
        }
        path.points.forEach(({ residual, radius }, k) => {
          expect(residual).toBeLessThan(1e-10);
          if (k > 0) expect(radius).toBeGreaterThanOrEqual(path.points[k - 1].radius);
        });
        const { points } = path;
        // Between two points of one piece the velocity is the slope of the path.
        for (let k = 2; k + 1 < points.length; k++) {
          const [from, to] = [points[k], points[k + 1]];
          const h = 1e-4 * (to.radius - from.radius);
          if (
            h < 1e-8 * path.collapseRadius ||
            path.events.some(({ radius }) => radius > from.radius && radius < from.radius + h)
          )
            continue;
          const ahead = await path.at(from.radius + h);
          const slope = ahead.parameters.map((value, j) => (value - from.parameters[j]) / h);
          const off = largest(slope.map((value, j) => value - from.velocity[j]));
          expect(off).toBeLessThan(1e-2 * largest(from.velocity) + 1e-9 / h);
        }
        await checkEvents(path, fitted, threat, seen);
      }),
      { numRuns: drawsOf(60, 800), seed: 21 },
    );
    for (const kind of ["coefficient-zero", "collapse", "residual-leaves", "residual-sticks", "tie-forms"] as const) {
      // With few rows all is located but what happens at one and the same radius.
      const { events, located } = seen.get(kind) ?? { events: 0, located: 0 };
      expect(events, kind).toBeGreaterThan(5);
      expect(located, kind).toBeGreaterThan(0.95 * events);
    }
  });

  test("where features are nearly copies of each other, coefficients leave 0 and ties break again", async () => {
    const seen: Tally = new Map();
    for (let seed = 1; seed <= drawsOf(10, 60); seed++) {
      const random = new Random(seed);
      const X = Array.from({ length: 30 }, () => {
        const shared = random.normal();
        return [0, 1, 2, 3, 4].map((k) => (k % 2 === 0 ? 1 : -1) * shared + (0.2 + 0.3 * k) * random.normal());
      });
      const truth = random.normals(5);
      const y = X.map((x) => x.reduce((sum, value, k) => sum + value * truth[k], random.normal()));
      for (const [model, target] of [
        [logistic(), y.map((value) => (value > 0 ? 1 : -1))],
        [linear(), y],
      ] as const) {
        const fitted = await fit(model, matrixDataset(Matrix.fromRows(X), target), { l2: 0.01 });
        for (const p of [1, INF]) await checkEvents(await robustPath(fitted, lp(p)(5)), fitted, lp(p)(5), seen);
      }
    }
    for (const kind of ["coefficient-leaves", "tie-breaks"] as const) {
      const { events, located } = seen.get(kind) ?? { events: 0, located: 0 };
      expect(events, kind).toBeGreaterThan(0);
      expect(located, kind).toBe(events);
    }
  });
});

/** ±1e-6 of the collapse radius around some located events of residuals, optima found on their own must differ as they say. */
async function checkSomeRows(path: RobustPath, fitted: Fit, threat: Threat, every: number): Promise<number> {
  const { events, collapseRadius } = path;
  const by = 1e-6 * collapseRadius;
  let checked = 0;
  for (const [k, event] of events.entries()) {
    const alone = [events[k - 1], events[k + 1]].every((other) => Math.abs(other?.radius - event.radius) > 3 * by);
    if (event.row === undefined || k % every !== 0 || !alone) continue;
    const before = await membership(fitted, threat, event.radius - by, event);
    const after = await membership(fitted, threat, event.radius + by, event);
    expect([before, after], event.kind).toEqual([!TAKES_UP[event.kind], TAKES_UP[event.kind]]);
    checked++;
  }
  return checked;
}

describe("many rows", () => {
  test.each(EXPONENTS)("of squared losses: every event is located, every optimum exact, p = %d", async (p) => {
    const one = randomCase(p === 2 ? "half" : "linear", 9, { n: 400, m: 6, p, weighted: p !== 2 });
    const fitted = await fit(one.describe, one.data);
    const threat = one.threat(6);
    const path = await robustPath(fitted, threat);
    const rows = path.events.filter((event) => event.row !== undefined);
    const features = path.events.filter((event) => event.feature !== undefined);
    expect(rows.length).toBeGreaterThan(100);
    expect(path.events.every(({ within }) => within === 0)).toBe(true);
    expect(features.length).toBeGreaterThanOrEqual(p === INF || p === 1 ? 5 : 0);
    expect(await checkSomeRows(path, fitted, threat, 10)).toBeGreaterThan(5);
    for (const { residual } of path.points) expect(residual).toBeLessThan(1e-10);
    for (const part of [0.05, 0.2, 0.5, 0.9]) {
      const alone = await robustOptimum(fitted, threat, part * path.collapseRadius);
      const found = await path.at(part * path.collapseRadius);
      expect(distance(found.parameters, alone.parameters, fitted)).toBeLessThan(1e-8);
    }
    // A pass over the data at both ends of a window, not for every event.
    expect(path.iterations).toBeLessThan(rows.length);
  });

  test("that come twice stick and leave together", async () => {
    const random = new Random(3);
    const half = Array.from({ length: 200 }, () => random.normals(3));
    const target = half.map((x) => Math.round(2 * (x[0] - 0.5 * x[1] + 0.3 * x[2] + random.normal())));
    const data = matrixDataset(Matrix.fromRows([...half, ...half]), [...target, ...target]);
    const fitted = await fit(linear(), data);
    for (const p of [1, INF]) {
      const path = await robustPath(fitted, lp(p)(3));
      expect(path.events.every(({ within }) => within === 0)).toBe(true);
      for (const part of [0.1, 0.4, 0.8]) {
        const alone = await robustOptimum(fitted, lp(p)(3), part * path.collapseRadius);
        const found = await path.at(part * path.collapseRadius);
        expect(distance(found.parameters, alone.parameters, fitted)).toBeLessThan(1e-8);
      }
    }
  });

  test("of other losses with corners: rows' changes are gathered step by step, coefficients' located", async () => {
    const one = randomCase("poisson", 9, { n: 700, m: 3, p: INF });
    const fitted = await fit(one.describe, one.data);
    const threat = one.threat(3);
    const path = await robustPath(fitted, threat);
    expect(path.events.some(({ row, within }) => row !== undefined && within > 0)).toBe(true);
    expect(path.events.every(({ feature, within }) => feature === undefined || within === 0)).toBe(true);
    const alone = await robustOptimum(fitted, threat, 0.5 * path.collapseRadius);
    const found = await path.at(0.5 * path.collapseRadius);
    expect(distance(found.parameters, alone.parameters, fitted)).toBeLessThan(1e-8);
  });
});

/** τ of zero and sπ of tied coefficients (m), 0 elsewhere. */
function multipliers({ active, parameters }: RobustOptimum, m: number): Float64Array {
  const out = new Float64Array(m);
  active.zeroCoordinates.forEach((k, a) => {
    out[k] = active.zeroMultipliers[a];
  });
  active.tiedCoordinates.forEach((k, a) => {
    out[k] = Math.sign(parameters[parameters.length - m + k]) * active.tiedMultipliers[a];
  });
  return out;
}

describe("smooth losses", () => {
  const draw = async (p: number) => {
    const one = randomCase("logistic", 12, { n: 300, m: 10, p });
    const fitted = await fit(one.describe, one.data);
    return { fitted, threat: one.threat(10) };
  };

  test.each([1, INF])("20 radii agree with optima found on their own, at three passes a point, p = %d", async (p) => {
    const { fitted, threat } = await draw(p);
    const path = await robustPath(fitted, threat);
    expect(path.events.length).toBeGreaterThan(8);
    expect(path.iterations).toBeLessThan(4 * path.points.length);
    for (let k = 1; k <= 20; k++) {
      const radius = (k / 21) * path.collapseRadius;
      const alone = await robustOptimum(fitted, threat, radius);
      expect(distance((await path.at(radius)).parameters, alone.parameters, fitted)).toBeLessThan(1e-8);
    }
    await checkEvents(path, fitted, threat, new Map());
  });

  test.each([1, INF])("steps of any length lose no event, p = %d", async (p) => {
    const { fitted, threat } = await draw(p);
    const [coarse, fine] = await Promise.all([1e3, 1e-4].map((tolerance) => robustPath(fitted, threat, { tolerance })));
    expect(coarse.points.length).toBeLessThan(fine.points.length);
    expect(coarse.events.length).toBe(fine.events.length);
    coarse.events.forEach((event, k) => {
      expect(Math.abs(event.radius - fine.events[k].radius)).toBeLessThan(1e-9 * fine.collapseRadius);
      expect(event).toEqual({ ...fine.events[k], radius: event.radius });
    });
  });

  test.each([1, INF])("velocity and bend are the derivatives of the optima, p = %d", async (p) => {
    const { fitted, threat } = await draw(p);
    const problem = await robustProblem(fitted, threat);
    const { events, collapseRadius } = await robustPath(fitted, threat);
    const edges = [0, ...events.map(({ radius }) => radius)];
    for (let k = 1; k < edges.length - 1; k++) {
      const radius = 0.5 * (edges[k] + edges[k - 1]);
      const h = Math.min(5e-4 * collapseRadius, 0.03 * (edges[k] - edges[k - 1]));
      if (h < 2e-4 * collapseRadius) continue;
      const near = await findOptimum(problem, radius, fitted.parameters, {});
      const rough = pathVelocity(problem, near);
      // A velocity that is off must come out the same.
      const off = { ...rough, theta: rough.theta.map((value) => 1.1 * value), norm: 1.1 * rough.norm };
      const { velocity, bend } = await pathMotion(problem, near, off, {}, { passes: 0 });
      const steps = [-2, -1, 0, 1, 2];
      const optima = await Promise.all(steps.map((by) => robustOptimum(fitted, threat, radius + by * h)));
      const check = (quantity: (optimum: RobustOptimum) => Float64Array, once: Float64Array, twice: Float64Array) => {
        const values = optima.map(quantity);
        // Central differences of fourth order.
        const difference = (weights: readonly number[], power: number) =>
          once.map((_, j) => weights.reduce((sum, weight, a) => sum + weight * values[a][j], 0) / (12 * h ** power));
        expect(relativeError(once, difference([1, -8, 0, 8, -1], 1))).toBeLessThan(1e-5);
        expect(relativeError(twice, difference([-1, 16, -30, 16, -1], 2))).toBeLessThan(1e-3);
      };
      check(({ parameters }) => parameters, velocity.theta, bend.theta);
      if (near.point.state.zeros.length > 0 || near.point.state.tied.length > 1)
        check((optimum) => multipliers(optimum, 10), velocity.shares, bend.shares);
    }
  });
});

describe("ends of the path", () => {
  test("the null model from the collapse radius on", async () => {
    const one = randomCase("logistic", 4, { n: 40 });
    const fitted = await fit(one.describe, one.data);
    const threat = one.threat(3);
    const whole = await robustPath(fitted, threat);
    const beyond = await robustPath(fitted, threat, { radiusMax: 2 * whole.collapseRadius });
    const [collapse, last] = beyond.points.slice(-2);
    expect([collapse.radius, last.radius]).toEqual([whole.collapseRadius, 2 * whole.collapseRadius]);
    expect(last.parameters.slice(1)).toEqual(Float64Array.of(0, 0, 0));
    expect(collapse.zeros).toEqual([0, 1, 2]);
    expect((await beyond.at(3 * whole.collapseRadius)).collapsed).toBe(true);
    const short = await robustPath(fitted, threat, { radiusMax: 0.1 * whole.collapseRadius });
    expect(short.events).toEqual([]);
    expect(short.points[short.points.length - 1].radius).toBe(0.1 * whole.collapseRadius);
    const none = await robustPath(fitted, threat, { radiusMax: 0 });
    expect(none.points.map(({ radius }) => radius)).toEqual([0]);
  });

  test("a smaller tolerance lays the points closer", async () => {
    const one = randomCase("logistic", 4, { n: 40 });
    const fitted = await fit(one.describe, one.data);
    const [coarse, fine] = await Promise.all(
      [0.05, 1e-5].map((tolerance) => robustPath(fitted, one.threat(3), { tolerance })),
    );
    expect(fine.points.length).toBeGreaterThan(2 * coarse.points.length);
  });

  test("bad input is refused, and too long a path given up", async () => {
    const one = randomCase("half", 4, { n: 40 });
    const fitted = await fit(one.describe, one.data);
    const threat = one.threat(3);
    await expect(robustPath(fitted, threat, { radiusMax: Number.NaN })).rejects.toThrow(/last radius/);
    await expect(robustPath(fitted, threat, { tolerance: 0 })).rejects.toThrow(/tolerance/);
    await expect(robustPath(fitted, threat, { maximumSteps: 3 })).rejects.toThrow(/more than 3 steps/);
    const path = await robustPath(fitted, threat, { radiusMax: 0.01 });
    await expect(path.at(-1)).rejects.toThrow(/radius/);
    const stop = new AbortController();
    stop.abort();
    await expect(robustPath(fitted, threat, { signal: stop.signal })).rejects.toThrow(/cancelled/);
  });
});
