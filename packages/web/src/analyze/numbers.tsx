import { type CurvePoint, type StudyResult, type ThreatSection, type VerifiedThreat, words } from "@aif/core";

const { number, percent, short, signed } = words;

interface Props {
  readonly result: StudyResult;
  readonly threat: ThreatSection;
  readonly point: CurvePoint;
  readonly verified: VerifiedThreat | null;
}

const METRICS: Readonly<Record<string, { readonly label: string; readonly share: boolean }>> = {
  accuracy: { label: "accuracy", share: true },
  balancedAccuracy: { label: "balanced accuracy", share: true },
  auc: { label: "AUC", share: false },
  rmse: { label: "RMSE", share: false },
  mae: { label: "MAE", share: false },
  r2: { label: "R²", share: false },
};

/** Every number at the size that the slider says. */
export function Numbers({ result, threat, point, verified }: Props) {
  const { unit } = result.model;
  const exact = verified === null ? null : (verified.curve.find(({ epsilon }) => epsilon === point.epsilon) ?? null);
  const held = point.heldOut;
  const widest = threat.originalUnits.toSorted((a, b) => b.perRadius - a.perRadius)[0];
  const metrics = Object.entries(METRICS).filter(([name]) => name in point.metrics.natural);
  return (
    <>
      <dl class="numbers">
        <div>
          <dt>Costs without attack{held === null ? ", on the training rows" : ", on new rows"}</dt>
          <dd>{signed(held?.predicted ?? point.thisData.predicted)}</dd>
          {held?.interval && (
            <dd class="faint">
              {short(100 * result.settings.confidence)} % interval {signed(held.interval[0])} to{" "}
              {signed(held.interval[1])}
            </dd>
          )}
        </div>
        <div>
          <dt>Gains under attack</dt>
          <dd>{signed(point.benefit)}</dd>
          <dd class="faint">
            loss {number(point.robustLossNatural, 4)} → {number(point.robustLoss, 4)}
          </dd>
        </div>
        <div>
          <dt>On the training rows, predicted and exact</dt>
          <dd>
            {signed(point.thisData.predicted)} <small>and</small>{" "}
            {signed(exact?.thisData.exact ?? point.thisData.exact)}
          </dd>
          {exact?.relativeParameterError !== null && exact?.relativeParameterError !== undefined && (
            <dd class="faint">parameters {percent(exact.relativeParameterError)} of the shift away</dd>
          )}
        </div>
        <div>
          <dt>Pays from</dt>
          <dd>{percent(point.breakEvenRate)}</dd>
          <dd class="faint">of inputs attacked</dd>
        </div>
        {widest && (
          <div>
            <dt>What ρ means</dt>
            <dd>{number(widest.perRadius * point.radius)}</dd>
            <dd class="faint">the most that “{widest.feature.slice(0, 40)}” moves, in its own units</dd>
          </div>
        )}
      </dl>
      <p class="faint">
        Losses are {result.model.lossLabel}, in {unit.slice(0, 60)}.
      </p>
      {metrics.length > 0 && (
        <div class="scroll" tabIndex={0} role="region" aria-label="Metrics">
          <table>
            <thead>
              <tr>
                <th scope="col">now → after robust training</th>
                <th scope="col">without attack</th>
                <th scope="col">under attack</th>
              </tr>
            </thead>
            <tbody>
              {metrics.map(([name, { label, share }]) => {
                const write = (value: number | undefined): string =>
                  value === undefined ? "–" : share ? percent(value) : number(value, 4);
                const { natural, naturalNow, robust, robustNow } = point.metrics;
                return (
                  <tr key={name}>
                    <th scope="row">{label}</th>
                    <td>
                      {write(naturalNow[name])} → {write(natural[name])}
                    </td>
                    <td>
                      {write(robustNow[name])} → {write(robust[name])}
                    </td>
                  </tr>
                );
              })}
            </tbody>
          </table>
        </div>
      )}
    </>
  );
}
