import { GauntletError } from '../../errors.js'
import type { LossTerm } from '../../step/gradient.js'
import { objectiveNames, type ObjectiveName } from '../../step/objectives/index.js'

const isObjective = (name: string): name is ObjectiveName =>
  objectiveNames.some((known) => known === name)

/** `logits:ce`, `boxes:l1:0.5`. The output's own name may have colons. */
export function readTerm(text: string): LossTerm {
  const parts = text.split(':')
  const hasWeight = parts.length > 2 && !isObjective(parts.at(-1) ?? '')
  const weight = hasWeight ? Number(parts.pop()) : undefined
  const loss = parts.pop() ?? ''
  const output = parts.join(':')
  if (output !== '' && isObjective(loss) && (weight === undefined || Number.isFinite(weight)))
    return { output, loss, weight }
  throw new GauntletError('GNT_USAGE', {
    what: 'wrong value',
    where: '--term',
    got: JSON.stringify(text),
    expected: `OUTPUT:LOSS or OUTPUT:LOSS:WEIGHT, with LOSS one of ${objectiveNames.join(', ')}`,
  })
}

/** `sequence=128` */
export function readAxis(text: string): readonly [string, number] {
  const [, name, size] = /^(.+)=(\d+)$/.exec(text) ?? []
  if (name !== undefined && Number(size) > 0) return [name, Number(size)]
  throw new GauntletError('GNT_USAGE', {
    what: 'wrong value',
    where: '--axis',
    got: JSON.stringify(text),
    expected: 'NAME=LENGTH, as in sequence=128',
  })
}
