import { GauntletError } from '../errors.js'
import type { ThreatModel } from './threat-model.js'

/**
 * Whether what a threat model says of single values makes sense for samples of `size` values.
 * @param nameOf - what messages call a value
 * @throws GauntletError GNT_CONFIG, GNT_ATTACK_NEEDS
 */
export function checkConstraints(
  threat: ThreatModel,
  size: number,
  nameOf: (i: number) => string = (i) => `value ${i}`,
): void {
  const { norm, bounds, features, quantize } = threat
  if (quantize !== undefined && !(Number.isInteger(quantize) && quantize >= 1 && quantize <= 16))
    throw wrong(
      'no such number of bits',
      'quantize',
      String(quantize),
      'a whole number from 1 to 16',
    )
  if (!features) return
  if (norm !== 'linf' && norm !== 'l0')
    throw new GauntletError('GNT_ATTACK_NEEDS', {
      what: 'features are for threats in L∞ and L0',
      got: norm,
      fix: 'state another norm, or leave the features out',
    })
  const { scale, lower, upper, integers = [], oneHot = [] } = features
  for (const [field, values] of Object.entries({ scale, lower, upper }))
    if (values && !(values.length === size && values.every(Number.isFinite)))
      throw wrong(
        'not one finite number for each value',
        `features.${field}`,
        `${values.length} entries`,
        `${size}`,
      )
  const grouped = oneHot.flat()
  for (const [field, indices] of Object.entries({ integers, oneHot: grouped }))
    for (const [at, i] of indices.entries()) {
      if (!(Number.isInteger(i) && i >= 0 && i < size))
        throw wrong('no such value', `features.${field}`, String(i), `0 to ${size - 1}`)
      if (indices.indexOf(i) !== at)
        throw wrong('the same value twice', `features.${field}`, nameOf(i), 'each once')
    }
  const both = integers.find((i) => grouped.includes(i))
  if (both !== undefined)
    throw wrong('an integer in a one-hot group', 'features', nameOf(both), 'one of the two')
  if (oneHot.some((group) => group.length < 2))
    throw wrong('a group of fewer than two', 'features.oneHot', '1 value', '2 or more')
  if (quantize !== undefined && (integers.length > 0 || oneHot.length > 0))
    throw wrong(
      'rounded to integers or categories, and to levels as well',
      'quantize',
      String(quantize),
      'one of the two',
    )
  for (let i = 0; i < size; i++) {
    const isMember = grouped.includes(i)
    const factor = scale?.[i] ?? 1
    if (factor < 0) throw wrong('a factor below 0', 'features.scale', nameOf(i), '0 or more')
    if ((norm === 'l0' || isMember) && factor !== 0 && factor !== 1)
      throw wrong(
        `${isMember ? 'a one-hot group' : 'L0'} has no epsilon for each value`,
        'features.scale',
        nameOf(i),
        '0 or 1',
      )
    const low = lower?.[i] ?? (isMember ? 0 : bounds[0])
    const high = upper?.[i] ?? (isMember ? 1 : bounds[1])
    if (!(low < high))
      throw wrong(
        'the least value is not below the greatest',
        'features.bounds',
        nameOf(i),
        'LOW below HIGH',
      )
    if (low < bounds[0] || high > bounds[1])
      throw new GauntletError('GNT_CONFIG', {
        what: 'a feature may leave the range of the data',
        where: `features: ${nameOf(i)}`,
        got: `${low}..${high}`,
        expected: `within ${bounds[0]}..${bounds[1]}`,
        fix: 'state the range of the data',
      })
  }
}

const wrong = (what: string, where: string, got: string, expected: string): GauntletError =>
  new GauntletError('GNT_CONFIG', { what, where, got, expected })
