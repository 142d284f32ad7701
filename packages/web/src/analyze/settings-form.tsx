import { useState } from "preact/hooks";
import type { ServedTable } from "../api.js";
import { commandOf, type Settings } from "../settings.js";
import { sentence } from "../work.js";
import { ColumnTable } from "./column-table.js";
import { Field } from "./field.js";
import { MODELS } from "./models.js";

interface Props {
  readonly table: ServedTable;
  readonly settings: Settings;
  readonly onChange: (settings: Settings) => void;
  readonly onRun: () => void;
  readonly busy: boolean;
}

const NORMS = [
  { value: "2", label: "l2: the length of the move" },
  { value: "inf", label: "l∞: the largest move" },
  { value: "1", label: "l1: the sum of the moves" },
];

const MISSING = [
  { value: "error", label: "say where they are" },
  { value: "drop", label: "leave these rows out" },
  { value: "mean", label: "fill in the column's mean" },
];

const EVALUATIONS = [
  { value: "cv:10", label: "rows not trained on, in ten folds" },
  { value: "fraction:0.2", label: "a fifth of the rows, held out" },
  { value: "training", label: "the training rows themselves" },
];

/** What is predicted, by which model, and what the adversary may do. */
export function SettingsForm({ table, settings, onChange, onRun, busy }: Props) {
  const set = (changes: Partial<Settings>): void => onChange({ ...settings, ...changes });
  const [opened, setOpened] = useState(settings.further !== "");
  const target = table.columns.find(({ name }) => name === settings.target);
  const models = MODELS.filter((model) => model.target === "any" || !target || model.target === target.kind);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onRun();
      }}
    >
      <h1>{table.name}</h1>
      <p class="faint">
        {table.rows.toLocaleString("en-US")} rows, {table.columns.length} columns
      </p>
      <ColumnTable table={table} settings={settings} onChange={set} />
      <div class="fields">
        <Field label="Target">
          <select
            required
            value={settings.target}
            onChange={(event) => set({ target: event.currentTarget.value, model: "" })}
          >
            <option value="">choose what is predicted</option>
            {table.columns.map(({ name }) => (
              <option key={name} value={name}>
                {name.length > 60 ? `${name.slice(0, 59)}…` : name}
              </option>
            ))}
          </select>
        </Field>
        <Field label="Model">
          <select value={settings.model} onChange={(event) => set(withModel(settings, event.currentTarget.value))}>
            {models.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </Field>
        <Field label="Ridge λ">
          <input
            type="text"
            inputMode="decimal"
            placeholder="none"
            value={settings.l2}
            onInput={(event) => set({ l2: event.currentTarget.value })}
          />
        </Field>
        {(settings.missing !== "error" || table.columns.some(({ missing }) => missing > 0)) && (
          <Field label="Missing cells">
            <select value={settings.missing} onChange={(event) => set({ missing: event.currentTarget.value })}>
              {MISSING.map(({ value, label }) => (
                <option key={value} value={value}>
                  {label}
                </option>
              ))}
            </select>
          </Field>
        )}
        <Field label="Judged on">
          <select value={settings.evaluation} onChange={(event) => set({ evaluation: event.currentTarget.value })}>
            {EVALUATIONS.map(({ value, label }) => (
              <option key={value} value={value}>
                {label}
              </option>
            ))}
          </select>
        </Field>
      </div>
      <fieldset>
        <legend>The adversary moves every row by up to ρ, measured by</legend>
        {NORMS.map(({ value, label }) => (
          <label key={value} class="check">
            <input
              type="checkbox"
              checked={settings.norms.includes(value)}
              onChange={(event) =>
                set({
                  norms: event.currentTarget.checked
                    ? [...settings.norms, value]
                    : settings.norms.filter((norm) => norm !== value),
                })
              }
            />
            {label}
          </label>
        ))}
      </fieldset>
      <details open={opened} onToggle={(event) => setOpened(event.currentTarget.open)}>
        <summary>More options, and the same in a terminal</summary>
        <Field label="Further options">
          <input
            type="text"
            placeholder="--seed 3 --budget income=500 --class-weight balanced"
            value={settings.further}
            onInput={(event) => set({ further: event.currentTarget.value })}
          />
        </Field>
        <pre>
          <code>{command(table.name, settings)}</code>
        </pre>
      </details>
      <button type="submit" class="primary" disabled={busy || settings.target === "" || settings.norms.length === 0}>
        What would robustness cost?
      </button>
      {settings.target === "" && <p class="faint">Choose the target first.</p>}
      {settings.norms.length === 0 && <p class="faint">Choose at least one measure of the adversary's move.</p>}
    </form>
  );
}

/** Networks are not trained anew for every fold. */
function withModel({ evaluation }: Settings, model: string): Partial<Settings> {
  return { model, evaluation: model.startsWith("mlp") && evaluation.startsWith("cv") ? "fraction:0.2" : evaluation };
}

function command(name: string, settings: Settings): string {
  try {
    return commandOf("analyze", name, settings);
  } catch (error) {
    return sentence(error);
  }
}
