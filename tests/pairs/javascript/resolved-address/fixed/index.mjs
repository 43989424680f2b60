export const handler = async () => (await fetch(`http://${process.env.BACKEND}:8080/connection`)).status;
