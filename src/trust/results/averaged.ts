import type { Finding } from '../types.js'
import type { ResultInput } from './types.js'

/** Passes that the signal's remedy asks for, as AutoAttack's own for random defences takes. */
const enough = 20

/**
 * P1 says that a model is random, before anybody knows how it is attacked: where every attack averages over enough passes, and
 * its examples are judged on that average, it lowers the trust and voids nothing.
 */
export function averaged(
  finding: Finding,
  { cells, kinds }: Pick<ResultInput, 'cells' | 'kinds'>,
): Finding {
  if (finding.signal !== 'P1' || finding.severity !== 'error') return finding
  const attacks = cells.flatMap(({ attack }) =>
    kinds(attack.attack)?.kind === 'control' ? [] : [attack],
  )
  if (attacks.length === 0 || !attacks.every(({ eot = 1 }) => eot >= enough)) return finding
  return {
    ...finding,
    severity: 'warning',
    text: `${finding.text}, and is: every attack averages over ${Math.min(...attacks.map(({ eot = 1 }) => eot))} passes or more`,
  }
}
