import yargs from 'yargs'
import { GauntletError } from '../errors.js'
import type { Chosen, Command } from './command.js'
import { commands as allCommands } from './commands/index.js'
import { exitCodes } from './exit-codes.js'
import type { Io } from './io.js'
import { packageVersion } from './package-info.js'
import { unknownCommand, usageError } from './usage-error.js'

/**
 * Runs one command line. Never throws and never ends the process.
 *
 * @param argv - without node and script
 * @returns the exit code: the error's, or what the command left in `io.exitCode`
 */
export async function runCli(
  argv: readonly string[],
  io: Io,
  commands: readonly Command[] = allCommands,
): Promise<number> {
  try {
    const chosen = await parse(argv, io, commands)
    await chosen?.(io)
  } catch (error) {
    io.exitCode = reportError(error, argv, io)
  }
  return io.exitCode
}

/** @returns nothing if help or the version was asked for; it is printed then */
async function parse(
  argv: readonly string[],
  io: Io,
  commands: readonly Command[],
): Promise<Chosen | undefined> {
  const word = argv.find((part) => !part.startsWith('-'))
  const command = commands.find(({ name }) => name === word)
  if (word !== undefined && !command) throw unknownCommand(word, commands)
  if (word === undefined && argv.includes('--version')) {
    io.out(packageVersion())
    return undefined
  }

  let chosen: Chosen | undefined
  let printed = ''
  const parser = createParser(io).fail((message, error) => {
    // Our own errors, thrown where a value is read, and bugs; yargs' own are named YError.
    if (error && error.name !== 'YError') throw error
    throw usageError(message ?? error.message, argv, command)
  })
  for (const each of commands) each.register(parser, (run) => (chosen = run))
  await parser.parseAsync([...argv], {}, (_error, _args, output) => {
    printed = output
  })
  if (printed !== '') io.out(printed)
  else if (!command) {
    io.err(await parser.getHelp())
    throw new GauntletError('GNT_USAGE', { what: 'no command given', fix: 'see gauntlet --help' })
  }
  return chosen
}

function createParser(io: Io) {
  return (
    yargs([])
      .scriptName('gauntlet')
      .usage(
        '$0 <command>\n\nAttacks every version of a model and says whether the new one is less robust.',
      )
      .example('gauntlet demo', 'try it: two models, data and a report')
      .example('gauntlet init', 'write a configuration for your own; then: gauntlet gate')
      // Messages are read by usageError and by tests: they must not follow the machine's language.
      .locale('en')
      .updateStrings({ string: 'value', boolean: 'flag' })
      .parserConfiguration({
        'dot-notation': false,
        'boolean-negation': false,
      })
      .option('json', {
        type: 'boolean',
        default: false,
        describe: 'print one JSON value, for machines',
      })
      .option('debug', {
        type: 'boolean',
        default: false,
        describe: 'print errors with their stack',
      })
      .help('help', 'print this help')
      .alias('help', 'h')
      // Ours: yargs' own would forbid commands to have an argument of this name.
      .version(false)
      .option('version', { type: 'boolean', global: false, describe: 'print the version' })
      .strict()
      .exitProcess(false)
      .wrap(Math.min(Math.max(io.columns, 60), 120))
  )
}

function reportError(error: unknown, argv: readonly string[], io: Io): number {
  const debug = argv.includes('--debug')
  const json = argv.includes('--json')
  if (error instanceof GauntletError) {
    const { code, message, detail } = error
    if (json) io.err(JSON.stringify({ error: { code, message, ...detail } }))
    else io.err(`gauntlet: error ${code}: ${message}`)
    if (debug) io.err(stackOf(error))
    return error.exitCode
  }
  const stack = stackOf(error)
  if (json)
    io.err(JSON.stringify({ error: { code: 'GNT_INTERNAL', message: String(error), stack } }))
  else
    io.err(
      `gauntlet: internal error\n${stack}\nThis is a bug in gauntlet: please report it with these lines.`,
    )
  return exitCodes.internal
}

function stackOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const own = error.stack ?? error.message
  return error.cause === undefined ? own : `${own}\ncaused by: ${stackOf(error.cause)}`
}
