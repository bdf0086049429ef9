// SPDX-License-Identifier: Apache-2.0
// What an engine's adapter is, and the packages that adapters import.

export type Values =
  | Float32Array
  | Int32Array
  | BigInt64Array
  | Int8Array
  | Uint8Array
  | ArrayBufferView;

export interface Settings {
  threads: number;
  variant: string | null;
}

/** A model in an engine. Every run writes the inputs, computes and reads the outputs. */
export interface Loaded {
  /** Until the engine can take a model. */
  initMs: number;
  /** From the model's bytes until it can run. */
  compileMs: number;
  /** What the engine says that it uses; what it leaves out of a run. */
  facts?: { variant?: string; note?: string };
  run(): Promise<ArrayLike<unknown>[]>;
  close(): void;
}

/** Every module in engines/ exports this. The bytes may still be on their way. */
export type Load = (bytes: Promise<ArrayBuffer>, settings: Settings) => Promise<Loaded>;
