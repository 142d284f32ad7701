import { defineConfig } from "vitest/config";
import { ALONE, CORE, projects, resolve, test } from "./vitest.shared.js";

/** The tests whose numbers come from the linear algebra: AIF_BLAS=off runs them on the library's own WebAssembly. */
const folders = ["linalg", "models", "solvers", "influence", "robust", "autodiff", "kernel"].map(
  (folder) => `${CORE}/${folder}/`,
);

/**
 * Of these, the files that count how often intervals hold, read files, or search over rows without solving systems; and, last, those
 * whose imports do not reach `linalg/backend.ts`.
 */
const elsewhere = [
  "**/*coverage*",
  "**/import/**",
  "**/robust/{attack,adversarial-training,duality-gap,emp,emp-optimum,model-attack,resting-point}.test.ts",
  "**/influence/{certificate-bound,metrics-robust,radii}.test.ts",
  "**/{influence/{proven-radius,ranked-scores,sampling},linalg/{core-share,placement},solvers/{adam,choose-solver}}.test.ts",
];

export default defineConfig({
  resolve,
  test: {
    ...test,
    globalSetup: "./vitest.temporary.ts",
    projects: projects(
      ALONE.filter((pattern) => folders.some((folder) => pattern.startsWith(folder))),
      [...folders.map((folder) => `${folder}**/*.test.ts`), `${CORE}/study/{analyze,kernel-study,local-study}.test.ts`],
      elsewhere,
    ),
  },
});
