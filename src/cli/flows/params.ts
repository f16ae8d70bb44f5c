import { GauntletError } from '../../errors.js'

/** `--param name=value`, as often as it is given: numbers and flags become such. */
export function readParams(params: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(params.map(readParam))
}

function readParam(param: string): [string, unknown] {
  const [, name, value] = /^([^=]+)=(.*)$/.exec(param) ?? []
  if (name === undefined || value === undefined)
    throw new GauntletError('GNT_USAGE', {
      what: 'wrong value',
      where: '--param',
      got: JSON.stringify(param),
      expected: 'name=value, as in tries=100',
    })
  if (value === 'true' || value === 'false') return [name, value === 'true']
  const number = Number(value)
  return [name, value !== '' && Number.isFinite(number) ? number : value]
}
