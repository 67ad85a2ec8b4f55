/**
 * Calls `onFiles` for files dropped anywhere on the page or pasted into it; `onNothing` when what was dropped
 * or pasted holds no file. While a file is dragged over the page, its
 * body has the class `dragging`.
 */
export function watchGivenFiles(
  onFiles: (files: File[]) => void,
  onNothing: (how: 'drop' | 'paste') => void,
): void {
  const { body } = document;
  document.addEventListener('dragover', (event) => {
    // Without this the browser would leave the page and open the file.
    event.preventDefault();
    body.classList.add('dragging');
  });
  document.addEventListener('dragleave', (event) => {
    // It also fires from one element to the next; only leaving the window has nowhere to go.
    if (event.relatedTarget === null) body.classList.remove('dragging');
  });
  document.addEventListener('drop', (event) => {
    event.preventDefault();
    body.classList.remove('dragging');
    give(event.dataTransfer, 'drop');
  });
  document.addEventListener('paste', (event) => {
    // Text pasted into a field is meant for that field.
    if (event.target instanceof HTMLInputElement) return;
    give(event.clipboardData, 'paste');
  });

  function give(data: DataTransfer | null, how: 'drop' | 'paste'): void {
    const files = [...(data?.files ?? [])];
    if (files.length > 0) onFiles(files);
    else onNothing(how);
  }
}
