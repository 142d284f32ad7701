import { chartsOf, type StudyResult, type ThreatSection, type TrainingResult, words } from "@aif/core";
import { useMemo } from "preact/hooks";
import { Chart } from "../chart.js";
import { optionsOf, type Settings } from "../settings.js";
import { useWork } from "../work.js";
import { ProgressLine } from "./progress-line.js";

const { number, percent, short, signed } = words;

interface Props {
  readonly result: StudyResult;
  readonly threat: ThreatSection;
  readonly epsilon: number;
  readonly settings: Settings;
}

/** Options that `aif adversarial-train` shares with the analysis. */
const SHARED = new Set([
  "--target",
  "--model",
  "--l2",
  "--freeze",
  "--exclude",
  "--seed",
  "--budget",
  "--bounds",
  "--no-intercept",
  "--no-standardize",
  "--loss",
  "--positive",
  "--missing",
  "--keep",
]);

/** Adversarial training itself, watched beside what was predicted of it. */
export function Training({ result, threat, epsilon, settings }: Props) {
  const work = useWork<TrainingResult>();
  const trained = work.result;
  const chart = useMemo(() => (trained === null ? null : (chartsOf(trained)[0] ?? null)), [trained]);
  if (threat.local !== null || threat.threat.wasserstein !== null || threat.threat.divergence !== null) return null;
  const start = (): void => {
    const options = optionsOf(settings).filter(([flag]) => SHARED.has(flag));
    void work.start({
      command: "adversarial-train",
      table: settings.table,
      options: [...options, ["--norm", threat.threat.norm ?? "2"], ["--epsilon", String(epsilon)]],
    });
  };
  const busy = work.status?.state === "running" || work.status?.state === "waiting";
  return (
    <section aria-label="Adversarial training">
      <h2>Do not take our word</h2>
      <p>
        Train against attacks of ε = {short(epsilon)} by projected gradients, as others do, and watch it arrive where
        the prediction said.
      </p>
      <button type="button" onClick={start} disabled={busy}>
        Train adversarially at ε = {short(epsilon)}
      </button>
      <ProgressLine work={work} label="Adversarial training" />
      {trained !== null && chart !== null && (
        <>
          <p>
            The loss without attack changed by {signed(trained.trained.naturalLoss - trained.natural.naturalLoss)} (
            {result.model.unit.slice(0, 60)})
            {trained.comparison && `; the prediction said ${signed(trained.comparison.predictedChange)}`}. Under attack
            it fell from {number(trained.natural.robustLoss, 4)} to {number(trained.trained.robustLoss, 4)}
            {trained.comparison &&
              `, with parameters ${percent(trained.comparison.relativeParameterError)} of the shift away from the prediction`}
            . Training took {number(trained.timings.training, 2)} s, the prediction{" "}
            {number(trained.timings.prediction, 2)} s.
          </p>
          <Chart chart={chart} epsilon={epsilon} />
        </>
      )}
    </section>
  );
}
