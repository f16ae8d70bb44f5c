import { promisify } from 'node:util'
import { deflate, inflate } from 'node:zlib'
import { GauntletError } from '../errors.js'
import type { Example } from '../plan/task.js'
import { seqOfRun } from './runs.js'
import type { StoreDatabase } from './tables.js'

const deflateBytes = promisify(deflate)
const inflateBytes = promisify<Uint8Array, { maxOutputLength: number }, Buffer>(inflate)

interface PackedExample {
  readonly sample: number
  /** Number of values. */
  readonly length: number
  /** Little-endian float32, deflated by zlib. */
  readonly data: Uint8Array
}

export async function packExample({ sample, xAdv }: Example): Promise<PackedExample> {
  const bytes = new Uint8Array(xAdv.length * 4)
  const view = new DataView(bytes.buffer)
  xAdv.forEach((value, i) => view.setFloat32(i * 4, value, true))
  return { sample, length: xAdv.length, data: await deflateBytes(bytes) }
}

async function unpackExample({ sample, length, data }: PackedExample): Promise<Example> {
  const bytes = await inflateBytes(data, { maxOutputLength: Math.max(1, length * 4) }).catch(
    (cause: unknown) => {
      throw damaged(sample, 'bytes that do not inflate', cause)
    },
  )
  if (bytes.length !== length * 4) throw damaged(sample, `${bytes.length} bytes`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  return { sample, xAdv: Float32Array.from({ length }, (_, i) => view.getFloat32(i * 4, true)) }
}

export async function examplesOf(
  db: StoreDatabase,
  runId: string,
  cellId: string,
): Promise<Example[]> {
  const run = await seqOfRun(db, runId)
  const rows = await db
    .selectFrom('cells')
    .innerJoin('cell_tasks', (join) =>
      join
        .onRef('cell_tasks.run', '=', 'cells.run')
        .onRef('cell_tasks.cell', '=', 'cells.position'),
    )
    .innerJoin('tasks', 'tasks.key', 'cell_tasks.key')
    .innerJoin('examples', 'examples.task', 'tasks.id')
    .select(['examples.sample', 'examples.length', 'examples.data'])
    .where('cells.run', '=', run)
    .where('cells.id', '=', cellId)
    .orderBy('examples.sample')
    .execute()
  return await Promise.all(rows.map(unpackExample))
}

function damaged(sample: number, got: string, cause?: unknown): GauntletError {
  return new GauntletError(
    'GNT_STORE',
    { what: 'the result store is damaged', where: `example of sample ${sample}`, got },
    { cause },
  )
}
