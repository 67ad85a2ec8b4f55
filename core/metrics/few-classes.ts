/** Among the best five of so few classes any guess is right: a top-5 says nothing. */
export function fewClasses(labels: readonly unknown[]): boolean {
  return labels.length <= 5;
}

/** Whether that is so of a run, whose config.json is given; those of very old trainers do not say. */
export function runHasFewClasses({ labels }: Readonly<Record<string, unknown>>): boolean {
  return Array.isArray(labels) && fewClasses(labels);
}
