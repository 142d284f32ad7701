import pc from "picocolors";

/** How the parts of a report look. Every text is laid out before it is painted, since paint has no width. */
export interface Paint {
  readonly heading: (text: string) => string;
  readonly faint: (text: string) => string;
  readonly warning: (text: string) => string;
  readonly error: (text: string) => string;
}

export function paint(colour: boolean): Paint {
  const colours = pc.createColors(colour);
  return { heading: colours.bold, faint: colours.dim, warning: colours.yellow, error: colours.red };
}

/** Colour belongs on a terminal only (mpirun pretends to be one), and not on one that wants none (NO_COLOR, TERM=dumb). */
export const wantsColour = (stream: { readonly isTTY?: boolean }): boolean =>
  stream.isTTY === true &&
  process.env["OMPI_COMM_WORLD_RANK"] === undefined &&
  pc.isColorSupported &&
  !process.env["NO_COLOR"] &&
  process.env["TERM"] !== "dumb";
