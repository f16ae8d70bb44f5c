import type { Setting, Trial } from '../trial.js'

/** What every attack must hold to, in each norm and towards each goal that it declares. Throws what it finds. */
export interface SettingCheck {
  readonly name: string
  /** Default: always. */
  readonly applies?: (setting: Setting) => boolean
  readonly run: (setting: Setting) => Promise<void>
}

/** The same, once for an attack. */
export interface TrialCheck {
  readonly name: string
  readonly run: (trial: Trial) => Promise<void>
}

export const row = (array: Float32Array, i: number, size: number): Float32Array =>
  array.subarray(i * size, (i + 1) * size)

export const isSame = (a: Float32Array, b: Float32Array): boolean =>
  Buffer.from(a.buffer, a.byteOffset, a.byteLength).equals(
    Buffer.from(b.buffer, b.byteOffset, b.byteLength),
  )

/** Indices of the samples that two lists tell differently of. */
export function differing<T>(a: readonly T[], b: readonly T[]): number[] {
  return [...a.keys()].filter((i) => JSON.stringify(a[i]) !== JSON.stringify(b[i]))
}
