/** What holds for every graph of operations, on shapes drawn at random. */
import * as fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  add,
  constant,
  dense,
  div,
  exp,
  gradient,
  hessianProducts,
  logSoftmax,
  logSumExp,
  matmul,
  mixedDerivative,
  mul,
  type Operand,
  pullback,
  pushforward,
  pushforwards,
  scale,
  softmax,
  softplus,
  sub,
  sum,
  type Tensor,
  tanh,
} from "../../src/autodiff/index.js";
import { drawsOf } from "../long.js";
import { distance, drawn, inner, numbers, shifted, slopeAtZero } from "./differences.js";

const size = fc.integer({ min: 1, max: 6 });
const seeds = fc.integer({ min: 1, max: 1_000_000 });
const numRuns = drawsOf(100, 2000);

describe("operands of different shapes", () => {
  const rules: [string, (a: Operand, b: Operand) => Tensor, (a: number, b: number) => number][] = [
    ["add", add, (a, b) => a + b],
    ["sub", sub, (a, b) => a - b],
    ["mul", mul, (a, b) => a * b],
    ["div", div, (a, b) => a / b],
  ];

  it.each(rules)("%s entry by entry, its derivatives as differences have them", (_, operation, f) => {
    fc.assert(
      fc.property(size, size, fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }), seeds, (r, c, flat, seed) => {
        const a = drawn([flat[0] ? 1 : r, flat[1] ? 1 : c], seed);
        const raw = drawn([flat[2] ? 1 : r, flat[3] ? 1 : c], seed + 1);
        const b = constant(
          raw.values.map((x) => x + 2.5),
          raw.rows,
          raw.columns,
        );
        const y = operation(a, b);
        expect([y.rows, y.columns]).toEqual([Math.max(a.rows, b.rows), Math.max(a.columns, b.columns)]);
        const at = (t: Tensor, i: number, j: number): number =>
          t.values[(t.rows === 1 ? 0 : i) * t.columns + (t.columns === 1 ? 0 : j)];
        for (let i = 0; i < y.rows; i++) {
          for (let j = 0; j < y.columns; j++) expect(at(y, i, j)).toBe(f(at(a, i, j), at(b, i, j)));
        }
        const directions = [drawn([a.rows, a.columns], seed + 2), drawn([b.rows, b.columns], seed + 3)];
        const [tangent] = pushforward([y], [a, b], directions);
        const numeric = slopeAtZero((h) => {
          const [p, q] = shifted([a, b], directions, h);
          return operation(p, q).values;
        });
        expect(distance(tangent.values, numeric)).toBeLessThan(1e-9);
        const u = drawn([y.rows, y.columns], seed + 4);
        expect(inner([tangent], [u])).toBeCloseTo(inner(pullback(y, u, [a, b]), directions), 10);
      }),
      { numRuns },
    );
  });

  it("a plain number is a constant", () => {
    const a = drawn([2, 3], 5);
    expect([...sub(1, a).values]).toEqual([...a.values].map((x) => 1 - x));
    expect([...gradient(sum(div(2, a)), [a])[0].values]).toEqual(
      [...a.values].map((x) => expect.closeTo(-2 / (x * x), 12)),
    );
  });
});

/** A loss over two layers with every kind of operation in it; x r×m, w h×m, b 1×h, v h×k. */
const network = (x: Tensor, [w, b, v]: readonly Tensor[]): Tensor => {
  const hidden = dense(x, w, b, "tanh");
  const scores = matmul(add(hidden, softplus(hidden)), v);
  const mixed = mul(logSoftmax(scores), add(softmax(scale(scores, 0.5)), 0.3));
  return sub(logSumExp(mixed), div(sum(exp(scale(mixed, 0.2))), 7));
};

const drawNetwork = ([r, m, h, k]: readonly number[], seed: number) => ({
  x: drawn([r, m], seed),
  theta: [drawn([h, m], seed + 1), drawn([1, h], seed + 2), drawn([h, k], seed + 3)],
  phi: drawn([r, m], seed + 4),
  directions: [0, 10, 20].map((k0) => [drawn([h, m], seed + k0 + 5), drawn([1, h], seed + k0 + 6), drawn([h, k], seed + k0 + 7)]), // biome-ignore format: one line
  weights: drawn([r, 1], seed + 8),
});

const networks = fc.tuple(fc.tuple(size, size, size, size), seeds).map(([sizes, seed]) => drawNetwork(sizes, seed));

describe("a network of random size", () => {
  const close = (a: number, b: number): void => expect(Math.abs(a - b)).toBeLessThan(1e-10 * Math.max(1, Math.abs(a)));

  it("pushes forward and pulls back adjointly", () => {
    fc.assert(
      fc.property(networks, ({ x, theta, phi, directions: [t], weights }) => {
        const y = network(x, theta);
        const pushed = pushforward([y], [x, ...theta], [phi, ...t]);
        close(inner(pushed, [weights]), inner(pullback(y, weights, [x, ...theta]), [phi, ...t]));
      }),
      { numRuns },
    );
  });

  it("has a symmetric Hessian, linear in its direction", () => {
    fc.assert(
      fc.property(networks, ({ x, theta, directions: [t, u], weights }) => {
        const y = sum(mul(weights, network(x, theta)));
        const both = t.map((part, k) => add(part, scale(u[k], -2)));
        const [ht, hu, hBoth] = hessianProducts(y, theta, [t, u, both]);
        close(inner(ht, u), inner(hu, t));
        hBoth.forEach((part, k) => {
          expect(distance(part.values, sub(ht[k], scale(hu[k], 2)).values)).toBeLessThan(1e-10);
        });
      }),
      { numRuns },
    );
  });

  it("has mixed products that do not care about the order: u'(∂x∇θ y)φ = φ'(∂θ∇x y)u", () => {
    fc.assert(
      fc.property(networks, ({ x, theta, phi, directions: [u], weights }) => {
        const y = sum(mul(weights, network(x, theta)));
        const along = pushforward(gradient(y, [x]), theta, u);
        close(inner(mixedDerivative(y, theta, x, phi), u), inner(along, [phi]));
      }),
      { numRuns },
    );
  });

  it("gives the same tangents together as one by one", () => {
    fc.assert(
      fc.property(networks, ({ x, theta, directions, weights }) => {
        const g = (): Tensor[] => gradient(sum(mul(weights, network(x, theta))), theta);
        const together = pushforwards(g(), theta, directions);
        directions.forEach((direction, k) => {
          const alone = pushforward(g(), theta, direction);
          alone.forEach((part, j) => expect([...together[k][j].values]).toEqual([...part.values]));
        });
      }),
      { numRuns: drawsOf(30, 500) },
    );
  });
});

describe("two layers against central differences", () => {
  const { x, theta, phi, directions, weights } = drawNetwork([5, 4, 3, 3], 17);
  const risk = (at: Tensor, parameters: readonly Tensor[]): Tensor => sum(mul(weights, network(at, parameters)));

  it("the gradient", () => {
    const g = gradient(risk(x, theta), theta);
    const numeric = slopeAtZero((h) => risk(x, shifted(theta, directions[0], h)).values)[0];
    expect(inner(g, directions[0])).toBeCloseTo(numeric, 9);
  });

  it("the Hessian product and the mixed product d/ds ∇θL(θ, X + sφ)", () => {
    const [product] = hessianProducts(risk(x, theta), theta, [directions[0]]);
    const mixed = mixedDerivative(risk(x, theta), theta, x, phi);
    theta.forEach((_, k) => {
      const hessian = slopeAtZero((h) => {
        const moved = shifted(theta, directions[0], h);
        return gradient(risk(x, moved), moved)[k].values;
      });
      expect(distance(product[k].values, hessian)).toBeLessThan(1e-8);
      const shift = slopeAtZero((h) => gradient(risk(shifted([x], [phi], h)[0], theta), theta)[k].values);
      expect(distance(mixed[k].values, shift)).toBeLessThan(1e-8);
    });
  });

  it("the third derivative: a tangent through a Hessian product", () => {
    const [t, u] = directions;
    const [product] = hessianProducts(risk(x, theta), theta, [t]);
    const third = pushforward(product, theta, u);
    theta.forEach((_, k) => {
      const numeric = slopeAtZero((h) => {
        const moved = shifted(theta, u, h);
        return hessianProducts(risk(x, moved), moved, [t])[0][k].values;
      });
      expect(distance(third[k].values, numeric)).toBeLessThan(1e-7);
    });
  });
});

describe("variables", () => {
  it("that a result does not depend on get zeros", () => {
    const [a, b] = [drawn([2, 2], 1), drawn([3, 1], 2)];
    const [ga, gb] = gradient(sum(tanh(a)), [a, b]);
    expect(ga.values.every((x) => x > 0)).toBe(true);
    expect([...gb.values]).toEqual([0, 0, 0]);
    expect([...pushforward([tanh(a)], [b], [drawn([3, 1], 3)])[0].values]).toEqual([0, 0, 0, 0]);
  });

  it("count as independent, even where one was made from another", () => {
    const a = drawn([1, 3], 4);
    const b = mul(a, 2);
    const y = sum(mul(a, b));
    const [ga, gb] = gradient(y, [a, b]);
    expect([...ga.values]).toEqual([...b.values]);
    expect([...gb.values]).toEqual([...a.values]);
    expect([...gradient(y, [a])[0].values]).toEqual([...a.values].map((x) => 4 * x));
  });

  it("what rests is not differentiated: constants may be made by rules that have no further derivative", () => {
    const rest = drawn([2, 2], 6);
    let third = tanh(rest);
    for (let k = 0; k < 3; k++) [third] = gradient(sum(third), [rest]);
    const x = drawn([2, 2], 7);
    const y = sum(mul(x, third));
    expect([...gradient(y, [x])[0].values]).toEqual([...third.values]);
    expect(() => gradient(y, [rest])).toThrow(/tanh: derivatives are provided up to order 3/);
  });

  it("may be asked for twice, and may be the result itself", () => {
    const a = constant(numbers(1, 3), 1, 1);
    expect(gradient(a, [a, a]).map((g) => g.item())).toEqual([1, 1]);
    expect(pushforward([a], [a], [constant(Float64Array.of(5), 1, 1)])[0].item()).toBe(5);
  });

  it("deep graphs do not overflow the stack", () => {
    const x = constant(Float64Array.of(0.5), 1, 1);
    let y: Tensor = x;
    for (let k = 0; k < 30_000; k++) y = add(y, 1e-4);
    expect(y.item()).toBeCloseTo(3.5, 9);
    expect(gradient(y, [x])[0].item()).toBe(1);
  });
});
