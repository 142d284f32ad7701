import { attackKey, type StudyResult, words } from "@aif/core";
import { nearest } from "./grid.js";

const { number, percent, short, signed } = words;

/** A result that was kept beside others. */
export interface Kept {
  readonly name: string;
  readonly result: StudyResult;
  readonly norm: string;
}

/** Models side by side, at the same share of what each can be trusted to. */
export function ComparePanel({
  kept,
  onForget,
}: {
  readonly kept: readonly Kept[];
  readonly onForget: (name: string) => void;
}) {
  if (kept.length === 0) return null;
  const units = new Set(kept.map(({ result }) => `${result.model.lossLabel} ${result.model.unit}`));
  return (
    <section aria-label="Comparison">
      <h2>Side by side</h2>
      {units.size > 1 && (
        <p class="problem">These models have different losses: their numbers cannot be compared with each other.</p>
      )}
      <div class="scroll" tabIndex={0} role="region" aria-label="Kept results">
        <table>
          <thead>
            <tr>
              <th scope="col">model</th>
              <th scope="col">natural loss</th>
              <th scope="col">trusted to ε</th>
              <th scope="col">ε</th>
              <th scope="col">ρ</th>
              <th scope="col">cost</th>
              <th scope="col">gain under attack</th>
              <th scope="col">pays from</th>
              <th scope="col">
                <span class="visually-hidden">forget</span>
              </th>
            </tr>
          </thead>
          <tbody>
            {kept.map(({ name, result, norm }) => {
              const threat = result.threats.find((one) => attackKey(one.threat) === norm);
              const point = threat ? nearest(threat.curve, threat.verdict?.epsilon ?? 0.01) : null;
              return (
                <tr key={name}>
                  <th scope="row">{name}</th>
                  <td>{number(result.fit.heldOutLoss ?? result.fit.trainingLoss, 4)}</td>
                  <td>{short(threat?.trustRadius ?? null)}</td>
                  <td>{short(point?.epsilon ?? null)}</td>
                  <td>{short(point?.radius ?? null)}</td>
                  <td>{signed(point?.cost ?? null)}</td>
                  <td>{signed(point?.benefit ?? null)}</td>
                  <td>{percent(point?.breakEvenRate ?? null)}</td>
                  <td>
                    <button type="button" class="act" aria-label={`Forget ${name}`} onClick={() => onForget(name)}>
                      forget
                    </button>
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p class="faint">
        Differences between models need their own intervals: “Compare these models” above gives them, on the same folds.
      </p>
    </section>
  );
}
