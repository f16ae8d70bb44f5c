/** The lines of a network's table. */
import { agreement, medianNorm, missed, perGradient, robust } from './compare.mjs'

const norms = { linf: 'L∞', l2: 'L2', l1: 'L1', l0: 'L0' }
const tools = {
  foolbox: 'Foolbox',
  torchattacks: 'torchattacks',
  art: 'ART',
  autoattack: 'AutoAttack',
}

export const header = [
  '| Attack | Images | By | Robust | Median norm | Agrees | Seconds | ÷ ours | ms a gradient | Missed targets |',
  '| --- | ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |',
]

const percent = (share) => `${(100 * share).toFixed(1)} %`

export function linesOf(row) {
  const { title, norm, epsilon, closest, own, peers } = row
  const name = closest
    ? `${title}, ${norms[norm]}, least norm`
    : `${title}, ${norms[norm]} ≤ ${norm === 'linf' ? `${+(255 * epsilon).toFixed(3)}/255` : epsilon}`
  const cells = (by, result, more) => [
    ...by,
    closest ? '' : percent(robust(result)),
    closest ? medianNorm(result).toPrecision(4) : '',
    more.agrees,
    result.seconds.toFixed(2),
    more.ratio,
    result.gradients > 0 ? perGradient(result).toFixed(3) : '',
    more.missed,
  ]
  const misses = missed(row)
  const first = cells([name, own.success.length, '**Gauntlet**'], own, {
    agrees: '',
    ratio: '',
    missed: misses.join('; '),
  })
  const rest = peers.map(({ tool, result }) =>
    cells(['', '', tools[tool]], result, {
      agrees: percent(agreement(own, result, closest)),
      ratio: (result.seconds / own.seconds).toFixed(1),
      missed: '',
    }),
  )
  return [first, ...rest].map((one) => `| ${one.join(' | ')} |`)
}
