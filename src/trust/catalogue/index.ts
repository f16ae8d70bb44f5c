import { GauntletError } from '../../errors.js'
import { didYouMean } from '../../util/did-you-mean.js'
import type { Signal } from '../types.js'
import { evasionSignals } from './evasion.js'
import { poisoningSignals } from './poisoning.js'
import { preflightSignals } from './preflight.js'

/** Every signal of the self-audit, in the order of their ids. */
export const signals: readonly Signal[] = [
  ...preflightSignals,
  ...evasionSignals,
  ...poisoningSignals,
]

/**
 * @param id - in upper or lower case
 * @throws GauntletError GNT_USAGE with the nearest id
 */
export function findSignal(id: string): Signal {
  const found = signals.find((signal) => signal.id === id.toUpperCase())
  if (found) return found
  const near = didYouMean(
    id,
    signals.map((signal) => signal.id),
  )
  throw new GauntletError('GNT_USAGE', {
    what: `no signal is called ${id}`,
    expected: `one of ${signals.length} signals, such as P1 or E2`,
    fix: near ? `did you mean ${near}? see gauntlet explain` : 'see gauntlet explain',
  })
}
