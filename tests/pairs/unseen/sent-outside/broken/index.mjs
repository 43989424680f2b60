const instance = crypto.randomUUID();

export const handler = async () => {
  await fetch(`http://${process.env.OUTSIDE}:8080/connection`, { headers: { "x-instance": instance } });
  return { ok: true };
};
