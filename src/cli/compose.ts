import { builtInAttacks } from '../../attacks/index.js'
import { reporters } from '../../reports/index.js'
import { builtInSuites } from '../../suites/index.js'
import { AttackRegistry } from '../attack/registry.js'
import type { AttackPlugin } from '../attack/types.js'
import type { Reporter } from '../reporter.js'
import { SuiteRegistry } from '../suite/registry.js'

export interface Harness {
  readonly attacks: AttackRegistry
  readonly suites: SuiteRegistry
  readonly reporters: readonly Reporter[]
}

/**
 * The only place that joins built-ins and third parties to the engine.
 * @param plugins - attacks besides the built-in ones
 */
export function createHarness(plugins: readonly AttackPlugin[] = []): Harness {
  return {
    attacks: new AttackRegistry([...builtInAttacks, ...plugins]),
    suites: new SuiteRegistry(builtInSuites),
    reporters,
  }
}
