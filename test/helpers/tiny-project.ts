import { mkdtempSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openStore } from '../../src/store/open.js'
import type { Store } from '../../src/store/store.js'
import type { CellOutcomes } from '../../src/store/types.js'
import { defaultStore } from '../../src/cli/with-store.js'
import { convModel } from './tiny-models.js'

/** 2 versions × 3 attacks × 2 radii × 2 shards of 64 samples. */
export const tinyTasks = 24

export interface TinyProject {
  /** Steps of PGD; more of them make the run longer. Default 10. */
  readonly steps?: number
  readonly change?: Readonly<Record<string, unknown>>
}

/** A folder with two models and a configuration that attacks them. The caller removes it. */
export async function makeTinyProject(options: TinyProject = {}): Promise<string> {
  const folder = mkdtempSync(join(tmpdir(), 'gauntlet-tiny-'))
  writeFileSync(join(folder, 'v1.onnx'), await convModel({ seed: 1 }))
  writeFileSync(join(folder, 'v2.onnx'), await convModel({ seed: 2, training: 300 }))
  writeTinyConfig(folder, options)
  return folder
}

export function writeTinyConfig(
  folder: string,
  { steps = 10, change = {} }: TinyProject,
  name = 'gauntlet.config.json',
): void {
  const config = {
    title: 'Tiny',
    data: { path: 'glyphs', limit: 128 },
    models: [
      { version: 'v1', path: 'v1.onnx' },
      { version: 'v2', path: 'v2.onnx' },
    ],
    suites: [
      {
        id: 'tiny',
        title: 'Tiny',
        attacks: [{ use: 'fgsm' }, { use: 'pgd', params: { steps } }, { use: 'noise' }],
        threats: [{ norm: 'linf', epsilon: ['1/255', '3/255'] }],
      },
    ],
    workers: 2,
    selfAudit: false,
    report: { formats: ['json', 'markdown'] },
    ...change,
  }
  writeFileSync(join(folder, name), JSON.stringify(config))
}

/** Opens the store of a project for as long as `look` takes. */
export async function inStore<T>(
  folder: string,
  look: (store: Store) => Promise<T>,
  name = defaultStore,
): Promise<T> {
  const store = await openStore(join(folder, name))
  try {
    return await look(store)
  } finally {
    await store.close()
  }
}

/** What the latest run of a project found. */
export async function latestOutcomes(folder: string, name?: string): Promise<CellOutcomes[]> {
  return await inStore(folder, latest, name)
}

async function latest(store: Store): Promise<CellOutcomes[]> {
  return await store.outcomesOf((await store.getRun('latest')).id)
}

/** As `latestOutcomes`, without what differs from run to run: times. */
export async function resultRows(folder: string, name?: string): Promise<unknown[]> {
  return (await latestOutcomes(folder, name)).map(withoutTimes)
}

function withoutTimes({
  cell,
  outcomes,
  notes,
  tasksDone,
  complete,
  failures,
}: CellOutcomes): unknown {
  return { id: cell.id, tasks: cell.tasks, outcomes, notes, tasksDone, complete, failures }
}

/** An attack of `seconds` in one piece: nothing stops it in between, as nothing stops a long call of the runtime. */
export function slowPlugin(seconds: number): string {
  return `
import { defineAttack } from 'gauntlet/plugin'
import { z } from 'zod'
export default defineAttack({
  id: 'slow', version: 1, title: 'Takes its time', source: 'a test',
  kind: 'control', needs: ['labels'], norms: ['linf'], goals: ['untargeted'], restarts: 1,
  params: z.object({ inRehearsal: z.boolean().default(false) }),
  label: () => 'slow',
  async run(context, { inRehearsal }) {
    const isRehearsal = context.living <= 2
    if (isRehearsal === inRehearsal)
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ${seconds * 1000})
    await context.score()
  },
})
`
}
