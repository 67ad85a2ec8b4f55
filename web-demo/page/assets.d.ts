/** Vite's `?url` imports: the file is copied into the build, the import is its address. */
declare module '*?url' {
  const url: string;
  export default url;
}

/** The sizes of onnxruntime's WebAssembly by backend, from the build. */
declare const WASM_BYTES: Readonly<Record<'wasm' | 'webgpu', number>>;
