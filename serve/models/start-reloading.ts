/**
 * Calls `reload` every so many seconds, never twice at a time. Looking at the files, rather than being told by
 * the file system, also works over network mounts and for the symbolic links of Kubernetes volumes.
 * @param seconds 0: never
 * @returns stops it
 */
export function startReloading(
  seconds: number,
  reload: () => Promise<void>,
  onError: (error: unknown) => void,
): () => void {
  if (seconds === 0) return () => {};
  let stopped = false;
  let timer: NodeJS.Timeout;
  const schedule = (): void => {
    timer = setTimeout(() => {
      void reload()
        .catch(onError)
        .finally(() => {
          if (!stopped) schedule();
        });
    }, seconds * 1000);
    timer.unref();
  };
  schedule();
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
}
