import { GauntletError } from '../../errors.js'

/** `--param name=value`, as often as it is given: numbers, flags, and lists and objects in JSON become such. */
export function readParams(params: readonly string[], option = '--param'): Record<string, unknown> {
  return Object.fromEntries(params.map((param) => readParam(param, option)))
}

function readParam(param: string, option: string): [string, unknown] {
  const [, name, value] = /^([^=]+)=(.*)$/.exec(param) ?? []
  if (name === undefined || value === undefined)
    throw new GauntletError('GNT_USAGE', {
      what: 'wrong value',
      where: option,
      got: JSON.stringify(param),
      expected: 'name=value, as in tries=100',
    })
  if (value === 'true' || value === 'false') return [name, value === 'true']
  if (/^[[{]/.test(value)) return [name, readJson(value, option)]
  const number = Number(value)
  return [name, value !== '' && Number.isFinite(number) ? number : value]
}

function readJson(value: string, option: string): unknown {
  try {
    return JSON.parse(value)
  } catch (cause) {
    throw new GauntletError(
      'GNT_USAGE',
      { what: 'wrong value', where: option, got: value, expected: 'JSON' },
      { cause },
    )
  }
}
