import { type ComparisonResult, chartsOf, words } from "@aif/core";
import { useMemo, useState } from "preact/hooks";
import { type About, reportOf, type ServedTable } from "../api.js";
import { Chart } from "../chart.js";
import type { Option, Settings } from "../settings.js";
import { useWork } from "../work.js";
import { Field } from "./field.js";
import { MODELS } from "./models.js";
import { ProgressLine } from "./progress-line.js";
import { requestOf } from "./requests.js";

const { number, short, signed } = words;

interface Props {
  readonly table: ServedTable;
  readonly settings: Settings;
  readonly about: About;
  /** The size at which they are compared. */
  readonly epsilon: number;
}

const FEATURES = [
  { value: "all", label: "all columns" },
  { value: "forward 1..5", label: "the best one to five, selected in every fold" },
  { value: "first 1..5", label: "the first one to five of the table" },
];

/** Several models on the same rows, folds and attack, with intervals of their differences. */
export function CompareModels({ table, settings, about, epsilon }: Props) {
  const target = table.columns.find(({ name }) => name === settings.target);
  const offered = MODELS.filter(
    (model) => model.value !== "" && (model.target === "any" || !target || model.target === target.kind),
  );
  const [models, setModels] = useState<readonly string[]>([]);
  const [features, setFeatures] = useState("all");
  const [ridges, setRidges] = useState(settings.l2);
  const work = useWork<ComparisonResult>();
  const busy = work.status?.state === "running" || work.status?.state === "waiting";
  const start = (): void => {
    const own: Option[] = [
      ...models.map((model): Option => ["--model", model]),
      ["--features", "all"],
      ...(features === "all" ? [] : [["--features", features] as const]),
      ...(ridges.trim() === "" ? [] : [["--l2", ridges.trim()] as const]),
      ["--norm", settings.norms[0]],
      ["--epsilon", String(epsilon)],
    ];
    void work.start(requestOf("compare", { ...settings, model: "", l2: "" }, about, own));
  };
  return (
    <section aria-label="Compare models">
      <h2>Which model?</h2>
      <p>
        Compare a family of models on this table, at ε = {short(epsilon)}: which has the least loss, which gives up
        least to robustness, and which differences are noise.
      </p>
      <fieldset>
        <legend>Models; none: by the target</legend>
        {offered.map(({ value, label }) => (
          <label key={value} class="check">
            <input
              type="checkbox"
              checked={models.includes(value)}
              onChange={(event) =>
                setModels(event.currentTarget.checked ? [...models, value] : models.filter((model) => model !== value))
              }
            />
            {label}
          </label>
        ))}
      </fieldset>
      <div class="fields">
        <Field label="Features">
          <select value={features} onChange={(event) => setFeatures(event.currentTarget.value)}>
            {FEATURES.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </Field>
        <Field label="Ridges, such as 0,0.01,0.1">
          <input
            type="text"
            inputMode="decimal"
            placeholder="none"
            value={ridges}
            onInput={(event) => setRidges(event.currentTarget.value)}
          />
        </Field>
      </div>
      <button type="button" disabled={busy} onClick={start}>
        Compare these models
      </button>
      <ProgressLine work={work} label="Comparing" />
      {work.result !== null && <Compared result={work.result} jobId={work.status?.id ?? null} />}
    </section>
  );
}

function Compared({ result, jobId }: { readonly result: ComparisonResult; readonly jobId: string | null }) {
  const charts = useMemo(() => chartsOf(result), [result]);
  const { models, natural, relative, sizes } = result;
  return (
    <>
      <ul>
        {result.words.map((sentence) => (
          <li key={sentence}>{sentence}</li>
        ))}
      </ul>
      <div class="scroll" tabIndex={0} role="region" aria-label="Compared models">
        <table>
          <thead>
            <tr>
              <th scope="col">model</th>
              <th scope="col">parameters</th>
              <th scope="col">natural loss</th>
              <th scope="col">above the lowest</th>
              <th scope="col">may be the best</th>
              <th scope="col">cost at ε = {short(sizes.epsilon)}</th>
              <th scope="col">on the frontier</th>
            </tr>
          </thead>
          <tbody>
            {models.map((model, k) => {
              const reach = natural.reach?.[k][0];
              const { cost } = model.relative;
              return (
                <tr key={model.name}>
                  <th scope="row">
                    {k + 1} {model.name}
                  </th>
                  <td>{model.parameters}</td>
                  <td>{number(model.naturalLoss.value, 4)}</td>
                  <td>
                    {k === 0
                      ? ""
                      : `${signed(natural.estimates[k] - natural.estimates[0])}${reach === undefined ? "" : ` ± ${number(reach, 2)}`}`}
                  </td>
                  <td>{natural.reach === null ? "?" : natural.best.includes(k) ? "yes" : "no"}</td>
                  <td>
                    {signed(cost.value)}
                    {cost.interval && ` ± ${number(cost.interval[1] - cost.value, 2)}`}
                  </td>
                  <td>{relative.frontier.includes(k) ? "yes" : "no"}</td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <div class="charts">
        {charts.map((chart) => (
          <Chart key={chart.name} chart={chart} epsilon={sizes.epsilon} />
        ))}
      </div>
      {result.failed.map(({ name, reason }) => (
        <p key={name} class="faint">
          {name} was left out: {reason}
        </p>
      ))}
      {jobId !== null && (
        <p class="take">
          <a class="act" href={reportOf(jobId)} download="aif-comparison.html">
            download the comparison's report
          </a>
        </p>
      )}
    </>
  );
}
