/** What is said of the worst case of every row: losses, moves and weights as the adversary may choose them. */
import { expect, test } from "vitest";
import { analyze, type StudySettings, type Table, verify, type WorstCases } from "../../src/index.js";
import { pNorm } from "../models/naive.js";
import { houses, loans, settings } from "./tables.js";

async function found(table: Table, changes: Partial<StudySettings>) {
  const seen: WorstCases[] = [];
  const { result } = await analyze({ table, settings: settings(changes), onWorstCases: (cases) => seen.push(cases) });
  expect(seen.length).toBe(1);
  return { cases: seen[0], result };
}

const INF = Number.POSITIVE_INFINITY;
const base = { evaluation: { kind: "training" }, inference: "none" } as const;
const mean = (list: readonly number[]) => list.reduce((sum, value) => sum + value / list.length, 0);

test.each([
  [{ epsilons: [0.02, 0.1], norms: [2, INF] }, INF],
  [{ epsilons: [0.05], wasserstein: 2 }, 2],
  [{ epsilons: [0.05], wasserstein: 1.5 }, 1.5],
  [{ epsilons: [0.01], wasserstein: 1 }, 1],
] as const)("moves of a linear model, %o", async (changes, u) => {
  const { cases, result } = await found(houses(), { ...base, ...changes });
  expect(cases.features).toEqual(result.threats[0].threat.attacked);
  const scale = cases.features.map((name) => result.model.scaler?.scale[result.data.features.indexOf(name)] ?? 1);
  const slope = cases.features.map((name) => result.fit.parameters[result.model.parameters.indexOf(name)]);
  expect(cases.attacks.length).toBe(result.threats.length * changes.epsilons.length);
  for (const attack of cases.attacks) {
    const p = attack.norm === "inf" ? INF : Number(attack.norm);
    const point = result.threats
      .find(({ threat }) => threat.norm === attack.norm)
      ?.curve.find(({ epsilon }) => epsilon === attack.epsilon);
    expect(attack.method).toBe("exact");
    expect(mean(attack.rows.map(({ attackedLoss }) => attackedLoss))).toBeCloseTo(point?.robustLossNatural ?? 0, 8);
    const sizes = attack.rows.map(({ row, perturbation, loss, attackedLoss, gain, weight }, i) => {
      expect([row, weight]).toEqual([i + 1 + 0, null]);
      const moves = (perturbation ?? []).map((value, k) => value / scale[k]);
      // The row's residual r has r² = loss; moved, it is that of the loss under attack.
      const shift = moves.reduce((sum, value, k) => sum + value * slope[k], 0);
      expect(Math.sqrt(loss) + Math.abs(shift)).toBeCloseTo(Math.sqrt(attackedLoss), 8);
      expect(gain).toBeCloseTo(attackedLoss - loss, 8);
      return pNorm(moves, p);
    });
    const size = u === INF ? Math.max(...sizes) : mean(sizes.map((s) => s ** u)) ** (1 / u);
    expect(size).toBeCloseTo(attack.radius, 10);
  }
});

test.each(["chi2", "kl"] as const)("weights, %s", async (divergence) => {
  const changes = { ...base, target: "repaid", positive: "yes", norms: [], divergence, radii: [0.3] };
  const { cases, result } = await found(loans(), changes);
  const [{ rows, method, norm, radius }] = cases.attacks;
  expect([method, norm, radius, cases.features]).toEqual(["exact", null, 0.3, []]);
  const after = rows.map(({ weight }) => weight?.after ?? 0);
  expect(rows.every(({ weight, perturbation }) => perturbation === null && weight?.before === 1)).toBe(true);
  expect(mean(after)).toBeCloseTo(1, 10);
  const size =
    divergence === "chi2" ? mean(after.map((w) => (w - 1) ** 2)) : 2 * mean(after.map((w) => w * Math.log(w)));
  expect(size).toBeCloseTo(0.09, 10);
  expect(mean(rows.map(({ loss, gain }) => loss + gain))).toBeCloseTo(result.threats[0].curve[0].robustLossNatural, 10);
});

test("without a size of one's own it is the size that the verdict speaks of; searches and expansions say so", async () => {
  const { cases, result } = await found(houses(), base);
  expect(cases.attacks.map(({ epsilon }) => epsilon)).toEqual([result.threats[0].verdict?.epsilon]);
  const quadratic = await found(houses(), { ...base, model: "quadratic", l2: 1, wasserstein: 2, epsilons: [0.001] });
  expect(quadratic.cases.attacks[0].method).toBe("first-order");
  const gains = quadratic.cases.attacks[0].rows.map(({ gain }) => gain);
  // To first order the adversary gains what A says.
  expect(mean(gains)).toBeCloseTo(0.001 * quadratic.result.threats[0].penalty, 1);
  const seen: WorstCases[] = [];
  await verify({
    table: loans(60),
    settings: settings({ ...base, target: "repaid", model: "mlp:3", epsilons: [0.001], wasserstein: 2 }),
    onWorstCases: (found) => seen.push(found),
  });
  expect(seen[0].attacks[0].method).toBe("search");
  expect(seen[0].attacks[0].rows.every(({ gain }) => gain > -1e-12)).toBe(true);
});
