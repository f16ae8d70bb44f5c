import { constants, accessSync, statSync } from 'node:fs'
import { delimiter, isAbsolute, join, resolve } from 'node:path'
import { GauntletError } from '../errors.js'

/** What stands for what in a training command, in braces: `{data}`. */
const placeholders = ['data', 'out', 'model', 'base', 'seed', 'folder'] as const

export type Places = Readonly<Record<(typeof placeholders)[number], string>>

/**
 * Program and arguments of one line, as a shell would split it, and nothing else that a shell does: quotes of both kinds
 * keep blanks together, a backslash keeps a quote, a blank or a backslash as it is.
 *
 * @throws GNT_CONFIG for a quote that is not closed, and for an empty line
 */
export function splitCommand(line: string): string[] {
  const parts: string[] = []
  let part: string | null = null
  let quote: string | null = null
  for (let i = 0; i < line.length; i++) {
    const char = line[i]!
    const next = line[i + 1]
    const isEscape =
      char === '\\' &&
      quote !== "'" &&
      next !== undefined &&
      (next === '"' || next === '\\' || (quote === null && /[\s']/.test(next)))
    if (isEscape) {
      part = (part ?? '') + next
      i++
    } else if (quote === char) quote = null
    else if (quote === null && (char === '"' || char === "'")) {
      quote = char
      part ??= ''
    } else if (quote === null && /\s/.test(char)) {
      if (part !== null) parts.push(part)
      part = null
    } else part = (part ?? '') + char
  }
  if (part !== null) parts.push(part)
  if (quote !== null || parts.length === 0)
    throw new GauntletError('GNT_CONFIG', {
      what:
        quote === null
          ? 'an empty training command'
          : 'a quote in the training command is not closed',
      got: JSON.stringify(line),
      expected: 'a program and its arguments, as in "python train.py --data {data} --out {out}"',
    })
  return parts
}

/** Puts paths and seed in. Without a shell they stay one argument, whatever is in them. */
export function fillCommand(
  command: readonly string[] | string,
  places: Places,
): readonly string[] | string {
  if (typeof command !== 'string') return command.map((part) => fill(part, places, (text) => text))
  return fill(command, places, process.platform === 'win32' ? (text) => `"${text}"` : quoted)
}

const fill = (text: string, places: Places, write: (value: string) => string): string =>
  text.replace(/\{(\w+)\}/g, (whole, name: string) => (isPlace(name) ? write(places[name]) : whole))

const isPlace = (name: string): name is keyof Places => placeholders.some((known) => known === name)

const quoted = (text: string): string => `'${text.replaceAll("'", String.raw`'\''`)}'`

/** @throws GNT_CONFIG for a command that could not do its work: it must be told of the data and of where the model goes */
export function checkCommand(command: readonly string[] | string): void {
  const text = typeof command === 'string' ? command : command.join(' ')
  const missing = !/\{(data|folder)\}/.test(text)
    ? '{data}'
    : !/\{(out|model|folder)\}/.test(text)
      ? '{out}'
      : undefined
  if (missing === undefined) return
  throw new GauntletError('GNT_CONFIG', {
    what: `the training command does not say ${missing}`,
    got: JSON.stringify(text),
    expected: 'a command with {data}, the npz to train on, and {out}, the ONNX file to leave',
  })
}

/**
 * @param cwd - where relative paths start
 * @throws GNT_CONFIG if there is no such program: better now than after the first poison
 */
export function checkProgram(program: string, cwd: string): void {
  const names =
    process.platform === 'win32' && !/\.\w+$/.test(program)
      ? ['.exe', '.cmd', '.bat', ''].map((ending) => program + ending)
      : [program]
  const hasFolder = isAbsolute(program) || /[\\/]/.test(program)
  const folders = hasFolder ? [cwd] : (process.env['PATH'] ?? '').split(delimiter)
  const found = folders.some((folder) =>
    names.some((name) => isExecutable(hasFolder ? resolve(cwd, name) : join(folder, name))),
  )
  if (found) return
  throw new GauntletError('GNT_CONFIG', {
    what: 'the program of the training command is not there',
    got: program,
    expected: hasFolder ? `an executable file, relative to ${cwd}` : 'a program on the PATH',
    fix: 'install it, or write its path',
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}
