import { listed } from "../data/names.js";
import type { Influence } from "../influence/aif.js";
import { raise } from "./flags.js";
import type { Flag, ThreatSection } from "./result.js";
import type { SectionGround } from "./threat-section.js";
import { short, threatLabel } from "./words.js";

/**
 * What one threat leaves open.
 * @param chosen whether the user chose the sizes; the default grid reaches beyond the trust radius on purpose.
 */
export function threatFlags(
  { attack, trust: { reason }, collapse }: Pick<SectionGround, "attack" | "trust" | "collapse">,
  section: ThreatSection,
  chosen: boolean,
): Flag[] {
  const label = threatLabel(section.threat);
  const flags: Flag[] = [];
  const { curve, trustRadius: trust } = section;
  const beyond = (radius: number) => curve.filter(({ epsilon }) => epsilon > radius * (1 + 1e-9)).length;
  const lie = (rows: number) => `${rows} of ${curve.length} sizes ${rows === 1 ? "lies" : "lie"}`;
  if (attack.oneSided) {
    const { multipliers } = attack;
    flags.push(
      multipliers === null
        ? raise("zero-gradient", `${label}: ${nothingToGain(attack)}, so the influence is 0.`)
        : raise(
            "one-sided",
            `${label}: the penalty has a corner at the fit (${multipliers.residuals.length} residuals and ${multipliers.coordinates.length} coefficients are exactly 0, ${multipliers.ties.length + (multipliers.rows?.length ?? 0)} are tied); the influence is one-sided.`,
          ),
    );
  }
  if (attack.threat.settings.order === 1) {
    flags.push(raise("one-row-budget", `${label}: one row takes the whole budget of the others.`));
  }
  if (attack.threat.tilt && attack.fit.model.loss.name === "poisson") {
    flags.push(raise("loss-without-constant", `${label}: rows are compared by their Poisson loss without log(y!).`));
  }
  if (attack.coupledKinks > 0) {
    flags.push(
      raise(
        "coupled-kink",
        `${label}: ${attack.coupledKinks} rows have a kink that is coupled with the input curvature, resolved by sgn(0) = 0 only.`,
      ),
    );
  }
  const thin = thinnestCoordinate(attack);
  if (thin !== null && thin < 1e-2) {
    flags.push(
      raise(
        "near-kink",
        `${label}: the smallest coefficient is ${(100 * thin).toPrecision(2)} % of the dual norm, so the prediction's error shrinks slowly with ε.`,
      ),
    );
  }
  if (trust === null) flags.push(raise("trust-unknown", `${label}: no trust radius, since ${reason}.`));
  else if (chosen && beyond(trust) > 0) {
    flags.push(raise("trust-exceeded", `${label}: ${lie(beyond(trust))} beyond the trust radius ${short(trust)}.`));
  }
  const { supportChange: change } = section;
  if (change !== null && chosen && beyond(change.epsilon) > 0) {
    const what = `${listed([change.parameter], 1)} ${change.kind} the model`;
    flags.push(
      raise(
        "support-changes",
        `${label}: ${lie(beyond(change.epsilon))} beyond ε = ${short(change.epsilon)}, where ${what}.`,
      ),
    );
  }
  if (collapse !== null && beyond(collapse) > 0) {
    flags.push(
      raise("beyond-collapse", `${label}: ${lie(beyond(collapse))} beyond the collapse radius ${short(collapse)}.`),
    );
  }
  if (curve.some(({ robustLossMethod }) => robustLossMethod === "expansion")) {
    flags.push(
      raise("robust-loss-expansion", `${label}: the robust losses are second-order expansions in the radius.`),
    );
  }
  return flags;
}

const nothingToGain = ({ threat }: Influence): string =>
  threat.tilt
    ? "all rows have the same loss, so that no other weights make it worse at first order"
    : "the fit uses none of the attacked features, or meets every row exactly";

/** 2 < p < ∞ and scores linear in x: min_k |b_kγ_k| / ‖b⊙γ‖_q over attacked coordinates (MATH 1.2); else null. */
function thinnestCoordinate({ fit, threat, pull }: Influence): number | null {
  const { p, budgets } = threat.settings;
  if (!(p > 2 && p < Infinity) || pull.shared === null) return null;
  const first = fit.model.map.intercept ? 1 : 0;
  const sizes = [...budgets.keys()]
    .filter((k) => budgets[k] > 0)
    .map((k) => budgets[k] * Math.abs(fit.parameters[first + k]));
  const q = p / (p - 1);
  const largest = Math.max(...sizes);
  const dual = largest * sizes.reduce((sum, size) => sum + (size / largest) ** q, 0) ** (1 / q);
  return Math.min(...sizes) / dual;
}
