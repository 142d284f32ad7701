import type { Settings } from "../settings.js";

interface Remedy {
  readonly advice: RegExp;
  readonly label: (value: string) => string;
  readonly changes: (value: string) => Partial<Settings>;
}

/** What a sentence may advise that the form can do. */
const REMEDIES: readonly Remedy[] = [
  {
    advice: /--missing (drop)/,
    label: () => "Leave these rows out",
    changes: (missing) => ({ missing }),
  },
  {
    advice: /--missing (mean)/,
    label: () => "Fill in the column's mean",
    changes: (missing) => ({ missing }),
  },
  {
    advice: /--l2 (\d[\d.e-]*\d|\d)/,
    label: (l2) => `Add a ridge of ${l2}`,
    changes: (l2) => ({ l2 }),
  },
  {
    advice: /\b(fraction:0\.\d+)/,
    label: () => "Judge on a part of the rows that is held out",
    changes: (evaluation) => ({ evaluation }),
  },
];

/** Buttons that do what an error advises, and ask again. */
export function Remedies({
  error,
  onRemedy,
}: {
  readonly error: string | null;
  readonly onRemedy: (changes: Partial<Settings>) => void;
}) {
  const found = REMEDIES.flatMap(({ advice, label, changes }) => {
    const value = advice.exec(error ?? "")?.[1];
    return value === undefined ? [] : [{ label: label(value), changes: changes(value) }];
  });
  if (found.length === 0) return null;
  return (
    <p>
      {found.map(({ label, changes }) => (
        <button key={label} type="button" onClick={() => onRemedy(changes)}>
          {label}, and ask again
        </button>
      ))}
    </p>
  );
}
