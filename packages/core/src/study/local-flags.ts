import { attackFlags, clusterFlags, integerFlags, tableFlags, weightFlags } from "./data-flags.js";
import { raise } from "./flags.js";
import { isStationary } from "./local-damping.js";
import { isFar } from "./local-polish.js";
import type { DescribedLocal } from "./local-prepare.js";
import { restartSpread } from "./local-spread.js";
import type { Flag, ThreatSection } from "./result.js";
import { number, percent, threatLabel } from "./words.js";

/** Flags on data, model and training, before any threat. @param squares Σ w² of the rows' own weights; null: not to be spoken of */
export function localGroundFlags(prepared: DescribedLocal, clusters: number | null, squares: number | null): Flag[] {
  const { input, training, evaluation, local, trained, imported, statements, reach, damping } = prepared;
  const { settings } = input;
  const flags: Flag[] = [
    ...tableFlags(input, training, evaluation),
    ...statements.map((statement) => raise("label-order", statement)),
    ...integerFlags(reach),
    ...attackFlags(settings, reach),
  ];
  if (settings.evaluation.kind === "training" && imported === null) {
    flags.push(raise("in-sample", "The loss is evaluated on the rows that the model was fitted on."));
  }
  flags.push(...clusterFlags(clusters, prepared.point.parameters.length));
  const rows = training.rows / training.copies;
  if (squares !== null) flags.push(...weightFlags(settings, rows, training.copies * squares));
  const perRow = prepared.point.parameters.length / rows;
  if (perRow > 0.05) {
    const count = prepared.point.parameters.length;
    flags.push(raise("few-rows", `${count} parameters on ${rows} rows (${perRow.toPrecision(2)} a row).`));
  }
  if (imported !== null) {
    flags.push(
      raise(
        "imported-needs-training-rows",
        `${local.name} was trained elsewhere: the numbers hold if these are the rows that it was trained on.`,
      ),
    );
    if (imported.naturalLoss > imported.constantLoss) {
      flags.push(
        raise(
          "worse-than-constant",
          `${local.name} loses ${number(imported.naturalLoss)} on these rows, a constant ${number(imported.constantLoss)}.`,
        ),
      );
    }
  }
  if (imported?.polish && isFar(imported.polish)) {
    const { scoreShift, parameterShift, naturalLoss } = imported.polish;
    const given = settings.l2 !== null || settings.C !== null;
    const how = given ? `with the ridge λ = ${number(prepared.l2)}` : "without a ridge, since none was given";
    flags.push(
      raise(
        "polish-moved",
        `${local.name} was brought to the minimum ${how}: that moved its scores by ${percent(scoreShift)} of their spread and its parameters by ${percent(parameterShift)} of their length, and the natural loss from ${number(imported.naturalLoss, 4)} to ${number(naturalLoss, 4)}.`,
      ),
    );
  }
  if (trained.stoppingRows > 0) {
    flags.push(raise("early-stopping", `${trained.stoppingRows} training rows decided when to stop.`));
  }
  if (trained.method !== "import" && trained.method !== "adam" && !trained.converged) {
    flags.push(
      raise(
        "unconverged-training",
        `Training ended after ${trained.iterations} iterations at a relative gradient of ${number(prepared.point.gradientNorm, 2)}.`,
      ),
    );
  }
  if (damping.damping > 0) {
    const chosen = damping.automatic ? ", chosen here" : "";
    flags.push(raise("damped-response", `λ = ${number(damping.damping)}${chosen}.`));
  }
  if (damping.curvature === "gauss-newton") {
    flags.push(raise("gauss-newton", "H is that of Gauss and Newton."));
  }
  if (local.activation?.includes("relu")) flags.push(raise("relu-kinks", "The network has ReLU units."));
  return flags;
}

/** Flags on one threat. */
export function localThreatFlags(
  { threat, local, curve, trustRadius, solver }: ThreatSection,
  chosen: boolean,
  reasons: { readonly trust: string | null; readonly inference: string | null },
): Flag[] {
  const flags: Flag[] = [];
  const label = threatLabel(threat);
  if (local && !isStationary(local.gradientNorm) && (local.relativeShift === null || local.relativeShift > 0.1)) {
    const share =
      local.relativeShift === null
        ? ""
        : `, ${number(local.relativeShift, 2)} times the predicted shift in the norm of ${local.damping === 0 ? "H" : "H+λI"}`;
    flags.push(
      raise(
        "not-at-minimum",
        `${label}: the relative gradient is ${number(local.gradientNorm, 2)}, and a step towards the minimum has length ${number(local.shift, 2)}${share}.`,
      ),
    );
  }
  if (!solver.converged) {
    flags.push(
      raise(
        "unconverged-solver",
        `${label}: ${solver.name} ended after ${solver.iterations} iterations at a relative residual of ${number(solver.relativeResidual, 2)}.`,
      ),
    );
  }
  if (trustRadius === null) {
    flags.push(
      raise("trust-unknown", `${label}: no trust radius${reasons.trust === null ? "" : `, since ${reasons.trust}`}.`),
    );
  } else {
    const beyond = curve.filter(({ epsilon }) => epsilon > trustRadius * (1 + 1e-9)).length;
    if (chosen && beyond > 0) {
      const lie = `${beyond} of ${curve.length} sizes ${beyond === 1 ? "lies" : "lie"}`;
      flags.push(raise("trust-exceeded", `${label}: ${lie} beyond the trust radius ${number(trustRadius)}.`));
    }
  }
  if (reasons.inference !== null) {
    flags.push(raise("no-inference", `${label}: no interval for the population, since ${reasons.inference}.`));
  }
  if (threat.wasserstein === "1") {
    flags.push(raise("one-row-budget", `${label}: one row takes the whole budget of the others.`));
  }
  if (threat.divergence === null) {
    flags.push(
      raise("searched-worst-case", `${label}: losses under attack are lower bounds, found by projected gradients.`),
    );
  }
  return flags;
}

/** Losses under attack of some rows stand for those of all `rows`. */
export function sampledAttacksFlag({ threat, curve }: ThreatSection, rows: number, seed: number): Flag {
  const drawn = curve.find(({ attackedSample }) => attackedSample)?.attackedSample?.rows ?? 0;
  const errors = [curve[0], curve[curve.length - 1]].map(
    ({ epsilon, attackedSample }) => `${number(attackedSample?.standardError ?? 0, 2)} at ε = ${number(epsilon)}`,
  );
  return raise(
    "sampled-attacks",
    `${threatLabel(threat)}: losses under attack were searched on ${drawn} rows drawn from ${rows} (seed ${seed}); drawing them leaves a standard error of the robust loss of ${errors[0]}${curve.length > 1 ? ` and ${errors[1]}` : ""}.`,
  );
}

/** The largest ½I'H_LI of several minima beside the smallest, from which on one of them does not speak for the others. */
const DISAGREEMENT = 2;

export function restartFlags({ threat, local }: ThreatSection): Flag[] {
  const restarts = local?.restarts;
  if (!restarts) return [];
  const {
    minima,
    curvature: [least, most],
  } = restartSpread(restarts);
  if (most <= DISAGREEMENT * least) return [];
  const [{ seed, curvature }] = restarts;
  return [
    raise(
      "minima-differ",
      `${threatLabel(threat)}: over the ${minima} minima found from ${restarts.length} seeds ½I'H_LI runs from ${number(least)} to ${number(most)}; the one analysed (seed ${seed}, the lowest objective) has ${number(curvature)}.`,
    ),
  ];
}
