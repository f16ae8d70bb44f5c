import { existsSync } from 'node:fs'
import { relative } from 'node:path'
import { loadPlugins } from '../../config/load-plugins.js'
import type { Config, ModelConfig } from '../../config/schema.js'
import type { Dataset } from '../../data/dataset.js'
import { fail, ok, skip, type Check, type Finding, type Patient } from './check.js'

/** A check of something the configuration names. */
function ofConfig(
  label: string,
  check: (config: Config, patient: Patient) => Promise<Finding>,
): Check {
  return {
    label,
    check: async (patient) =>
      patient.config ? await check(patient.config, patient) : skip('no valid configuration'),
  }
}

export const store: Check = {
  label: 'store',
  async check({ config, cwd }) {
    const { openStore } = await import('../../store/open.js')
    const path = config?.store
    const isThere = path !== undefined && existsSync(path)
    const opened = await openStore(isThere ? path : ':memory:')
    try {
      const runs = await opened.listRuns()
      return ok(
        isThere ? `${relative(cwd, path)}: runs: ${runs.length}` : 'SQLite works; no store yet',
      )
    } finally {
      await opened.close()
    }
  },
}

export const configuration: Check = {
  label: 'configuration',
  check: async ({ configFinding }) => configFinding,
}

export const suites = ofConfig('suites', async (config, { cwd }) => {
  const { createHarness } = await import('../compose.js')
  const harness = createHarness(await loadPlugins(config.plugins, cwd))
  const found = config.suites.map((suite) => harness.suites.resolve(suite))
  for (const { attacks } of found)
    for (const { use, params, restarts } of attacks) harness.attacks.specify(use, params, restarts)
  return ok(found.map(({ id }) => id).join(', '))
})

const datasets = new WeakMap<Config, Promise<Dataset>>()

/** Read once, though two checks look at it. */
function load(config: Config): Promise<Dataset> {
  const known = datasets.get(config) ?? readData(config)
  datasets.set(config, known)
  return known
}

async function readData(config: Config): Promise<Dataset> {
  const { loadDataset } = await import('../../data/load.js')
  return await loadDataset(config.data)
}

export const data = ofConfig('data', async (config) => {
  const { count, shape, classes, format, range } = await load(config)
  return ok(
    `${count} samples of ${shape.join(' × ')} in ${range.join('..')}, ${classes} classes (${format})`,
  )
})

export const models = ofConfig('models', async (config) => {
  // Without data only the files themselves can be looked at.
  const dataset = await load(config).catch(() => undefined)
  const lines: string[] = []
  for (const model of config.models) {
    const found = await examine(model, dataset)
    if (found.status === 'fail') return found
    lines.push(found.detail)
  }
  return ok(lines.join('; '))
})

async function examine(model: ModelConfig, dataset: Dataset | undefined): Promise<Finding> {
  const { loadModel } = await import('../../onnx/load.js')
  const { prepareModel } = await import('../../model/prepare.js')
  const { version, path, ...options } = model
  try {
    const { graph } = await loadModel(path)
    if (!dataset) return ok(`${version} can be read`)
    const { shape: sampleShape, range } = dataset
    const { classes } = await prepareModel(graph, { ...options, sampleShape, range })
    return ok(`${version} runs, ${classes} classes`)
  } catch (error) {
    return fail(`${version}: ${error instanceof Error ? error.message : String(error)}`)
  }
}
