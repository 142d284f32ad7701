/** The document with the sections of another in place of its own of the same name; new ones go to the end. @param note begins each */
export function withSections(document: string, fresh: string, note: string | null): string {
  let result = document.trimEnd();
  for (const section of sectionsOf(fresh)) {
    const [heading] = section.split("\n", 1);
    const told = note === null ? section : section.replace(heading, `${heading}\n\n${note}`);
    const old = sectionsOf(result).find((candidate) => candidate.startsWith(`${heading}\n`));
    result = old === undefined ? `${result}\n\n${told}` : result.replace(old, () => told);
  }
  return `${result}\n`;
}

/** The sections of a document that another one lacks: those that other scripts wrote. */
export function sectionsBeside(document: string, fresh: string): string {
  const headings = new Set(sectionsOf(fresh).map((section) => section.split("\n", 1)[0]));
  return sectionsOf(document)
    .filter((section) => !headings.has(section.split("\n", 1)[0]))
    .join("\n\n");
}

/** Each from its "## " on, without blank lines at the end. */
const sectionsOf = (text: string): string[] =>
  text
    .split(/^(?=## )/m)
    .slice(1)
    .map((section) => section.trimEnd());
