/** Whether a process of this number runs on this machine, as far as this process may know. */
export function processIsAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Of another user's process the system only says that it is not ours.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
