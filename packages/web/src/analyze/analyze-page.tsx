import type { StudyResult, VerificationResult } from "@aif/core";
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import type { About, ServedTable } from "../api.js";
import { EMPTY, fromAddress, type Option, optionsOf, type Settings, toAddress } from "../settings.js";
import { sentence, useWork } from "../work.js";
import { CompareModels } from "./compare-models.js";
import { ComparePanel, type Kept } from "./compare-panel.js";
import { sizesWithoutExact, withExact } from "./exact.js";
import { sizesBetween } from "./grid.js";
import { hasExactOptimum } from "./models.js";
import { ProgressLine } from "./progress-line.js";
import { Remedies } from "./remedies.js";
import { requestOf } from "./requests.js";
import { Results } from "./results.js";
import { SettingsForm } from "./settings-form.js";
import { TableChoice } from "./table-choice.js";

const JOB = "aif.job";

const at = (sizes: readonly number[]): Option[] => [["--epsilon", sizes.join(",")]];
/** Where only exact changes are wanted. */
const QUICK: readonly Option[] = [
  ["--inference", "none"],
  ["--evaluation", "training"],
];

/** From a dropped table to the cost of robustness. */
export function AnalyzePage({ about }: { readonly about: About }) {
  const [tables, setTables] = useState<readonly ServedTable[]>(about.tables);
  const [settings, setSettings] = useState<Settings>(() => withTable(fromAddress(location.hash), about.tables));
  const [problem, setProblem] = useState<string | null>(null);
  const [kept, setKept] = useState<readonly Kept[]>([]);
  const study = useWork<StudyResult>(true);
  const fine = useWork<StudyResult>();
  const exact = useWork<VerificationResult>();
  const rest = useWork<VerificationResult>();
  const table = tables.find(({ id }) => id === settings.table) ?? null;

  // The address follows the settings, so that a link or a reload brings them back.
  useEffect(() => {
    history.replaceState(null, "", `#/${toAddress(settings)}`);
  }, [settings]);
  useEffect(() => {
    const turn = (): void => {
      if (location.hash.startsWith("#/analyze?")) setSettings(withTable(fromAddress(location.hash), tables));
    };
    addEventListener("hashchange", turn);
    return () => removeEventListener("hashchange", turn);
  }, [tables]);

  // A reload takes the last analysis up again where the server still has it.
  useEffect(() => {
    const id = sessionStorage.getItem(JOB);
    if (id !== null && about.jobs.some((job) => job.id === id && job.state !== "failed" && job.state !== "cancelled")) {
      void study.resume(id);
    }
  }, []);
  useEffect(() => {
    if (study.status !== null) sessionStorage.setItem(JOB, study.status.id);
  }, [study.status?.id]);

  const followers = [fine, exact, rest];
  const run = (wanted: Settings): void => {
    setProblem(null);
    for (const work of followers) work.clear();
    try {
      void study.start({ command: "analyze", table: wanted.table, options: optionsOf(wanted) });
    } catch (error) {
      setProblem(sentence(error));
    }
  };

  // Once the answer is there, finer sizes for the slider; then how good the prediction is.
  const { result } = study;
  useEffect(() => {
    if (result === null || table === null || !hasExactOptimum(result)) return;
    void fine.start(requestOf("analyze", settings, about, at(sizesBetween(result))));
  }, [result]);
  useEffect(() => {
    if (fine.result !== null) void exact.start(requestOf("verify", settings, about, []));
  }, [fine.result]);
  // Sizes whose exact answer the analysis has not found by itself.
  useEffect(() => {
    if (fine.result === null || exact.result === null) return;
    const missing = sizesWithoutExact(withExact(fine.result, [exact.result]));
    if (missing.length > 0) void rest.start(requestOf("verify", settings, about, [...at(missing), ...QUICK]));
  }, [exact.result]);

  const choose = useCallback((id: string, all: readonly ServedTable[]): void => {
    setTables(all);
    setSettings((before) => (before.table === id ? before : { ...EMPTY, table: id }));
    for (const work of [study, ...followers]) work.clear();
  }, []);

  const shown = useMemo(() => {
    if (result === null) return null;
    // The size that is judged is that of the analysis asked for, whichever finer sizes arrive.
    const threats = (fine.result ?? result).threats.map((threat, k) => ({
      ...threat,
      verdict: result.threats[k].verdict,
    }));
    return withExact({ ...(fine.result ?? result), threats }, [exact.result, rest.result]);
  }, [fine.result, result, exact.result, rest.result]);
  return (
    <>
      <TableChoice tables={tables} chosen={settings.table} onChoose={choose} />
      {table !== null && (
        <SettingsForm
          key={table.id}
          table={table}
          settings={settings}
          onChange={setSettings}
          onRun={() => run(settings)}
          busy={study.status?.state === "running" || study.status?.state === "waiting"}
        />
      )}
      {problem !== null && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <ProgressLine work={study} label="Analysing" />
      <Remedies
        error={study.error}
        onRemedy={(changes) => {
          const mended = { ...settings, ...changes };
          setSettings(mended);
          run(mended);
        }}
      />
      {shown !== null && result !== null && (
        <Results
          result={shown}
          jobId={study.status?.id ?? null}
          exact={exact.result}
          fineWork={fine}
          exactWork={exact}
          restWork={rest}
          settings={settings}
          about={about}
          onKeep={(one) => setKept((before) => [...before.filter(({ name }) => name !== one.name), one])}
        />
      )}
      {table !== null && result !== null && (
        <CompareModels
          key={study.status?.id}
          table={table}
          settings={settings}
          about={about}
          epsilon={result.threats[0].verdict?.epsilon ?? 0.01}
        />
      )}
      <ComparePanel kept={kept} onForget={(name) => setKept((before) => before.filter((one) => one.name !== name))} />
    </>
  );
}

/** The table of the address, or the only one there is. */
function withTable(settings: Settings, tables: readonly ServedTable[]): Settings {
  if (tables.some(({ id }) => id === settings.table)) return settings;
  return tables.length > 0 ? { ...EMPTY, table: tables[tables.length - 1].id } : EMPTY;
}
