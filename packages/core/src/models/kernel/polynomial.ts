import type { Profile } from "./profile-kernel.js";

/** (γx·z + 1)^degree */
export function polynomialProfile(gamma: number, degree: number): Profile {
  const power = (t: number, exponent: number): number => (exponent < 0 ? 0 : (gamma * t + 1) ** exponent);
  return {
    name: "poly",
    formula: `(γx·z+1)^${degree}, γ = ${Number(gamma.toPrecision(6))}`,
    smoothAtCentres: true,
    domain: "everywhere",
    value: ({ t }) => power(t, degree),
    slope({ t }, out) {
      out.t = gamma * degree * power(t, degree - 1);
      out.a = 0;
    },
    bend({ t }, out) {
      out.t = gamma * degree * power(t, degree - 1);
      out.tt = gamma * gamma * degree * (degree - 1) * power(t, degree - 2);
      out.a = 0;
      out.b = 0;
      out.ta = 0;
      out.tb = 0;
      out.aa = 0;
      out.ab = 0;
      out.bb = 0;
    },
  };
}
