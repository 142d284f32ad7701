import { spawnSync } from "node:child_process";
import { availableParallelism, cpus, loadavg, totalmem } from "node:os";

/** What numbers depend on, as lines of Markdown. */
export function machineLines(command: string, libraries: readonly string[]): string[] {
  const gigabytes = Math.round(totalmem() / 2 ** 30);
  return [
    `* Machine: ${processor()}, ${availableParallelism()} cores, ${gigabytes} GB, ${process.platform} ${process.arch}.`,
    `* Node ${process.versions.node}${libraries.map((library) => `; ${library}`).join("")}.`,
    `* ${new Date().toISOString().slice(0, 10)}, \`${command}\`; load average at the end ${loadavg()[0].toFixed(1)}, so other work shared the machine where it exceeds the benchmark's own 1 to 2.`,
  ];
}

/** The processor's name, with family and model where hypervisors hide what it is. */
function processor(): string {
  const name = cpus()[0]?.model.trim() ?? process.arch;
  if (process.platform !== "linux") return name;
  const listed = spawnSync("lscpu", { encoding: "utf8", env: { ...process.env, LC_ALL: "C" } }).stdout ?? "";
  const field = (key: string): string | undefined => new RegExp(`^${key}:\\s*(.+)$`, "m").exec(listed)?.[1];
  const [family, model] = [field("CPU family"), field("Model")];
  return family && model ? `${name} (family ${family}, model ${model})` : name;
}
