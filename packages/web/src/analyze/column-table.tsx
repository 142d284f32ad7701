import type { ServedTable } from "../api.js";
import type { Settings } from "../settings.js";

interface Props {
  readonly table: ServedTable;
  readonly settings: Settings;
  readonly onChange: (changes: Partial<Settings>) => void;
}

const MOST = 400;

/** The columns of a table, and what the adversary can do to each. */
export function ColumnTable({ table, settings, onChange }: Props) {
  const shown = table.columns.slice(0, MOST);
  const toggled = (list: readonly string[], name: string, on: boolean): string[] =>
    on ? [...list, name] : list.filter((other) => other !== name);
  return (
    <details open={table.columns.length <= 16}>
      <summary>Columns, and what the adversary can touch</summary>
      <div class="scroll" tabIndex={0} role="region" aria-label="Columns">
        <table class="columns">
          <thead>
            <tr>
              <th scope="col">column</th>
              <th scope="col">values</th>
              <th scope="col">examples</th>
              <th scope="col">missing</th>
              <th scope="col">cannot be touched</th>
              <th scope="col">left out</th>
            </tr>
          </thead>
          <tbody>
            {shown.map(({ name, kind, distinct, missing, examples, range }) => {
              const isTarget = name === settings.target;
              const fixed = kind === "categorical" || distinct <= 2;
              return (
                <tr key={name}>
                  <th scope="row" title={name.slice(0, 300)}>
                    {name.length > 48 ? `${name.slice(0, 47)}…` : name}
                    {isTarget && <span class="badge">target</span>}
                  </th>
                  <td>
                    {kind === "numeric" ? "numbers" : `${distinct} labels`}
                    {range !== null && ` from ${short(range[0])} to ${short(range[1])}`}
                  </td>
                  <td>
                    {examples
                      .slice(0, 3)
                      .map((text) => text.slice(0, 24))
                      .join(", ")}
                  </td>
                  <td>{missing === 0 ? "" : missing}</td>
                  <td>
                    {!isTarget && (
                      <input
                        type="checkbox"
                        aria-label={`The adversary cannot touch ${name.slice(0, 80)}`}
                        checked={fixed || settings.freeze.includes(name)}
                        disabled={fixed}
                        onChange={(event) =>
                          onChange({ freeze: toggled(settings.freeze, name, event.currentTarget.checked) })
                        }
                      />
                    )}
                  </td>
                  <td>
                    {!isTarget && (
                      <input
                        type="checkbox"
                        aria-label={`Leave out ${name.slice(0, 80)}`}
                        checked={settings.exclude.includes(name)}
                        onChange={(event) =>
                          onChange({ exclude: toggled(settings.exclude, name, event.currentTarget.checked) })
                        }
                      />
                    )}
                  </td>
                </tr>
              );
            })}
          </tbody>
        </table>
      </div>
      <p class="faint">
        Labels and two-valued columns are never touched unless --freeze none says so.
        {table.columns.length > MOST && ` The first ${MOST} of ${table.columns.length} columns are shown.`}
      </p>
    </details>
  );
}

const short = (value: number): string => String(Number(value.toPrecision(4)));
