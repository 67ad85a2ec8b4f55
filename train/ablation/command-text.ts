/** The command line that was given, as it can be typed into a shell again. */
export function commandText(args: readonly string[]): string {
  return ['npm run ablation', ...(args.length > 0 ? ['--'] : []), ...args.map(quote)].join(' ');
}

function quote(arg: string): string {
  return /^[\w.,:=/@%+-]+$/.test(arg) ? arg : `'${arg.replaceAll("'", "'\\''")}'`;
}
