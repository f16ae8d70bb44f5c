import { GauntletError } from '../../errors.js'
import { defineCommand } from '../command.js'
import type { Io } from '../io.js'
import { configOption, positiveNumber, text } from '../options.js'
import { scaffoldKinds } from '../scaffold/kinds.js'
import { paint, table } from '../table.js'

/** Options that say something about one of the uses only. */
const ownOptions = {
  list: ['config'],
  new: ['folder', 'kind'],
  test: ['param', 'reach'],
} as const

export const pluginsCommand = defineCommand({
  command: 'plugins [what] [target]',
  describe: 'List the attacks of your own; write a new one; test one',
  examples: [
    ['gauntlet plugins', 'those that the configuration names'],
    ['gauntlet plugins new sign-walk', 'writes sign-walk.ts, an attack, and sign-walk.test.mjs'],
    ['gauntlet plugins new sign-walk --kind fused', 'its update compiled into the step, as PGD is'],
    [
      'gauntlet plugins test sign-walk.ts',
      'the conformance suite; exit 0 if all holds, 10 if anything fails',
    ],
    ['gauntlet plugins test gauntlet-attack-x --param steps=10 --json', 'those of an npm package'],
  ],
  positionals: {
    what: { choices: ['new', 'test'] as const, describe: 'what to do (default: list)' },
    target: { type: 'string', describe: 'new: a name; test: a module or an npm package' },
  },
  options: {
    folder: text('new: where to write it (default: this folder)'),
    kind: {
      choices: scaffoldKinds,
      requiresArg: true,
      describe: 'new: what it works with (default gradient-arrays)',
    },
    param: {
      type: 'array',
      string: true,
      requiresArg: true,
      describe: "test: other than the attack's own: --param steps=10; may be repeated",
    },
    reach: {
      type: 'number',
      requiresArg: true,
      coerce: positiveNumber('reach'),
      describe:
        'test: at how many times the least epsilon a linear model must fall (default 1.05 with gradients, 2 with scores, 3 with labels)',
    },
    config: configOption,
  },
  async run(args, io) {
    const { what, target, json } = args
    refuseOthers(what ?? 'list', args)
    if (what === undefined) return await list(args.config, io, json)
    if (target === undefined)
      throw new GauntletError('GNT_USAGE', {
        what: what === 'new' ? 'missing NAME' : 'missing FILE',
        fix: 'see gauntlet plugins --help',
      })
    if (what === 'new') {
      const { newPlugin } = await import('../flows/new-plugin.js')
      const { folder = '.', kind = 'gradient-arrays' } = args
      const [attack, test] = await newPlugin({ name: target, folder, kind }, io.cwd)
      if (json) return io.out(JSON.stringify({ attack, test, kind }))
      io.out(`wrote ${attack} and ${test}`)
      return io.out(
        `next: gauntlet plugins test ${attack}, then plugins: [${attack}] in the configuration`,
      )
    }
    const [{ testPlugin }, { readParams }] = await Promise.all([
      import('../flows/test-plugin.js'),
      import('../flows/params.js'),
    ])
    const { param, reach } = args
    await testPlugin(target, { ...(param ? { params: readParams(param) } : {}), reach }, io, json)
  },
})

function refuseOthers(
  what: keyof typeof ownOptions,
  args: Readonly<Record<string, unknown>>,
): void {
  const own: readonly string[] = ownOptions[what]
  const other = Object.values(ownOptions)
    .flat()
    .find((name) => args[name] !== undefined && !own.includes(name))
  if (other === undefined) return
  throw new GauntletError('GNT_USAGE', {
    what: `--${other} means nothing here`,
    where: what === 'list' ? 'gauntlet plugins' : `gauntlet plugins ${what}`,
    fix: 'see gauntlet plugins --help',
  })
}

/** The attacks and poisons that the configuration's plugins hold. No configuration is fine where none was asked for. */
async function list(path: string | undefined, io: Io, json: boolean): Promise<void> {
  const [{ findConfigs, loadConfig }, { loadPlugins }] = await Promise.all([
    import('../../config/load.js'),
    import('../../config/load-plugins.js'),
  ])
  const isThere = path !== undefined || (await findConfigs(io.cwd)).length > 0
  const names = isThere ? (await loadConfig(path, io.cwd)).config.plugins : []
  const { attacks: found, poisons } = await loadPlugins(names, io.cwd)
  if (json) {
    const rows = found.map(({ id, title, kind, needs, norms, goals }) => {
      return { id, title, kind, needs, norms, goals }
    })
    const more = poisons.map(({ id, title, goal, labels, from, needs }) => {
      return { id, title, kind: 'poison', goal, labels, from, needs }
    })
    return io.out(JSON.stringify([...rows, ...more], null, 2))
  }
  if (found.length + poisons.length > 0)
    io.out(
      table(
        [
          ['id', 'kind', 'needs', 'norms', 'goals', 'title'],
          ...found.map(({ id, kind, needs, norms, goals, title }) => [
            id,
            kind,
            needs.join(', '),
            norms.join(', '),
            goals.join(', '),
            title,
          ]),
          ...poisons.map(({ id, goal, needs, title }) => [
            id,
            'poison',
            needs.join(', '),
            '',
            goal,
            title,
          ]),
        ],
        {
          width: io.columns,
          decorate: (cell, row) => (row === 0 ? paint(io.color, 'dim', cell) : cell),
        },
      ),
    )
  else
    io.out(
      isThere ? 'the configuration names no plugins' : 'no plugins: there is no configuration here',
    )
  io.out('gauntlet plugins new NAME writes an attack, gauntlet plugins test FILE tests one')
}
