import { usageError } from "../errors.js";

/** The name of a file, as it is. @throws usage: an empty one, such as an unset variable leaves */
export const readPath = (path: string, option: string): string => {
  if (path !== "") return path;
  throw usageError(`${option} needs the name of a file.`);
};
