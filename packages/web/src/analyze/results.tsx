import {
  attackKey,
  attackName,
  chartsOf,
  type StudyResult,
  type ThreatSection,
  type VerificationResult,
  words,
} from "@aif/core";
import { useMemo, useState } from "preact/hooks";
import { type About, reportOf } from "../api.js";
import { Chart, save } from "../chart.js";
import type { Settings } from "../settings.js";
import type { Followed } from "../work.js";
import type { Kept } from "./compare-panel.js";
import { nearest } from "./grid.js";
import { hasExactOptimum } from "./models.js";
import { Numbers } from "./numbers.js";
import { ProgressLine } from "./progress-line.js";
import { Training } from "./training.js";

const { short } = words;

interface Props {
  readonly result: StudyResult;
  readonly jobId: string | null;
  readonly exact: VerificationResult | null;
  readonly fineWork: Followed<StudyResult>;
  readonly exactWork: Followed<VerificationResult>;
  readonly restWork: Followed<VerificationResult>;
  readonly settings: Settings;
  readonly about: About;
  readonly onKeep: (kept: Kept) => void;
}

/** The answer: the verdict in words, one size for all numbers and charts, and what can be taken away. */
export function Results({ result, jobId, exact, fineWork, exactWork, restWork, settings, about, onKeep }: Props) {
  const [norm, setNorm] = useState(attackKey(result.threats[0].threat));
  const threat = result.threats.find((one) => attackKey(one.threat) === norm) ?? result.threats[0];
  const sizes = useMemo(() => threat.curve.map(({ epsilon }) => epsilon).filter((epsilon) => epsilon > 0), [threat]);
  const [wanted, setWanted] = useState<number | null>(null);
  const point = nearest(threat.curve, wanted ?? threat.verdict?.epsilon ?? sizes[0]);
  const charts = useMemo(
    () => chartsOf(result).filter(({ attack }) => attack === null || attack === attackKey(threat.threat)),
    [result, threat],
  );
  const verified = exact?.threats.find((one) => attackKey(one.threat) === attackKey(threat.threat)) ?? null;
  if (point === null) return null;
  const position = sizes.indexOf(point.epsilon);
  return (
    <section aria-label="Result">
      <h2>What robustness costs</h2>
      {result.threats.length > 1 && (
        <fieldset class="tabs">
          <legend class="visually-hidden">Attack</legend>
          {result.threats.map((one) => (
            <label key={attackKey(one.threat)} class="check">
              <input
                type="radio"
                name="norm"
                checked={one === threat}
                onChange={() => {
                  setNorm(attackKey(one.threat));
                  setWanted(null);
                }}
              />
              {attackName(one.threat)}
            </label>
          ))}
        </fieldset>
      )}
      {threat.verdict !== null && (
        <p class="lead">
          <strong>At ε = {short(threat.verdict.epsilon)}.</strong> {threat.verdict.text}
        </p>
      )}
      <div class="slider">
        <label for="size">Size of the attack</label>
        <input
          id="size"
          type="range"
          min={0}
          max={sizes.length - 1}
          step={1}
          value={position}
          aria-valuetext={`ε = ${short(point.epsilon)}`}
          onInput={(event) => setWanted(sizes[Number(event.currentTarget.value)])}
        />
        <output for="size">
          ε = {short(point.epsilon)}, ρ = {short(point.radius)}
          {point.extrapolated && <span class="badge warn">beyond the trust radius: rough</span>}
        </output>
      </div>
      <Numbers result={result} threat={threat} point={point} verified={verified} />
      <p class="faint" aria-live="polite">
        {hasExactOptimum(result)
          ? exactWords(exactWork, verified)
          : "The answer for this model takes adversarial training: start it below."}
      </p>
      <ProgressLine work={fineWork} label="Finer sizes" />
      <ProgressLine work={exactWork} label="Solving robust training exactly" />
      <ProgressLine work={restWork} label="Exact answers at every size of the slider" />
      <div class="charts">
        {charts.map((chart) => (
          <Chart key={`${chart.name} ${chart.attack}`} chart={chart} epsilon={point.epsilon} />
        ))}
      </div>
      <Flags result={result} />
      <p class="take">
        {jobId !== null && (
          <a class="act" href={reportOf(jobId)} download="aif-report.html">
            download the report
          </a>
        )}
        <button
          type="button"
          class="act"
          onClick={() => save("aif-result.json", `${JSON.stringify(result, null, 2)}\n`, "application/json")}
        >
          download as JSON
        </button>
        <button
          type="button"
          class="act"
          onClick={() => onKeep({ name: nameOf(result, threat), result, norm: attackKey(threat.threat) })}
        >
          keep for comparison
        </button>
      </p>
      <Training result={result} threat={threat} epsilon={point.epsilon} settings={settings} about={about} />
    </section>
  );
}

const nameOf = ({ model, data }: StudyResult, { threat }: ThreatSection): string =>
  `${model.kind}${model.l2 === 0 ? "" : `, λ = ${short(model.l2)}`}, ${attackName(threat)}, ${data.features.length} features of ${data.source}`;

function exactWords(
  { status }: Followed<VerificationResult>,
  verified: VerificationResult["threats"][number] | null,
): string {
  if (verified !== null) return verified.verification.text;
  return status === null ? "" : "Robust training is being solved exactly, to judge the prediction …";
}

function Flags({ result }: { readonly result: StudyResult }) {
  if (result.flags.length === 0) return null;
  return (
    <details>
      <summary>Notes and warnings ({result.flags.length})</summary>
      {result.flags.map(({ code, level, message, help }, k) => (
        <div key={`${code} ${k}`} class={`flag ${level}`}>
          <p>
            <span class="badge">{level}</span> {message}
          </p>
          <p class="faint">{help}</p>
        </div>
      ))}
    </details>
  );
}
