import type { describeBackend } from "@aif/core";
import { clean } from "./clean.js";
import { labelled } from "./layout.js";

export interface Diagnosis {
  readonly version: string;
  readonly node: string;
  readonly platform: string;
  readonly backend: ReturnType<typeof describeBackend>;
  readonly gigaflops: number;
  /** null: none. */
  readonly mpi: string | null;
}

const labelWidth = 18;

/** What the program runs on, a line each. */
export function renderDoctor({ version, node, platform, backend, gigaflops, mpi }: Diagnosis): string {
  const rows: readonly (readonly [string, string])[] = [
    ["aif", version],
    ["Node", node],
    ["platform", platform],
    ["linear algebra", `${backend.name}: ${backend.description}`],
    ["threads", String(backend.threads)],
    ["speed", `${gigaflops.toFixed(1)} GFLOP/s (product of two 400×400 matrices)`],
    ["MPI", mpi ?? "none (only needed to spread work over machines: install Open MPI)"],
    ...backend.candidatesTried.map(({ library, outcome }) => ["tried", `${library}: ${outcome}`] as const),
    ["advice", backend.advice ?? "None: this is the fast one."],
  ];
  return rows
    .flatMap(([label, text]) => labelled(label, clean(text), labelWidth))
    .join("\n")
    .concat("\n");
}
