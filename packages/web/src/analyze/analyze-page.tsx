import type { StudyResult, VerificationResult } from "@aif/core";
import { useCallback, useEffect, useMemo, useState } from "preact/hooks";
import type { About, ServedTable } from "../api.js";
import { EMPTY, fromAddress, optionsOf, type Settings, toAddress } from "../settings.js";
import { sentence, useWork } from "../work.js";
import { ComparePanel, type Kept } from "./compare-panel.js";
import { sizesBetween } from "./grid.js";
import { hasExactOptimum } from "./models.js";
import { ProgressLine } from "./progress-line.js";
import { Results } from "./results.js";
import { SettingsForm } from "./settings-form.js";
import { TableChoice } from "./table-choice.js";

const JOB = "aif.job";

/** From a dropped table to the cost of robustness. */
export function AnalyzePage({ about }: { readonly about: About }) {
  const [tables, setTables] = useState<readonly ServedTable[]>(about.tables);
  const [settings, setSettings] = useState<Settings>(() => withTable(fromAddress(location.hash), about.tables));
  const [problem, setProblem] = useState<string | null>(null);
  const [kept, setKept] = useState<readonly Kept[]>([]);
  const study = useWork<StudyResult>(true);
  const fine = useWork<StudyResult>();
  const exact = useWork<VerificationResult>();
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

  const ask = useCallback(
    (command: "analyze" | "verify", sizes: readonly number[] | null) => ({
      command,
      table: settings.table,
      options: [
        ...optionsOf(settings).filter(([flag]) => sizes === null || (flag !== "--epsilon" && flag !== "--radius")),
        ...(sizes === null ? [] : [["--epsilon", sizes.join(",")] as const]),
      ],
    }),
    [settings],
  );

  const run = (): void => {
    setProblem(null);
    fine.clear();
    exact.clear();
    try {
      void study.start(ask("analyze", null));
    } catch (error) {
      setProblem(sentence(error));
    }
  };

  // Once the answer is there, finer sizes for the slider; then how good the prediction is.
  const { result } = study;
  useEffect(() => {
    if (result === null || table === null || !hasExactOptimum(result)) return;
    void fine.start(ask("analyze", sizesBetween(result)));
  }, [result]);
  useEffect(() => {
    if (fine.result === null) return;
    void exact.start(ask("verify", null));
  }, [fine.result]);

  const choose = useCallback((id: string, all: readonly ServedTable[]): void => {
    setTables(all);
    setSettings((before) => (before.table === id ? before : { ...EMPTY, table: id }));
    study.clear();
    fine.clear();
    exact.clear();
  }, []);

  const shown = useMemo(() => fine.result ?? result, [fine.result, result]);
  return (
    <>
      <TableChoice tables={tables} chosen={settings.table} onChoose={choose} />
      {table !== null && (
        <SettingsForm
          key={table.id}
          table={table}
          settings={settings}
          onChange={setSettings}
          onRun={run}
          busy={study.status?.state === "running" || study.status?.state === "waiting"}
        />
      )}
      {problem !== null && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      <ProgressLine work={study} label="Analysing" />
      {shown !== null && result !== null && (
        <Results
          result={shown}
          jobId={study.status?.id ?? null}
          exact={exact.result}
          fineWork={fine}
          exactWork={exact}
          settings={settings}
          onKeep={(one) => setKept((before) => [...before.filter(({ name }) => name !== one.name), one])}
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
