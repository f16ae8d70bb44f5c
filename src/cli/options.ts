import { readRange } from '../config/data-schema.js'
import { dataFormats } from '../data/dataset.js'
import { GauntletError } from '../errors.js'
import { epsilonExpected, readEpsilon } from '../threat/epsilon.js'

/** Options that several commands share, and types of values that yargs does not know. */

export const configOption = {
  type: 'string',
  alias: 'c',
  requiresArg: true,
  describe: 'configuration file (default: gauntlet.config.* in this folder)',
} as const

/** An option with a text. */
export const text = (describe: string) => ({ type: 'string', requiresArg: true, describe }) as const

/** Names with commas between them, or blanks; the option may be given several times. */
export const namesOption = (describe: string) =>
  ({
    type: 'array',
    string: true,
    requiresArg: true,
    coerce: (values: readonly string[]): string[] =>
      values.flatMap((value) => value.split(',').map((name) => name.trim())),
    describe,
  }) as const

/** A reader of an option's text whose limits the help shows. */
export interface Limited {
  readonly limits?: string
}

export const limited = <F extends (text: string | number) => unknown>(
  limits: string | undefined,
  read: F,
): F & Limited => Object.assign(read, limits === undefined ? {} : { limits })

interface NumberLimits {
  readonly min?: number
  readonly max?: number
}

/** Turns the text of option `--name` into a whole number. */
export function wholeNumber(
  name: string,
  { min = 0, max = Number.MAX_SAFE_INTEGER }: NumberLimits = {},
) {
  const isOpen = max === Number.MAX_SAFE_INTEGER
  const limits = isOpen ? (min > 0 ? `at least ${min}` : undefined) : `${min} to ${max}`
  return limited(limits, (text: string | number): number => {
    const value = Number(text)
    if (text !== '' && Number.isSafeInteger(value) && value >= min && value <= max) return value
    const top = isOpen ? '' : ` to ${max}`
    throw wrongValue(name, text, `a whole number from ${min}${top}`)
  })
}

/** Above 0. */
export function positiveNumber(name: string) {
  return limited('above 0', (text: string | number): number => {
    const value = Number(text)
    if (value > 0 && Number.isFinite(value)) return value
    throw wrongValue(name, text, 'a number above 0')
  })
}

/** Above 0 and below 1. */
export function openShare(name: string) {
  return limited('above 0, below 1', (text: string | number): number => {
    const value = Number(text)
    if (value > 0 && value < 1) return value
    throw wrongValue(name, text, 'a share above 0 and below 1, as in 0.05')
  })
}

/** `60`, `0.5` */
export function seconds(name: string) {
  return limited('above 0', (text: string | number): number => {
    const value = Number(text)
    if (text !== '' && Number.isFinite(value) && value > 0) return value
    throw wrongValue(name, text, 'seconds above 0, as in 60')
  })
}

/** An epsilon, or a step size in its units: `8/255`, `0.03` */
export function epsilon(name: string) {
  return (text: string | number): number => {
    const value = readEpsilon(text)
    if (value !== undefined) return value
    throw wrongValue(name, text, epsilonExpected)
  }
}

/** `0..255` */
export function range(name: string) {
  return (text: string): [number, number] => {
    const value = readRange(text)
    if (value) return value
    throw wrongValue(name, text, 'LOW..HIGH, as in 0..255')
  }
}

/** As `numberList`, each above 0. */
function positiveList(name: string) {
  const read = numberList(name)
  return (text: string | number): number[] => {
    const values = read(text)
    if (values.every((value) => value > 0)) return values
    throw wrongValue(name, text, 'numbers above 0 with commas between them')
  }
}

/** `0.49,0.48,0.45` */
export function numberList(name: string) {
  return (text: string | number): number[] => {
    const values = String(text)
      .split(',')
      .map((part) => (part.trim() === '' ? NaN : Number(part)))
    if (values.every(Number.isFinite)) return values
    throw wrongValue(name, text, 'numbers with commas between them')
  }
}

const wholes = ['dataset', 'targetClass', 'sourceClass'] as const

/** `5%/dataset`, `0.1/targetClass` */
export function poisonRate(text: string): {
  readonly value: number
  readonly of: (typeof wholes)[number]
} {
  const [, number, percent, name] = /^([\d.eE+-]+)\s*(%?)\s*\/\s*(\w+)$/.exec(text.trim()) ?? []
  const value = Number(number) / (percent ? 100 : 1)
  const of = wholes.find((one) => one === name)
  if (of !== undefined && value > 0 && value <= 1)
    return { value: Number(value.toPrecision(12)), of }
  throw wrongValue(
    'rate',
    text,
    'a share and what it is a share of: 5%/dataset, 10%/targetClass or 0.1/sourceClass; 1 % of the data set is 10 % of one of ten classes',
  )
}

function wrongValue(name: string, got: unknown, expected: string): GauntletError {
  return new GauntletError('GNT_USAGE', {
    what: 'wrong value',
    where: `--${name}`,
    got: JSON.stringify(got),
    expected,
  })
}

/** What the network sees of a sample, where its graph does not say it. */
export const normalisationOptions = {
  mean: {
    type: 'string',
    requiresArg: true,
    coerce: numberList('mean'),
    describe: 'per channel: the network sees (x - mean) / std',
  },
  std: {
    type: 'string',
    requiresArg: true,
    coerce: positiveList('std'),
    describe: 'per channel, above 0',
  },
} as const

export const layoutOption = (describe: string) =>
  ({ choices: ['nchw', 'nhwc'], requiresArg: true, describe }) as const

/** How samples of a data set become the input of a network. */
export const inputOptions = {
  layout: layoutOption("layout of the network's input (default: found)"),
  range: {
    type: 'string',
    requiresArg: true,
    coerce: range('range'),
    describe: 'range of the stored data; 0..255 is divided by 255 (default: found from the type)',
  },
  ...normalisationOptions,
} as const

export const formatOption = (describe: string) =>
  ({ choices: dataFormats, requiresArg: true, describe }) as const

/** What `run` and `gate` take in place of what the configuration says. */
export const runOptions = {
  workers: {
    type: 'number',
    requiresArg: true,
    coerce: wholeNumber('workers', { min: 1, max: 256 }),
    describe: 'worker threads (default: as configured)',
  },
  seed: {
    type: 'number',
    requiresArg: true,
    coerce: wholeNumber('seed'),
    describe: 'seed of every random draw (default: as configured)',
  },
} as const

/** Of these options, those that are given. */
export const settingsOf = ({
  workers,
  seed,
}: {
  readonly workers: number | undefined
  readonly seed: number | undefined
}): { workers?: number; seed?: number } => ({
  ...(workers === undefined ? {} : { workers }),
  ...(seed === undefined ? {} : { seed }),
})
