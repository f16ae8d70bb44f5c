import { basename } from 'node:path'
import { sampleSize, type Dataset } from '../../data/dataset.js'
import { readConfigFile } from '../../config/read-file.js'
import { GauntletError } from '../../errors.js'
import { featuresSchema, type FeaturesInput } from '../../suite/features.js'
import type { Features } from '../../threat/threat-model.js'
import { firstProblem } from '../../util/schema-problem.js'

/** What features are resolved against. */
export type TableData = Pick<
  Dataset,
  'shape' | 'range' | 'count' | 'divisor' | 'values' | 'featureNames'
>

/**
 * Features as a file of their own has them.
 * @param path - absolute
 * @throws GNT_FILE, GNT_CONFIG
 */
export async function readFeatures(path: string): Promise<FeaturesInput> {
  const where = basename(path)
  const value = await readConfigFile(path, where, {
    noun: 'features',
    missing: 'check the path of --features',
    expected: 'export default { immutable: [ … ], … }',
  })
  const parsed = featuresSchema.safeParse(value)
  if (parsed.success) return parsed.data
  const { path: field, ...problem } = firstProblem(featuresSchema, value, parsed.error)
  throw new GauntletError('GNT_CONFIG', { ...problem, where: field ? `${where}: ${field}` : where })
}

/**
 * Features by index, as attacks take them.
 * @throws GNT_CONFIG for a name or index that the data do not have
 */
export function resolveFeatures(written: FeaturesInput, data: TableData): Features {
  const { immutable = [], scale, bounds, integer = [], oneHot = [] } = written
  const size = sampleSize(data)
  const at = (field: string, value: string | number): number => indexOf(field, value, data)
  const groups = oneHot.map((group) => group.map((one) => at('oneHot', one)))
  const members = new Set(groups.flat())
  const columns = scale === 'std' || bounds === 'data' ? measureColumns(data) : []
  const scales = columns.map(({ std }, i) => (members.has(i) ? 1 : std))
  const factors = scale === 'std' ? scales : Array.from({ length: size }, () => 1)
  if (typeof scale === 'object')
    for (const [name, factor] of Object.entries(scale)) factors[at('scale', name)] = factor
  for (const name of immutable) factors[at('immutable', name)] = 0
  // Categories are off at 0 and on at 1, whatever the data are.
  const room = Array.from({ length: size }, (_, i) => (members.has(i) ? [0, 1] : data.range))
  if (bounds === 'data')
    columns.forEach(({ least, greatest }, i) => {
      if (members.has(i)) return
      // A column of one value has nowhere to go.
      if (least < greatest) room[i] = [least, greatest]
      else factors[i] = 0
    })
  else for (const [name, own] of Object.entries(bounds ?? {})) room[at('bounds', name)] = own
  const isScaled = factors.some((factor) => factor !== 1)
  const isBounded = bounds !== undefined
  return {
    ...(isScaled ? { scale: factors } : {}),
    ...(isBounded
      ? { lower: room.map(([low]) => low!), upper: room.map(([, high]) => high!) }
      : {}),
    ...(integer.length > 0 ? { integers: integer.map((one) => at('integer', one)) } : {}),
    ...(groups.length > 0 ? { oneHot: groups } : {}),
  }
}

/** What people call a value: the name of its column, if it has one. */
export const nameOfValue = (i: number, { featureNames }: TableData): string =>
  featureNames?.[i] ?? `value ${i}`

function indexOf(field: string, value: string | number, data: TableData): number {
  const named = typeof value === 'string' ? (data.featureNames?.indexOf(value) ?? -1) : -1
  if (named >= 0) return named
  const index = /^\d+$/.test(String(value)) ? Number(value) : -1
  if (index >= 0 && index < sampleSize(data)) return index
  const names = data.featureNames?.slice(0, 8).join(', ')
  const more = (data.featureNames?.length ?? 0) > 8 ? ', …' : ''
  throw new GauntletError('GNT_CONFIG', {
    what: 'the data have no such column',
    where: `features.${field}`,
    got: JSON.stringify(value),
    expected: names ? `${names}${more}` : `an index from 0 to ${sampleSize(data) - 1}`,
  })
}

interface Column {
  readonly least: number
  readonly greatest: number
  /** Of the samples there are, not an estimate: divided by their number. 1 for a column of one value. */
  readonly std: number
}

function measureColumns({ count, divisor, values, ...data }: TableData): Column[] {
  const size = sampleSize(data)
  return Array.from({ length: size }, (_, column) => {
    const own = Float64Array.from(
      { length: count },
      (_, row) => values[row * size + column]! / divisor,
    )
    const mean = own.reduce((sum, value) => sum + value, 0) / count
    const square = own.reduce((sum, value) => sum + (value - mean) ** 2, 0) / count
    const [least, greatest] = own.reduce(
      ([low, high], value) => [Math.min(low, value), Math.max(high, value)],
      [Infinity, -Infinity],
    )
    return { least, greatest, std: least < greatest ? Math.sqrt(square) : 1 }
  })
}
