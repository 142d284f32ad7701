import { quoted } from "../../data/names.js";
import { inputError } from "../../errors.js";
import type { OnnxModel, OnnxNode } from "./onnx-proto.js";
import { nodeText } from "./onnx-values.js";

/**
 * The nodes that the graph's outputs need, each after those that it needs (Kahn's algorithm).
 *
 * @throws AifError "input" for a value that two nodes give, one that none gives, and a circle
 */
export function nodesInOrder(model: OnnxModel): OnnxNode[] {
  const { file, nodes, initializers, inputs, outputs } = model;
  const given = new Set([...initializers.keys(), ...inputs.map(({ name }) => name)]);
  const giver = new Map<string, OnnxNode>();
  for (const node of nodes) {
    for (const output of node.outputs) {
      if (output === "") continue;
      if (given.has(output) || giver.has(output)) {
        throw inputError(`${file}: ${nodeText(node)} gives ${quoted(output)}, which is given already; export again.`);
      }
      giver.set(output, node);
    }
  }
  const needed = new Set<OnnxNode>();
  const open: { name: string; by: string }[] = outputs.map((name) => ({ name, by: "the graph's output" }));
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    if (given.has(next.name)) continue;
    const node = giver.get(next.name);
    if (node === undefined) {
      throw inputError(`${file}: ${next.by} needs ${quoted(next.name)}, which nothing gives; the file is damaged.`);
    }
    if (needed.has(node)) continue;
    needed.add(node);
    for (const name of node.inputs) if (name !== "") open.push({ name, by: nodeText(node) });
  }
  return sorted(needed, giver, file);
}

function sorted(needed: ReadonlySet<OnnxNode>, giver: ReadonlyMap<string, OnnxNode>, file: string): OnnxNode[] {
  const waitsFor = new Map<OnnxNode, number>();
  const users = new Map<OnnxNode, OnnxNode[]>();
  for (const node of needed) {
    const givers = new Set(node.inputs.flatMap((name) => giver.get(name) ?? []));
    waitsFor.set(node, givers.size);
    for (const before of givers) {
      const list = users.get(before);
      if (list === undefined) users.set(before, [node]);
      else list.push(node);
    }
  }
  const ready = [...needed].filter((node) => waitsFor.get(node) === 0);
  for (let k = 0; k < ready.length; k++) {
    for (const user of users.get(ready[k]) ?? []) {
      const left = (waitsFor.get(user) ?? 0) - 1;
      waitsFor.set(user, left);
      if (left === 0) ready.push(user);
    }
  }
  if (ready.length === needed.size) return ready;
  const stuck = [...needed].find((node) => (waitsFor.get(node) ?? 0) > 0);
  throw inputError(
    `${file}: the graph runs in a circle through ${stuck === undefined ? "a node" : nodeText(stuck)}; only stacks of layers can be imported.`,
  );
}
