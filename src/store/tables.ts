import type { Generated, Kysely } from 'kysely'

/**
 * Rows as the database holds them. Truth values are 0 and 1, times ISO 8601 text, structured values
 * JSON text (see `json.ts`), so that the same rows fit SQLite and Postgres.
 */
export interface StoreTables {
  gauntlet_schema: { version: number; name: string; applied_at: string }
  /** `seq` is the order of creation: clocks go backwards, it does not. */
  runs: {
    seq: Generated<number>
    id: string
    suite: string
    title: string
    seed: number
    plan_digest: string
    manifest: string
    status: string
    created_at: string
    updated_at: string
  }
  /** `spec` is a CellPlan without `id` and `tasks`. */
  cells: { run: number; position: number; id: string; spec: string }
  cell_tasks: { run: number; cell: number; position: number; key: string }
  /** Done tasks only. `id` stands for the 64-digit key in the long tables. */
  tasks: {
    id: Generated<number>
    key: string
    cell: string
    from_sample: number
    to_sample: number
    seed: number
    seconds: number
    seconds_in_runtime: number
    notes: string
    created_at: string
  }
  /** `distance` null stands for NaN. */
  outcomes: {
    task: number
    sample: number
    label: number
    clean_prediction: number
    adversarial_prediction: number
    success: number
    distance: number | null
    queries: number
    gradients: number
  }
  /** `data`: `length` float32 values, little-endian, deflated by zlib. */
  examples: { task: number; sample: number; length: number; data: Uint8Array }
  /** `findings` is JSON. */
  examinations: { key: string; findings: string; created_at: string }
  /** Done trials only. `result` is JSON. */
  trials: { key: string; result: string; created_at: string }
  /** `result` is JSON. */
  audits: { key: string; result: string; created_at: string }
  failures: { run: number; key: string; kind: string; message: string; created_at: string }
  /** Append only: the row with the greatest `seq` of a name is the current one. */
  baselines: {
    seq: Generated<number>
    name: string
    run: number
    version: string
    note: string
    created_at: string
  }
}

/** The store's database, or a transaction on it. */
export type StoreDatabase = Kysely<StoreTables>

/** Rows per INSERT: with at most ten columns this is a third of what SQLite can bind (32,766). */
export const insertChunk = 1000

/** Values of one IN list. */
export const inListChunk = 10_000

/** @returns `items` in order, in pieces of at most `size` */
export function* chunks<T>(items: readonly T[], size: number): Generator<readonly T[]> {
  for (let from = 0; from < items.length; from += size) yield items.slice(from, from + size)
}
