import { cornerReason, gradientBend, type SecondOrder, secondOrderFrom } from "../../influence/second-order.js";
import type { Pass } from "../../parallel/passes.js";
import type { StudySettings } from "../settings.js";
import { add, onView, type StreamedAttack, shiftsOf } from "./attack-rows.js";
import { densitiesOf } from "./inference-rows.js";
import type { RowsView } from "./rows-view.js";

/** J of θ_ε = θ̂ + εI + ½ε²J, or why there is none; null where it is not asked for. One pass (up to three with densities on bases). */
export async function secondOrderRows(
  pass: Pass<RowsView>,
  attacked: StreamedAttack,
  { secondOrder: wanted }: StudySettings,
): Promise<SecondOrder | null> {
  if (wanted === "none") return null;
  const { attack } = attacked;
  const reason = cornerReason(attack);
  if (reason !== null) return { response: null, reason };
  const densities = wanted === "density" ? await densitiesOf(pass, attacked) : null;
  const total = new Float64Array(attack.influence.length);
  const infinite = new Float64Array(1);
  await pass({
    sums: [total, infinite],
    async visit(view) {
      const found = await gradientBend(await onView(view, attacked), shiftsOf(view, attacked), densities, {});
      add(total, found.total);
      infinite[0] += found.infinite;
    },
  });
  return secondOrderFrom(attack, { total, infinite: infinite[0] });
}
