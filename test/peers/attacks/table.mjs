/** The lines of a network's table. */
import { agreement, medianNorm, missed, perGradient, robust } from './compare.mjs'

const norms = { linf: 'L∞', l2: 'L2', l1: 'L1', l0: 'L0' }
const tools = {
  foolbox: 'Foolbox',
  torchattacks: 'torchattacks',
  art: 'ART',
  autoattack: 'AutoAttack',
}

/** @param threads - the numbers of threads that were measured, e.g. [1, 2] */
export function headerOf(threads) {
  const timed = threads.flatMap((count) => [
    `s, ${count} thread${count === 1 ? '' : 's'}`,
    '÷ ours',
  ])
  const names = ['Attack', 'Images', 'By', 'Robust', 'Median norm', 'Agrees', ...timed]
  const more = ['CPU s', 'ORT s', 'ms a gradient', 'Missed targets']
  const left = new Set(['Attack', 'By', 'Missed targets'])
  const all = [...names, ...more]
  const rule = all.map((name) => (left.has(name) ? '---' : '---:'))
  return [all, rule].map((cells) => `| ${cells.join(' | ')} |`)
}

const percent = (share) => `${(100 * share).toFixed(1)} %`
const digits = (seconds) => seconds.toFixed(seconds < 0.1 ? 3 : 2)

export function linesOf(row) {
  const { title, norm, epsilon, closest, own, peers } = row
  const name = closest
    ? `${title}, ${norms[norm]}, least norm`
    : `${title}, ${norms[norm]} ≤ ${norm === 'linf' ? `${+(255 * epsilon).toFixed(3)}/255` : epsilon}`
  const cells = (by, side, { agrees = '', misses = '' } = {}) => {
    const [first] = side.runs
    return [
      ...by,
      closest ? '' : percent(robust(side)),
      closest ? medianNorm(side).toPrecision(4) : '',
      agrees,
      ...side.runs.flatMap(({ seconds }, k) => [
        digits(seconds),
        side === own ? '' : (seconds / own.runs[k].seconds).toFixed(1),
      ]),
      digits(first.cpu),
      side === own ? digits(first.runtime) : '',
      first.gradients > 0 ? perGradient(first).toFixed(3) : '',
      misses,
    ]
  }
  const count = own.runs[0].success.length
  const first = cells([name, count, '**Gauntlet**'], own, { misses: missed(row).join('; ') })
  const rest = peers.map((peer) =>
    cells(['', '', tools[peer.tool]], peer, { agrees: percent(agreement(own, peer, closest)) }),
  )
  return [first, ...rest].map((one) => `| ${one.join(' | ')} |`)
}
