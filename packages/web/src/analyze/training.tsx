import {
  chartsOf,
  type StudyResult,
  type ThreatSection,
  type TrainingResult,
  type VerificationResult,
  words,
} from "@aif/core";
import { useMemo } from "preact/hooks";
import type { About } from "../api.js";
import { Chart } from "../chart.js";
import type { Settings } from "../settings.js";
import { useWork } from "../work.js";
import { LiveObjective } from "./live-objective.js";
import { ProgressLine } from "./progress-line.js";
import { requestOf, unknownTo } from "./requests.js";

const { number, percent, short, signed } = words;

interface Props {
  readonly result: StudyResult;
  readonly threat: ThreatSection;
  readonly epsilon: number;
  readonly settings: Settings;
  readonly about: About;
}

/** Robust training itself, watched beside what was predicted of it. */
export function Training(props: Props) {
  const { threat, settings, about } = props;
  const { wasserstein, divergence } = threat.threat;
  const byGradients =
    threat.local === null &&
    wasserstein === null &&
    divergence === null &&
    unknownTo("adversarial-train", settings, about).length === 0;
  return (
    <section aria-label="Adversarial training">
      <h2>Do not take our word</h2>
      {byGradients ? <Gradients {...props} /> : <Verified {...props} />}
    </section>
  );
}

/** Models with a closed form: projected gradients, iteration by iteration. */
function Gradients({ result, threat, epsilon, settings, about }: Props) {
  const work = useWork<TrainingResult>();
  const trained = work.result;
  const chart = useMemo(() => (trained === null ? null : (chartsOf(trained)[0] ?? null)), [trained]);
  const start = (): void =>
    void work.start(
      requestOf("adversarial-train", settings, about, [
        ["--norm", threat.threat.norm ?? "2"],
        ["--epsilon", String(epsilon)],
      ]),
    );
  return (
    <>
      <p>
        Train against attacks of ε = {short(epsilon)} by projected gradients, as others do, and watch it arrive where
        the prediction said.
      </p>
      <Start epsilon={epsilon} status={work.status} onStart={start} />
      <ProgressLine work={work} label="Adversarial training" />
      {trained === null && <LiveObjective status={work.status} />}
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
          <Chart chart={chart} epsilon={trained.epsilon} />
        </>
      )}
    </>
  );
}

/** Networks and other models without a closed form: what aif verify trains, beside the prediction. */
function Verified({ result, threat, epsilon, settings, about }: Props) {
  const work = useWork<VerificationResult>();
  const { norm } = threat.threat;
  const start = (): void =>
    void work.start(
      requestOf("verify", settings, about, [
        ...(norm === null ? [] : [["--norm", norm] as const]),
        ["--epsilon", String(epsilon)],
        ["--inference", "none"],
        ["--evaluation", "training"],
      ]),
    );
  const point = work.result?.threats[0]?.curve[0] ?? null;
  return (
    <>
      <p>
        Train this model robustly against attacks of ε = {short(epsilon)}, from where it is now, and see whether it
        arrives where the prediction said. It is what the prediction saves: it may take minutes.
      </p>
      <Start epsilon={epsilon} status={work.status} onStart={start} />
      <ProgressLine work={work} label="Robust training" />
      {point !== null && (
        <>
          <dl class="numbers">
            <div>
              <dt>Predicted change of the training loss</dt>
              <dd>{signed(point.thisData.predicted)}</dd>
              <dd class="faint">in {number(point.seconds.prediction, 2)} s for all sizes</dd>
            </div>
            <div>
              <dt>After training at ε = {short(point.epsilon)}</dt>
              <dd>{signed(point.thisData.exact)}</dd>
              <dd class="faint">in {number(point.seconds.exact, 2)} s for this size</dd>
            </div>
            <div>
              <dt>Parameters</dt>
              <dd>{percent(point.relativeParameterError)}</dd>
              <dd class="faint">of the predicted shift away from the prediction</dd>
            </div>
          </dl>
          <p>{work.result?.threats[0].verification.text}</p>
          <p class="faint">Losses are {result.model.lossLabel}, on the training rows.</p>
        </>
      )}
    </>
  );
}

function Start({
  epsilon,
  status,
  onStart,
}: {
  readonly epsilon: number;
  readonly status: { readonly state: string } | null;
  readonly onStart: () => void;
}) {
  return (
    <button type="button" onClick={onStart} disabled={status?.state === "running" || status?.state === "waiting"}>
      Train adversarially at ε = {short(epsilon)}
    </button>
  );
}
