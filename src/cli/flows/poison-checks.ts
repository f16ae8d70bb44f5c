import type { DetectorRegistry } from '../../audit/data/registry.js'
import { GauntletError } from '../../errors.js'
import type { DetectorSpec } from '../../plan/trial.js'
import type { PoisonCheck } from '../../plan/trials.js'
import type { PoisonRegistry } from '../../poison/registry.js'
import type { PoisonPlugin } from '../../poison/types.js'
import type { SuitePoison } from '../../suite/poisons.js'
import type { Suite } from '../../suite/schema.js'
import { canonicalJson } from '../../util/hash.js'

/**
 * Every poison × rate of the suites, each once.
 * @param classes - of the training data
 * @throws GNT_ATTACK_UNKNOWN, GNT_ATTACK_PARAMS; GNT_DETECTOR; GNT_CONFIG for classes that there are not
 */
export function expandPoisons(
  suites: readonly Pick<Suite, 'poisons' | 'detectors' | 'falsePositiveRate'>[],
  registries: { readonly poisons: PoisonRegistry; readonly detectors: DetectorRegistry },
  classes: number,
): PoisonCheck[] {
  const checks = new Map<string, PoisonCheck>()
  for (const suite of suites) {
    const detectors = suite.detectors.map((one) => specifyDetector(one, registries.detectors))
    for (const written of suite.poisons) {
      const plugin = registries.poisons.get(written.use)
      const poison = registries.poisons.specify(written.use, written.params)
      checkClasses(written, classes)
      for (const rate of written.rates) {
        const check: PoisonCheck = {
          poison,
          rate,
          trials: written.trials,
          source: written.source ?? (needsSource(plugin, rate.of) ? 'drawn' : 'any'),
          target: written.target ?? 'drawn',
          detectors,
          falsePositiveRate: suite.falsePositiveRate,
        }
        checks.set(canonicalJson(check), check)
      }
    }
  }
  return [...checks.values()]
}

/** Whether a poison is about one class that shall be taken for another, rather than about any but the target. */
function needsSource({ from, goal }: PoisonPlugin, of: string): boolean {
  return from === 'source' || goal === 'targeted' || of === 'sourceClass'
}

function specifyDetector(
  written: Suite['detectors'][number],
  detectors: DetectorRegistry,
): DetectorSpec {
  const { use, params } = typeof written === 'string' ? { use: written, params: {} } : written
  const chosen = detectors.choose(use, params)
  return { detector: use, version: chosen.detector.version, params: chosen.params }
}

function checkClasses({ use, source, target }: SuitePoison, classes: number): void {
  const refuse = (where: string, got: string, expected: string): never => {
    throw new GauntletError('GNT_CONFIG', {
      what: 'wrong class of a poison',
      where: `${use}: ${where}`,
      got,
      expected,
    })
  }
  const all = `0 to ${classes - 1}`
  if (typeof source === 'number' && source >= classes) refuse('source', String(source), all)
  if (target !== undefined && target >= classes) refuse('target', String(target), all)
  if (source === target && source !== undefined)
    refuse('target', String(target), `another class than the source`)
}
