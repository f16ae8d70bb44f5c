import { builtInAttacks } from '../../attacks/index.js'
import { builtInPoisons } from '../../attacks/poisoning/index.js'
import { reporters } from '../../reports/index.js'
import { builtInSuites } from '../../suites/index.js'
import { AttackRegistry } from '../attack/registry.js'
import { builtInDetectors } from '../audit/data/index.js'
import { DetectorRegistry } from '../audit/data/registry.js'
import type { Plugins } from '../config/load-plugins.js'
import { PoisonRegistry } from '../poison/registry.js'
import type { Reporter } from '../reporter.js'
import { SuiteRegistry } from '../suite/registry.js'

export interface Harness {
  readonly attacks: AttackRegistry
  readonly poisons: PoisonRegistry
  readonly detectors: DetectorRegistry
  readonly suites: SuiteRegistry
  readonly reporters: readonly Reporter[]
}

/**
 * The only place that joins built-ins and third parties to the engine.
 * @param plugins - attacks and poisons besides the built-in ones
 */
export function createHarness(plugins: Plugins = { attacks: [], poisons: [] }): Harness {
  return {
    attacks: new AttackRegistry([...builtInAttacks, ...plugins.attacks]),
    poisons: new PoisonRegistry([...builtInPoisons, ...plugins.poisons]),
    detectors: new DetectorRegistry(builtInDetectors),
    suites: new SuiteRegistry(builtInSuites),
    reporters,
  }
}
