/** Milliseconds of processor time so far: on a loaded machine the clock on the wall says little of a program. */
export const cpuTime = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
};
