import { number, short } from "../study/words.js";
import type { Estimate, Summary, Verdict } from "./experiment.js";

/** Orders in ε this near to what is claimed count as that. */
const ORDER_TOLERANCE = 0.2;

/** What the numbers of Figure 1 say, from the means over the data sets. */
export function figure1Verdicts({ columns, values }: Summary): Verdict[] {
  const smallest = `ε = ${short(columns["epsilon"].mean[0])}`;
  const first = (name: string): string => number(columns[name].mean[0]);
  const printed = values["order.printed"];
  return [
    { claim: "ΔI vanishes in proportion to ε", ...vanishing(values["order.influence"]) },
    {
      claim: "ΔS as printed, |Ŝ/ε² − I'HI|, vanishes with ε",
      holds: isNear(printed, 0) === true ? false : isNear(printed, 1),
      text: `at ${smallest} it is ${first("printed.exact")}, and ½I'HI, the limit that the missing ½ leaves, is ${shown(values["curvature"])}`,
    },
    {
      claim: "ΔS with the factor ½, |Ŝ/ε² − ½I'HI|, vanishes in proportion to ε",
      ...vanishing(values["order.corrected"]),
    },
    {
      claim: "Kink radius",
      holds: null,
      text:
        values["kinkRadius"].mean === null
          ? "no residual or coefficient ever changes sign"
          : `the first residual or coefficient changes sign at ε = ${shown(values["kinkRadius"])}; beyond it the errors are no longer in proportion to ε`,
    },
    { claim: "PGD", holds: null, text: ownError(columns) },
  ];
}

/** Up to which ε adversarial training shows itself rather than the linearisation. */
function ownError(columns: Summary["columns"]): string {
  const [epsilons, own, linearisation] = ["epsilon", "pgd.own", "influence.exact"].map((name) => columns[name].mean);
  const last = epsilons.findLastIndex((_, k) => own[k] > linearisation[k]);
  const k = Math.max(0, last);
  const numbers = `${number(own[k])} against ${number(linearisation[k])} at ε = ${short(epsilons[k])}`;
  return last < 0
    ? `its own error, ‖θ_PGD − θ_ε‖/ε, stays below the linearisation error at every ε (${numbers})`
    : `up to ε = ${short(epsilons[k])} its own error, ‖θ_PGD − θ_ε‖/ε, exceeds the linearisation error (${numbers}): there a curve by PGD shows PGD`;
}

const vanishing = (order: Estimate): Pick<Verdict, "holds" | "text"> => ({
  holds: isNear(order, 1),
  text:
    order.mean === null
      ? "too few ε of the grid lie well below the kink radius to tell"
      : `it goes as ε to the power of ${shown(order)}, over ε up to a fifth of the kink radius`,
});

const isNear = ({ mean }: Estimate, goal: number): boolean | null =>
  mean === null ? null : Math.abs(mean - goal) <= ORDER_TOLERANCE;

const shown = ({ mean, standardError }: Estimate): string =>
  standardError === null ? number(mean) : `${number(mean)} ± ${number(standardError, 2)}`;
