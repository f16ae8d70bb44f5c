import { GauntletError, type ErrorDetail } from '../errors.js'
import { didYouMean } from '../util/did-you-mean.js'
import type { Command } from './command.js'

/** Options of every command, for suggestions. */
const globalOptions = ['json', 'debug', 'help']

/** What yargs says about a command line, in our one-line form. */
export function usageError(
  message: string,
  argv: readonly string[],
  command: Command | undefined,
): GauntletError {
  const part = partOf(argv, command)
  const words = [command, part].flatMap((one) => one?.name ?? [])
  const help = `see ${['gauntlet', ...words, '--help'].join(' ')}`
  const detail = detailOf(message, argv, part ?? command)
  const fix = detail.fix ? `${detail.fix} ${help}` : help
  return new GauntletError('GNT_USAGE', { ...detail, fix })
}

function partOf(argv: readonly string[], command: Command | undefined): Command | undefined {
  const [, word] = argv.filter((one) => !one.startsWith('-'))
  return command?.parts?.find(({ name }) => name === word)
}

export function unknownCommand(word: string, commands: readonly Command[]): GauntletError {
  const near = didYouMean(
    word,
    commands.map(({ name }) => name),
  )
  return new GauntletError('GNT_USAGE', {
    what: `unknown command ${word}`,
    fix: near ? `did you mean ${near}? see gauntlet --help` : 'see gauntlet --help',
  })
}

function detailOf(
  message: string,
  argv: readonly string[],
  command: Command | undefined,
): ErrorDetail {
  const unknown = /^Unknown (?:argument|command)s?: ([^,]*)/.exec(message)?.[1]
  if (unknown !== undefined) return unknownWord(unknown, argv, command)

  const given = /^Not enough non-option arguments: got (\d+)/.exec(message)?.[1]
  if (given !== undefined)
    return { what: `missing ${command?.positionals[Number(given)]?.toUpperCase() ?? 'argument'}` }

  const empty = /^(?:Not enough arguments following|Missing argument values?): (.*)$/.exec(message)
  if (empty) return { what: `--${empty[1]} needs a value` }

  const missing = /^Missing required arguments?: (.*)$/.exec(message)?.[1]
  if (missing !== undefined) return { what: `missing --${missing.split(', ').join(', --')}` }

  const choice = /Argument: (\S+), Given: (.*), Choices: (.*)$/m.exec(message)
  if (choice)
    return {
      what: 'wrong value',
      where: command?.options.includes(choice[1] ?? '')
        ? `--${choice[1]}`
        : choice[1]?.toUpperCase(),
      got: choice[2],
      expected: `one of ${choice[3]?.replaceAll('"', '')}`,
    }

  const both = /^Arguments (\S+) and (\S+) are mutually exclusive/.exec(message)
  if (both) return { what: `--${both[1]} and --${both[2]} exclude each other` }
  return { what: message.charAt(0).toLowerCase() + message.slice(1) }
}

function unknownWord(
  word: string,
  argv: readonly string[],
  command: Command | undefined,
): ErrorDetail {
  const typed = argv.find(
    (part) => /^--?[^-]/.test(part) && part.replace(/^-+/, '').split('=')[0] === word,
  )
  if (typed === undefined) return { what: `unexpected argument ${word}` }
  const near = didYouMean(word, [...(command?.options ?? []), ...globalOptions])
  return {
    what: `unknown option ${typed.split('=')[0]}`,
    fix: near ? `did you mean --${near}?` : undefined,
  }
}
