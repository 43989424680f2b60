/** Gives the name and the message of the error that an AWS client throws. */
export async function refusalOf(sent: Promise<unknown>): Promise<string> {
  return sent.then(
    () => "it was done",
    (error: Error) => `${error.name}: ${error.message}`,
  );
}
