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
  const more = ['CPU s', 'ORT s', 'ms a gradient']
  const left = new Set(['Attack', 'By'])
  const all = [...names, ...more]
  const rule = all.map((name) => (left.has(name) ? '---' : '---:'))
  return [all, rule].map((cells) => `| ${cells.join(' | ')} |`)
}

const percent = (share) => `${(100 * share).toFixed(1)} %`
const digits = (seconds) => seconds.toFixed(seconds < 0.1 ? 3 : 2)

const nameOf = ({ title, norm, epsilon, closest }) =>
  closest
    ? `${title}, ${norms[norm]}, least norm`
    : `${title}, ${norms[norm]} ≤ ${norm === 'linf' ? `${+(255 * epsilon).toFixed(3)}/255` : epsilon}`

export function linesOf(row) {
  const { closest, own, peers, budget } = row
  const cells = (by, side, { agrees = '', over = null } = {}) => {
    const [first] = side.runs
    return [
      ...by,
      closest ? '' : percent(robust(side)),
      closest ? medianNorm(side).toPrecision(4) : '',
      agrees,
      ...side.runs.flatMap(({ seconds }, k) => [digits(seconds), over ? over(k).toFixed(1) : '']),
      digits(first.cpu),
      'runtime' in first ? digits(first.runtime) : '',
      first.gradients > 0 ? perGradient(first).toFixed(3) : '',
    ]
  }
  const count = own.runs[0].success.length
  const lines = [cells([nameOf(row), count, '**Gauntlet**'], own)]
  for (const peer of peers) {
    const name = tools[peer.tool]
    const agrees = percent(agreement(own, peer, closest))
    const over = (side) => (k) => peer.runs[k].seconds / side.runs[k].seconds
    lines.push(cells(['', '', name], peer, { agrees, over: over(own) }))
    if (!peer.sooner) continue
    const { side, amount } = peer.sooner
    const by = `**Gauntlet**, ${amount.toLocaleString('en')} ${budget}, against ${name}`
    lines.push(cells(['', '', by], side, { over: over(side) }))
  }
  return lines.map((one) => `| ${one.join(' | ')} |`)
}

/** What the row misses, as an entry of a list; null for nothing. */
export function missesOf(row) {
  const found = missed(row)
  return found.length > 0 ? `- ${nameOf(row)}: ${found.join('; ')}.` : null
}
