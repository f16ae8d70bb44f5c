/** Loss curves of trainings against PyTorch's from equal weights; see README.md for what it needs. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import type { Graph } from '../../src/graph/ir.js'
import { ModelHandle } from '../../src/model/handle.js'
import { prepareModel } from '../../src/model/prepare.js'
import { loadModel } from '../../src/onnx/load.js'
import { Trainer } from '../../src/poison/trainer.js'
import { python, reasonToSkip } from './python.js'

interface Curves {
  readonly worst: number
  readonly first: number
  readonly last: number
  readonly scores: number
}
interface Worker {
  ask(request: object): Promise<unknown>
  close(): Promise<void>
}

const tolerance = 1e-3
const reason = reasonToSkip(['torch', 'onnx', 'numpy'])
if (reason) console.log(`skipped: loss curves against PyTorch: ${reason}`)

const here = import.meta.dirname
const { networks, optimizers, compareCurves } = (await import(
  join(here, 'training/curves.mjs')
)) as {
  networks: readonly string[]
  optimizers: Readonly<Record<string, unknown>>
  compareCurves: (
    ask: Worker['ask'],
    own: object,
    folder: string,
    ...of: string[]
  ) => Promise<Curves>
}
const { Worker: PythonWorker } = (await import(join(here, 'speed/worker.mjs'))) as {
  Worker: new (python: string, script: string) => Worker
}

async function scores(graph: Graph, x: Float32Array, count: number): Promise<Float32Array> {
  const model = await ModelHandle.open(await prepareModel(graph))
  try {
    return await model.scores(x, count, count)
  } finally {
    await model.close()
  }
}

describe.skipIf(reason !== null)('loss curves over 50 steps', () => {
  const folder = reason ? '' : mkdtempSync(join(tmpdir(), 'gauntlet-curves-'))
  const worker = reason ? null : new PythonWorker(python!, join(here, 'training/worker.py'))
  afterAll(async () => {
    await worker?.close()
    if (folder) rmSync(folder, { recursive: true, force: true })
  })

  it.for(networks.flatMap((network) => Object.keys(optimizers).map((name) => [network, name])))(
    '%s, %s',
    { timeout: 300_000 },
    async ([network, name]: readonly string[]) => {
      const own = { Trainer, loadModel, scores }
      const found = await compareCurves(
        (request) => worker!.ask(request),
        own,
        folder,
        network!,
        name!,
      )
      expect(found.worst).toBeLessThan(tolerance)
      expect(found.last).toBeLessThan(0.95 * found.first)
      // Running statistics as well: what was trained is run in inference form.
      expect(found.scores).toBeLessThan(0.02)
    },
  )
})
