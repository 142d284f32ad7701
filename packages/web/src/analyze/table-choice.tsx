import { useRef, useState } from "preact/hooks";
import { receive, type ServedTable } from "../api.js";
import { sentence } from "../work.js";
import { Field } from "./field.js";

interface Props {
  readonly tables: readonly ServedTable[];
  readonly chosen: string;
  readonly onChoose: (id: string, tables: readonly ServedTable[]) => void;
}

/** Drop a file, or choose one of those that are here. */
export function TableChoice({ tables, chosen, onChoose }: Props) {
  const input = useRef<HTMLInputElement>(null);
  const [over, setOver] = useState(false);
  const [busy, setBusy] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);

  const take = async (file: File | undefined): Promise<void> => {
    if (file === undefined) return;
    setBusy(file.name);
    setProblem(null);
    try {
      const table = await receive(file);
      onChoose(table.id, [...tables, table]);
    } catch (error) {
      setProblem(sentence(error));
    } finally {
      setBusy(null);
    }
  };

  return (
    <section aria-label="Table">
      <div
        class={over ? "drop over" : "drop"}
        onDragOver={(event) => {
          event.preventDefault();
          setOver(true);
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault();
          setOver(false);
          void take(event.dataTransfer?.files[0]);
        }}
      >
        <p>
          <strong>Drop a table here</strong>, or{" "}
          <button type="button" onClick={() => input.current?.click()}>
            choose a file
          </button>
        </p>
        <p class="faint">CSV, TSV, Parquet, JSON lines, .npy or .npz, also gzipped. It stays on this machine.</p>
        <input
          ref={input}
          type="file"
          aria-label="A table from this machine"
          class="visually-hidden"
          onChange={(event) => {
            void take(event.currentTarget.files?.[0]);
            event.currentTarget.value = "";
          }}
        />
      </div>
      {busy !== null && (
        <p class="faint" role="status">
          Reading {busy} …
        </p>
      )}
      {problem !== null && (
        <p class="problem" role="alert">
          {problem}
        </p>
      )}
      {tables.length > 1 && (
        <Field label="Table">
          <select value={chosen} onChange={(event) => onChoose(event.currentTarget.value, tables)}>
            {tables.map(({ id, name, rows }) => (
              <option key={id} value={id}>
                {name} ({rows.toLocaleString("en-US")} rows)
              </option>
            ))}
          </select>
        </Field>
      )}
    </section>
  );
}
