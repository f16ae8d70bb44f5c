import { readdir } from 'node:fs/promises'
import { dirname, isAbsolute, relative, resolve } from 'node:path'
import type { DatasetSpec } from '../data/dataset.js'
import { GauntletError } from '../errors.js'
import { firstProblem } from '../util/schema-problem.js'
import { locatePlugin } from './locate-plugin.js'
import { readConfigFile } from './read-file.js'
import { configSchema, type Config, type ModelConfig } from './schema.js'
import type { TrainingConfig } from './training-schema.js'

/** Where a configuration is looked for, when no path is given. */
const configNames = ['ts', 'mts', 'js', 'mjs', 'json', 'yaml', 'yml'].map(
  (ending) => `gauntlet.config.${ending}`,
)

export interface LoadedConfig {
  /** All paths in it are absolute; so are the files of its plugins. */
  readonly config: Config
  /** Absolute. */
  readonly path: string
  /** The folder of the file, which its relative paths start from; absolute. */
  readonly folder: string
}

/**
 * Reads and checks a configuration.
 *
 * @param path - relative to `cwd`; the one `gauntlet.config.*` in `cwd` when not given
 * @throws GauntletError GNT_FILE if there is none, GNT_CONFIG that names the file and the path in it
 */
export async function loadConfig(path: string | undefined, cwd: string): Promise<LoadedConfig> {
  const file = path === undefined ? await findConfig(cwd) : resolve(cwd, path)
  const where = relative(cwd, file) || file
  const config = checkConfig(await readConfigFile(file, where), where)
  const folder = dirname(file)
  return { config: withAbsolutePaths(config, folder), path: file, folder }
}

/**
 * @param where - how messages name the file
 * @throws GauntletError GNT_CONFIG
 */
export function checkConfig(value: unknown, where: string): Config {
  const parsed = configSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const { path, ...problem } = firstProblem(configSchema, value, parsed.error)
  throw new GauntletError('GNT_CONFIG', { ...problem, where: path ? `${where}: ${path}` : where })
}

/** @throws GauntletError GNT_FILE for none, GNT_CONFIG for several: taking one of them would be a guess */
export async function findConfig(cwd: string): Promise<string> {
  const found = await findConfigs(cwd)
  const [first, ...others] = found
  if (first === undefined)
    throw new GauntletError('GNT_FILE', {
      what: 'no configuration in this folder',
      expected: 'gauntlet.config.ts, .js, .json or .yaml',
      fix: 'write one with gauntlet init, or pass --config FILE',
    })
  if (others.length > 0)
    throw new GauntletError('GNT_CONFIG', {
      what: 'more than one configuration in this folder',
      got: found.join(', '),
      fix: 'pass --config FILE',
    })
  return resolve(cwd, first)
}

/** Names of the configurations in a folder. */
export async function findConfigs(cwd: string): Promise<string[]> {
  const names = await readdir(cwd).catch((): string[] => [])
  return configNames.filter((name) => names.includes(name))
}

function withAbsolutePaths(config: Config, folder: string): Config {
  const absolute = (path: string) => (isAbsolute(path) ? path : resolve(folder, path))
  const { data, trainingData, training, models, surrogates, report, store, plugins } = config
  const located = (spec: DatasetSpec): DatasetSpec =>
    spec.format === 'glyphs' || (spec.format === undefined && spec.path === 'glyphs')
      ? spec
      : {
          ...spec,
          path: absolute(spec.path),
          ...(spec.labels === undefined ? {} : { labels: absolute(spec.labels) }),
        }
  const placed = (training: TrainingConfig): TrainingConfig =>
    'command' in training
      ? { ...training, cwd: absolute(training.cwd), files: training.files.map(absolute) }
      : training
  const atHome = (model: ModelConfig): ModelConfig => ({
    ...model,
    path: absolute(model.path),
    ...(model.training === undefined ? {} : { training: placed(model.training) }),
  })
  return {
    ...config,
    data: located(data),
    ...(trainingData === undefined ? {} : { trainingData: located(trainingData) }),
    ...(training === undefined ? {} : { training: placed(training) }),
    models: models.map(atHome),
    surrogates: surrogates.map(atHome),
    store: store === ':memory:' ? store : absolute(store),
    report: { ...report, folder: absolute(report.folder) },
    plugins: plugins.map((name) => locatePlugin(name, folder)),
  }
}
