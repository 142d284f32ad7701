import { chooseColumns } from "../../data/choose-columns.js";
import type { TableHead } from "../../data/stream/table-head.js";
import { encodingOptions, explainMissingHeader } from "../prepare.js";
import { refuseManyComponents } from "../projection-choice.js";
import type { StudySettings } from "../settings.js";

/**
 * What the columns of a table say before its rows pass by. A column of numbers is one feature, or none; how many a column of text
 * becomes shows later.
 * @throws input: a column that is not there. usage: columns whose parts clash, or more components than there can be features.
 */
export function checkHead(head: TableHead, settings: StudySettings): void {
  explainMissingHeader(head, settings);
  const { candidates } = chooseColumns(head, encodingOptions(settings));
  if (candidates.some(({ isText }) => isText)) return;
  refuseManyComponents(
    settings.project,
    candidates.map(({ name }) => name),
  );
}
