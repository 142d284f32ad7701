import { type KernelExports, kernelModule } from "./modules.js";
import { Store } from "./store.js";
import type { Team } from "./team.js";

/** The kernels and the one memory they work in. */
export class Arena extends Store {
  readonly kernels: KernelExports;
  readonly instructions: string;

  /** @param team the threads that share large products, if any */
  constructor(readonly team: Team | null = null) {
    const { module, instructions } = kernelModule();
    // The module and this interface are two halves of one build.
    const kernels = new WebAssembly.Instance(module).exports as unknown as KernelExports;
    super(kernels.memory, Number(kernels.FREE.value));
    this.kernels = kernels;
    this.instructions = instructions;
  }
}
