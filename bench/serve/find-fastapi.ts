import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

const NEEDS = ['fastapi', 'uvicorn', 'onnxruntime', 'numpy', 'PIL'];

/**
 * Looks for a Python that can run the FastAPI peer.
 * @param python `--python`; else `python3` is tried
 * @returns it, or a line saying what it lacks
 */
export async function findFastApi(
  python = 'python3',
): Promise<{ python: string; version: string } | { missing: string }> {
  const code = `import ${NEEDS.join(', ')}; print(fastapi.__version__, onnxruntime.__version__)`;
  try {
    const [fastapi, onnxruntime] = (await run(python, ['-c', code])).stdout.trim().split(' ');
    return { python, version: `FastAPI ${fastapi}, its onnxruntime ${onnxruntime}` };
  } catch (error) {
    const { stderr = '' } = error as { stderr?: string };
    const [, lacks] = /No module named '(\w+)/.exec(stderr) ?? [];
    return {
      missing:
        `FastAPI is not compared: ${python} ${lacks === undefined ? 'cannot be run' : `has no ${lacks}`}; ` +
        'pip install fastapi "uvicorn[standard]" onnxruntime numpy pillow gives what it needs, --python FILE names it',
    };
  }
}
