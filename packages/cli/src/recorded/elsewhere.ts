import { inputError } from "../errors.js";
import type { TypedOption } from "./typed-command.js";

/** Options that take a table, as the command itself does. */
const TABLES: ReadonlySet<string> = new Set(["evaluation", "predict"]);

const isAddress = (text: string): boolean => /^https?:/i.test(text);
/** A list of files may name addresses, too. */
const isList = (text: string): boolean => text.startsWith("@");

/** A file of settings may come from anybody: what it makes the program fetch has to be typed. @throws input */
export function refuseFetchedTable(data: string, path: string): void {
  if (isAddress(data) || isList(data)) throw mustBeTyped("data", data, path);
}

/** The same for an option's value. @throws input */
export function refuseFetchedOption(name: string, value: TypedOption, path: string): void {
  if (value === true) return;
  const fetched = value.find((word) => isAddress(word) || (TABLES.has(name) && isList(word)));
  if (fetched !== undefined) throw mustBeTyped(name, fetched, path);
}

const mustBeTyped = (name: string, value: string, path: string): Error =>
  inputError(
    `--settings ${path}: "${name}" is ${isAddress(value) ? "an address" : "a list of files"}, ${JSON.stringify(value.slice(0, 200))}, which is not followed for a file that may come from anybody: type it${name === "data" ? "" : `, --${name}`}.`,
  );
