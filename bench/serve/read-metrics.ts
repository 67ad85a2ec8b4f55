/**
 * Reads a server's Prometheus metrics once.
 * @returns the value of a metric without labels, by its name; NaN if there is none
 */
export async function readMetrics(url: string): Promise<(name: string) => number> {
  const text = await (await fetch(`${url}/metrics`)).text();
  return (name) => Number(new RegExp(`^${name} (\\S+)`, 'm').exec(text)?.[1]);
}
