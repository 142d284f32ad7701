import { configDefaults, defineConfig } from "vitest/config";
import all from "./vitest.config.js";

/** The tests whose numbers come from the linear algebra: AIF_BLAS=off runs them on the library's own WebAssembly. */
const folders = ["linalg", "models", "solvers", "influence", "robust", "autodiff", "kernel"];

/** Of these, the files that count how often intervals hold, read files, or search over rows without solving systems. */
const elsewhere = [
  "**/*coverage*",
  "**/import/**",
  "**/robust/{attack,adversarial-training,duality-gap,emp,emp-optimum,model-attack,resting-point}.test.ts",
  "**/influence/{certificate-bound,metrics-robust,radii}.test.ts",
];

export default defineConfig({
  ...all,
  test: {
    ...all.test,
    include: [
      ...folders.map((folder) => `packages/core/test/${folder}/**/*.test.ts`),
      "packages/core/test/study/{analyze,kernel-study,local-study}.test.ts",
    ],
    exclude: [...configDefaults.exclude, ...elsewhere],
  },
});
