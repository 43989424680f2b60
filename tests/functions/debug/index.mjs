/** A handler and a hook to stop in. */
const told = [];

globalThis.awslambda.snapStart.registerAfterRestore(() => {
  const hooked = "hooked";
  told.push(hooked);
});

export const handler = async (event) => {
  const doubled = event.n * 2;
  return { doubled, told };
};
