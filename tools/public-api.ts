/**
 * What a package exports: every name with its declaration and doc comment, read by the compiler from the built declarations.
 *
 *   const names = publicNames("packages/core/dist/index.d.ts");   // run `npm run build` first
 *
 * Names behind `export * as theory` come with their namespace, "theory.linearSensitivity".
 */
import { existsSync } from "node:fs";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { SyntaxKind } from "typescript/unstable/ast";
import { API, type Symbol as Name, type NodeHandle, type Project, SymbolFlags } from "typescript/unstable/sync";

const root = fileURLToPath(new URL("..", import.meta.url));

export interface PublicName {
  /** With its namespace: "lp", "theory.linearSensitivity". */
  readonly name: string;
  readonly kind: "function" | "class" | "interface" | "type" | "constant";
  /** Path of the source from the root of the repository, "packages/core/src/threats/pointwise.ts". */
  readonly source: string;
  /** One entry an overload: as in the built declarations, without its doc comment; members keep theirs. */
  readonly declarations: readonly string[];
  /** The words of the doc comment before its first tag; "" without one. */
  readonly doc: string;
  /** Tags of the doc comment: ["throws", "RangeError: epsilon is negative"]. */
  readonly tags: readonly (readonly [name: string, text: string])[];
}

/** @throws Error: the declarations have not been built. */
export function publicNames(entry: string): PublicName[] {
  const path = join(root, entry);
  if (!existsSync(path)) throw new Error(`${entry} is missing: run npm run build first.`);
  const api = new API({ cwd: root });
  try {
    const project = api.updateSnapshot({ openFiles: [path] }).getDefaultProjectForFile(path);
    const file = project?.program.getSourceFile(path);
    const module = file && project?.checker.getSymbolAtLocation(file);
    if (!project || !module) throw new Error(`The compiler does not find ${entry}.`);
    return exportsOf(project, module, "").sort((a, b) => (a.name < b.name ? -1 : 1));
  } finally {
    api.close();
  }
}

function exportsOf(project: Project, module: Name, prefix: string): PublicName[] {
  return project.checker.getExportsOfModule(module).flatMap((exported) => {
    const target = exported.flags & SymbolFlags.Alias ? project.checker.getAliasedSymbol(exported) : exported;
    const name = prefix + exported.name;
    if (target.flags & SymbolFlags.ValueModule) return exportsOf(project, target, `${name}.`);
    const statements = target.declarations.map((declaration) => statementOf(project, declaration));
    return [
      {
        name,
        kind: kindOf(target.flags),
        source: statements[0].source,
        declarations: statements.map(({ text }) => text),
        doc: target.getDocumentationComment(project.checker).trim(),
        tags: target.getJsDocTags(project.checker).map(({ name: tag, text }) => [tag, text?.trim() ?? ""] as const),
      },
    ];
  });
}

function kindOf(flags: SymbolFlags): PublicName["kind"] {
  if (flags & SymbolFlags.Function) return "function";
  if (flags & SymbolFlags.Class) return "class";
  if (flags & SymbolFlags.Interface) return "interface";
  if (flags & SymbolFlags.TypeAlias && !(flags & SymbolFlags.Variable)) return "type";
  return "constant";
}

/** The whole statement that declares a name: of `const`s not just the part after the word. */
function statementOf(project: Project, declaration: NodeHandle): { text: string; source: string } {
  let node = declaration.resolve(project);
  while (node !== undefined && node.parent.kind !== SyntaxKind.SourceFile) node = node.parent;
  if (node === undefined) throw new Error(`The compiler does not find a declaration of ${declaration.path}.`);
  const file = node.getSourceFile();
  return {
    text: file.text.slice(node.getStart(file), node.end).replaceAll("\r\n", "\n"),
    source: relative(root, file.fileName)
      .replaceAll("\\", "/")
      .replace("/dist/", "/src/")
      .replace(/\.d\.ts$/, ".ts"),
  };
}
