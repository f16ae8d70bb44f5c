import type {
  Argv,
  ArgumentsCamelCase,
  InferredOptionTypes,
  Options,
  PositionalOptions,
} from 'yargs'
import type { Io } from './io.js'
import type { Limited } from './options.js'

/** Options that every command takes. */
interface GlobalArgs {
  /** Results, and errors, for machines. */
  readonly json: boolean
  /** Errors with their stacks. */
  readonly debug: boolean
}

type OptionMap = Record<string, Options>
type PositionalMap = Record<string, PositionalOptions>

/** One verb of the command line. Options are data, so that help, checks and suggestions read the same table. */
export interface CommandSpec<P extends PositionalMap, O extends OptionMap> {
  /** `attacks [id]`: the verb, required `<words>` and optional `[words]`. */
  readonly command: string
  readonly describe: string
  /** Command line and what it does; at least one. */
  readonly examples: readonly (readonly [string, string])[]
  readonly positionals?: P
  readonly options?: O
  /** Parse, call one library function, print, set `io.exitCode`. */
  run(
    args: ArgumentsCamelCase<GlobalArgs & InferredOptionTypes<P> & InferredOptionTypes<O>>,
    io: Io,
  ): Promise<void>
}

/** What yargs found on the command line: run it after the parser is done, so that no error meets two handlers. */
export type Chosen = (io: Io) => Promise<void>

/** A command without the types of its arguments. */
export interface Command {
  readonly name: string
  readonly describe: string
  readonly positionals: readonly string[]
  /** Long names of its own options. */
  readonly options: readonly string[]
  /** Commands of which the next word names one. */
  readonly parts?: readonly Command[]
  register(parser: Argv<GlobalArgs>, choose: (chosen: Chosen) => void): void
}

export function defineCommand<
  P extends PositionalMap = Record<never, never>,
  O extends OptionMap = Record<never, never>,
>(spec: CommandSpec<P, O>): Command {
  const { command, describe, examples, positionals, options, run } = spec
  return {
    name: command.split(' ')[0] ?? command,
    describe,
    positionals: [...command.matchAll(/<([^>.]+)/g)].map(([, name]) => name ?? ''),
    options: Object.keys(options ?? {}),
    register(parser, choose) {
      parser.command(
        command,
        describe,
        (y) => {
          for (const [name, option] of Object.entries(positionals ?? {})) y.positional(name, option)
          for (const [name, option] of Object.entries(options ?? {}))
            y.option(name, lastOf(asTyped(withLimits(option))))
          for (const [line, meaning] of examples) y.example(line, meaning)
        },
        // yargs cannot follow options that come out of a table; the table's own types say what it makes of them.
        (args) => choose((io) => run(args as unknown as Parameters<typeof run>[0], io)),
      )
    },
  }
}

/** What a value may be at least and at most stands in the help, as its reader says it. */
function withLimits(option: Options): Options {
  const { limits } = (option.coerce ?? {}) as Limited
  return limits === undefined ? option : { ...option, describe: `${option.describe}; ${limits}` }
}

/**
 * A value that has its own reader is handed over as it was typed: yargs would turn what is not a number
 * into NaN, and the message could not say what it was.
 */
function asTyped(option: Options): Options {
  return option.coerce && option.type === 'number' ? { ...option, type: 'string' } : option
}

/** Given several times, a list takes them all and anything else the last, as a script's default that is overridden. */
function lastOf(option: Options): Options {
  if (option.type === 'array' || option.array === true) return option
  const read = (option.coerce ?? ((value: unknown) => value)) as (value: unknown) => unknown
  return {
    ...option,
    coerce: (value: unknown) => read(Array.isArray(value) ? value.at(-1) : value),
  }
}
