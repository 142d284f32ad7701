/** Each operation's first and second derivatives against central differences, and the two modes against each other. */
import { describe, expect, it } from "vitest";
import {
  constant,
  gradient,
  hessianProducts,
  mul,
  pullback,
  pushforward,
  sum,
  type Tensor,
} from "../../src/autodiff/index.js";
import { CASES, type OperationCase } from "./cases.js";
import { distance, drawn, inner, shifted, slopeAtZero } from "./differences.js";

function inputsOf({ shapes, domain }: OperationCase, seed: number): Tensor[] {
  const place = {
    positive: (x: number): number => Math.abs(x) + 0.8,
    "off zero": (x: number): number => x + Math.sign(x) * 0.2,
  };
  return shapes.map((shape, k) => {
    const x = drawn(shape, seed + k);
    return domain ? constant(x.values.map(place[domain]), ...shape) : x;
  });
}

const directionsOf = ({ shapes }: OperationCase, seed: number): Tensor[] =>
  shapes.map((shape, k) => drawn(shape, seed + k));

/** Σ c·f for fixed numbers c: a function of one number whose gradient holds every entry of f's Jacobian. */
function weighted({ f }: OperationCase, inputs: readonly Tensor[]): Tensor {
  const y = f(...inputs);
  return sum(mul(drawn([y.rows, y.columns], 77), y));
}

describe.each(Object.entries(CASES))("%s", (_, operation) => {
  const x = inputsOf(operation, 1);
  const v = directionsOf(operation, 31);

  it("has the gradient of central differences", () => {
    const g = gradient(weighted(operation, x), x);
    x.forEach((input, k) => {
      const numeric = input.values.map((_, i) => {
        const unit = x.map((other) => constant(new Float64Array(other.length), other.rows, other.columns));
        unit[k].values[i] = 1;
        return slopeAtZero((h) => weighted(operation, shifted(x, unit, h)).values)[0];
      });
      expect(distance(g[k].values, numeric)).toBeLessThan(1e-9);
    });
  });

  it("has the tangent of central differences", () => {
    const [tangent] = pushforward([operation.f(...x)], x, v);
    const numeric = slopeAtZero((h) => operation.f(...shifted(x, v, h)).values);
    expect(distance(tangent.values, numeric)).toBeLessThan(1e-9);
  });

  it("has the tangent of each input alone", () => {
    x.forEach((_, k) => {
      const alone = v.map((direction, j) => (j === k ? direction : null));
      const zeroed = v.map((t, j) => (j === k ? t : constant(new Float64Array(t.length), t.rows, t.columns)));
      const [tangent] = pushforward([operation.f(...x)], x, alone);
      const numeric = slopeAtZero((h) => operation.f(...shifted(x, zeroed, h)).values);
      expect(distance(tangent.values, numeric)).toBeLessThan(1e-9);
    });
  });

  it("has the Hessian products of central differences", () => {
    const [product] = hessianProducts(weighted(operation, x), x, [v]);
    const numeric = x.map((_, k) =>
      slopeAtZero((h) => {
        const moved = shifted(x, v, h);
        return gradient(weighted(operation, moved), moved)[k].values;
      }),
    );
    product.forEach((part, k) => expect(distance(part.values, numeric[k])).toBeLessThan(1e-8));
  });

  it("has the same Hessian product by reverse over reverse", () => {
    const y = weighted(operation, x);
    const [forward] = hessianProducts(y, x, [v]);
    const along = gradient(y, x).map((g, k) => sum(mul(g, v[k])));
    const backward = x.map((input, k) =>
      along.reduce((total, part) => {
        const [h] = gradient(part, [input]);
        return total.map((value, i) => value + h.values[i]);
      }, new Float64Array(x[k].length)),
    );
    forward.forEach((part, k) => expect(distance(part.values, backward[k])).toBeLessThan(1e-12));
  });

  it("has a symmetric Hessian", () => {
    const u = directionsOf(operation, 57);
    const y = weighted(operation, x);
    const [hv, hu] = hessianProducts(y, x, [v, u]);
    expect(inner(hv, u)).toBeCloseTo(inner(hu, v), 11);
  });

  it("pulls back what it pushes forward: u'(Jt) = (J'u)'t", () => {
    const y = operation.f(...x);
    const u = drawn([y.rows, y.columns], 91);
    const pushed = pushforward([y], x, v);
    expect(inner(pushed, [u])).toBeCloseTo(inner(pullback(y, u, x), v), 11);
  });
});
