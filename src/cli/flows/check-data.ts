import { sampleSize, takeSamples } from '../../data/dataset.js'
import { GauntletError } from '../../errors.js'
import { Constraints } from '../../threat/constraints.js'
import { formatEpsilon, type ThreatModel } from '../../threat/threat-model.js'
import { nameOfValue, type TableData } from './features.js'

/** What a threat model says of single values, held against the values there are. @throws GNT_CONFIG, GNT_DATA_VALUES */
export function checkData(threat: ThreatModel, data: TableData): void {
  checkCategories(threat, data)
  checkRoom(threat, data)
}

/** A column that is neither on nor off in some sample is no category: attacks would move it to one by themselves. */
function checkCategories({ features }: ThreatModel, data: TableData): void {
  const { oneHot = [], lower, upper } = features ?? {}
  const size = sampleSize(data)
  for (const i of oneHot.flat()) {
    const [off, on] = [Math.fround(lower?.[i] ?? 0), Math.fround(upper?.[i] ?? 1)]
    for (let row = 0; row < data.count; row++) {
      const value = Math.fround(data.values[row * size + i]! / data.divisor)
      if (value === off || value === on) continue
      throw new GauntletError('GNT_DATA_VALUES', {
        what: 'a column of a one-hot group holds something else than off and on',
        where: `features.oneHot: ${nameOfValue(i, data)}, sample ${row}`,
        got: String(value),
        expected: `${off} or ${on}`,
        fix: 'leave the column out of the group, or give it bounds: off and on',
      })
    }
  }
}

/** Where nothing but the clean samples counts within epsilon, any model would look robust. */
function checkRoom(threat: ThreatModel, data: TableData): void {
  const constraints = new Constraints(threat, sampleSize(data))
  if (constraints.isUniform && !constraints.settles) return
  for (let row = 0; row < data.count; row++)
    if (constraints.leavesRoom(takeSamples(data, [row]))) return
  const { epsilon, quantize, bounds } = threat
  const step = (bounds[1] - bounds[0]) / (2 ** (quantize ?? 1) - 1)
  throw new GauntletError('GNT_CONFIG', {
    what: 'within epsilon there is nothing but the clean samples that an example may be',
    where: quantize === undefined ? 'features' : 'quantize',
    got: `epsilon ${formatEpsilon(epsilon)}${quantize === undefined ? '' : ` and ${quantize} bit${quantize === 1 ? '' : 's'}`}`,
    expected:
      quantize === undefined
        ? 'an epsilon that reaches another whole number or category'
        : `an epsilon of at least ${Number(step.toPrecision(3))}, the distance between two levels`,
    fix: quantize === undefined ? 'raise epsilon' : 'raise epsilon, or give more bits',
  })
}
