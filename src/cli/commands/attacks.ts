import { describeParameters } from '../../attack/parameters.js'
import type { AttackPlugin } from '../../attack/types.js'
import { defineCommand } from '../command.js'
import type { Io } from '../io.js'
import { paint, table } from '../table.js'

export const attacksCommand = defineCommand({
  command: 'attacks [id]',
  describe: 'List the attacks, or the parameters of one',
  examples: [
    ['gauntlet attacks', 'all attacks, and where they work'],
    ['gauntlet attacks pgd', 'parameters of pgd with type and default'],
  ],
  positionals: { id: { type: 'string', describe: 'attack to show' } },
  async run({ id, json }, io) {
    const { createHarness } = await import('../compose.js')
    const { attacks } = createHarness()
    const found = id === undefined ? attacks.all : [attacks.get(id)]
    if (json)
      io.out(JSON.stringify(id === undefined ? found.map(describe) : describe(found[0]!), null, 2))
    else if (id === undefined) printAll(found, io)
    else printOne(found[0]!, io)
  },
})

function describe(plugin: AttackPlugin) {
  const { id, version, title, source, atlas, kind, needs, norms, goals, restarts } = plugin
  return {
    id,
    version,
    title,
    source,
    atlas,
    kind,
    needs,
    norms,
    goals,
    restarts,
    parameters: describeParameters(plugin),
  }
}

function printAll(plugins: readonly AttackPlugin[], io: Io): void {
  const rows = plugins.map(({ id, title, needs, norms, goals }) => [
    id,
    needs.join(', '),
    norms.join(', '),
    goals.includes('targeted') ? 'yes' : 'no',
    title,
  ])
  io.out(
    table([['id', 'needs', 'norms', 'targeted', 'title'], ...rows], {
      width: io.columns,
      decorate: (text, row) => (row === 0 ? paint(io.color, 'dim', text) : text),
    }),
  )
}

function printOne(plugin: AttackPlugin, io: Io): void {
  const { id, title, source, atlas, kind, needs, norms, goals, restarts } = plugin
  const facts = [
    ['source', source],
    ['technique', atlas === undefined ? '' : `MITRE ATLAS ${atlas}`],
    ['kind', kind],
    ['needs', needs.join(', ')],
    ['norms', norms.join(', ')],
    ['goals', goals.join(', ')],
    ['restarts', String(restarts)],
  ].filter(([, value]) => value !== '')
  io.out(paint(io.color, 'bold', `${id}: ${title}`))
  io.out(
    table(facts, {
      width: io.columns,
      decorate: (text, _row, column) => (column === 0 ? paint(io.color, 'dim', text) : text),
    }),
  )
  const rows = describeParameters(plugin).map((one) => [
    one.name,
    one.type,
    one.default === undefined ? '-' : String(one.default),
    one.describe,
  ])
  io.out('')
  if (rows.length === 0) io.out('no parameters')
  else
    io.out(
      table([['parameter', 'type', 'default', 'meaning'], ...rows], {
        width: io.columns,
        decorate: (text, row) => (row === 0 ? paint(io.color, 'dim', text) : text),
      }),
    )
}
