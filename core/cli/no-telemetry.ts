/**
 * onnxruntime's Linux packages report to their maker unless this is set before the first session is created. A tool
 * that trains on somebody's pictures reports to nobody; who wants to sets the variable to 0.
 */
export function disableTelemetry(): void {
  process.env.ORT_DISABLE_TELEMETRY ??= '1';
}
