import { describe, expect, it } from 'vitest'
import { defineCommand } from '../../../src/cli/command.js'
import { commands } from '../../../src/cli/commands/index.js'
import { wholeNumber } from '../../../src/cli/options.js'
import { packageVersion } from '../../../src/cli/package-info.js'
import { runCli } from '../../../src/cli/run.js'
import { GauntletError } from '../../../src/errors.js'
import { memoryIo } from '../../helpers/memory-io.js'

const seen: unknown[] = []
const paint = defineCommand({
  command: 'paint <wall>',
  describe: 'Paint a wall',
  examples: [['gauntlet paint north', 'the north wall']],
  positionals: { wall: { type: 'string', demandOption: true, describe: 'wall to paint' } },
  options: {
    color: { choices: ['red', 'blue'] as const, requiresArg: true, describe: 'color' },
    coats: {
      type: 'number',
      default: 2,
      coerce: wholeNumber('coats', { min: 1 }),
      describe: 'coats',
    },
    brush: { array: true, string: true, describe: 'brushes' },
    tape: { type: 'array', string: true, describe: 'tapes' },
    'dry-run': { type: 'boolean', default: false, describe: 'look only' },
  },
  async run({ wall, color, coats, dryRun, brush, tape }, io) {
    if (wall === 'wet')
      throw new GauntletError('GNT_WORKER', { what: 'the wall is wet', where: wall })
    if (wall === 'bug') throw new TypeError('no such brush', { cause: new Error('lost it') })
    if (wall === 'late') io.exitCode = 3
    seen.push({ wall, color, coats, dryRun })
    io.out(`painted ${wall}${[...(brush ?? []), ...(tape ?? [])].map((one) => ` ${one}`).join('')}`)
  },
})

async function run(argv: string[], list = [paint]) {
  const io = memoryIo()
  const code = await runCli(argv, io, list)
  return { code, out: io.stdout(), err: io.stderr() }
}

describe('runCli', () => {
  it('runs a command with its options', async () => {
    seen.length = 0
    const { code, out, err } = await run([
      'paint',
      'north',
      '--color',
      'red',
      '--coats=3',
      '--dry-run',
    ])
    expect({ code, out, err }).toEqual({ code: 0, out: 'painted north\n', err: '' })
    expect(seen).toEqual([{ wall: 'north', color: 'red', coats: 3, dryRun: true }])
  })

  it('adds up lists, however they are given', async () => {
    const brushes = ['--brush', 'a', 'b', '--brush', 'c', '--tape=d', '--tape', 'e']
    const { out } = await run(['paint', 'north', ...brushes])
    expect(out).toBe('painted north a b c d e\n')
  })

  it('keeps texts as they are typed, fills in defaults, takes the last of two', async () => {
    seen.length = 0
    await run(['paint', '007', '--color', 'red', '--color', 'blue'])
    expect(seen).toEqual([{ wall: '007', color: 'blue', coats: 2, dryRun: false }])
  })

  it('ends with what the command says', async () => {
    expect((await run(['paint', 'late'])).code).toBe(3)
  })

  it.each<[string, string[], string]>([
    [
      'an unknown command',
      ['pain', 'north'],
      'unknown command pain; did you mean paint? see gauntlet --help',
    ],
    ['nothing like a command', ['zzzzzz'], 'unknown command zzzzzz; see gauntlet --help'],
    [
      'an unknown option',
      ['paint', 'x', '--colour', 'red'],
      'unknown option --colour; did you mean --color? see gauntlet paint --help',
    ],
    [
      'an unknown option with a value',
      ['paint', 'x', '--caots=3'],
      'unknown option --caots; did you mean --coats? see gauntlet paint --help',
    ],
    [
      'a misspelt option of all commands',
      ['paint', 'x', '--jsno'],
      'unknown option --jsno; did you mean --json? see gauntlet paint --help',
    ],
    ['a word too many', ['paint', 'x', 'y'], 'unexpected argument y; see gauntlet paint --help'],
    ['a word too few', ['paint'], 'missing WALL; see gauntlet paint --help'],
    [
      'a wrong choice',
      ['paint', 'x', '--color', 'green'],
      'wrong value (--color): got "green", expected one of red, blue; see gauntlet paint --help',
    ],
    [
      'an option without its value',
      ['paint', 'x', '--color'],
      '--color needs a value; see gauntlet paint --help',
    ],
    [
      'no number',
      ['paint', 'x', '--coats', 'many'],
      'wrong value (--coats): got "many", expected a whole number from 1; see gauntlet paint --help',
    ],
    [
      'half a number',
      ['paint', 'x', '--coats', '1.5'],
      'wrong value (--coats): got "1.5", expected a whole number from 1; see gauntlet paint --help',
    ],
    [
      'a negative number',
      ['paint', 'x', '--coats', '-1'],
      'wrong value (--coats): got "-1", expected a whole number from 1; see gauntlet paint --help',
    ],
  ])('%s is one line and exit code 2', async (_label, argv, message) => {
    const { code, out, err } = await run(argv)
    expect(err).toBe(`gauntlet: error GNT_USAGE: ${message}\n`)
    expect({ code, out }).toEqual({ code: 2, out: '' })
  })

  it('shows the help to who gives no command, and fails', async () => {
    const { code, out, err } = await run([])
    expect({ code, out }).toEqual({ code: 2, out: '' })
    expect(err).toContain('gauntlet paint <wall>')
    expect(err).toContain('no command given')
  })

  it('prints an error as one line with its own exit code, and its stack only with --debug', async () => {
    expect(await run(['paint', 'wet'])).toEqual({
      code: 3,
      out: '',
      err: 'gauntlet: error GNT_WORKER: the wall is wet (wet)\n',
    })
    const debug = await run(['paint', 'wet', '--debug'])
    expect(debug.code).toBe(3)
    expect(debug.err).toContain('run-cli.test.ts')
  })

  it('prints an error as JSON with --json', async () => {
    const { code, out, err } = await run(['paint', 'wet', '--json'])
    expect({ code, out }).toEqual({ code: 3, out: '' })
    expect(JSON.parse(err)).toEqual({
      error: {
        code: 'GNT_WORKER',
        message: 'the wall is wet (wet)',
        what: 'the wall is wet',
        where: 'wet',
      },
    })
    expect(JSON.parse((await run(['paint', '--json'])).err)).toMatchObject({
      error: { code: 'GNT_USAGE' },
    })
  })

  it('shows a bug with its stack and its cause', async () => {
    const { code, err } = await run(['paint', 'bug'])
    expect(code).toBe(1)
    expect(err).toContain('TypeError: no such brush')
    expect(err).toContain('caused by: Error: lost it')
    expect(err).toContain('report')
  })

  it('prints the version of package.json', async () => {
    expect(await run(['--version'])).toEqual({ code: 0, out: `${packageVersion()}\n`, err: '' })
  })

  it('speaks English, whatever the machine does', async () => {
    const { LC_ALL } = process.env
    process.env['LC_ALL'] = 'de_DE.UTF-8'
    try {
      expect((await run(['--help'])).out).toContain('Commands:')
    } finally {
      if (LC_ALL === undefined) delete process.env['LC_ALL']
      else process.env['LC_ALL'] = LC_ALL
    }
  })
})

describe('every command', () => {
  it.each(commands.map((command) => [command.name]))(
    '%s has help with an example',
    async (name) => {
      const { code, out, err } = await run([name, '--help'], [...commands])
      expect({ code, err }).toEqual({ code: 0, err: '' })
      expect(out).toContain('Examples:')
      expect(out).toContain(`  gauntlet ${name}`)
      for (const line of out.split('\n')) expect(line.length).toBeLessThanOrEqual(100)
    },
  )

  it('has a name of its own and stands in the help', async () => {
    const names = commands.map(({ name }) => name)
    expect(new Set(names).size).toBe(names.length)
    const { out } = await run(['--help'], [...commands])
    for (const name of names) expect(out).toContain(`gauntlet ${name}`)
  })
})
