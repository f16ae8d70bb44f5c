import { describeParameters } from '../../attack/parameters.js'
import type { AttackPlugin } from '../../attack/types.js'
import { GauntletError } from '../../errors.js'
import type { PoisonPlugin } from '../../poison/types.js'
import { didYouMean } from '../../util/did-you-mean.js'
import { defineCommand } from '../command.js'
import type { Io } from '../io.js'
import { paint, table } from '../table.js'

export const attacksCommand = defineCommand({
  command: 'attacks [id]',
  describe: 'List the attacks and the poisons, or the parameters of one',
  examples: [
    ['gauntlet attacks', 'all attacks on a model, and all poisons of its training data'],
    ['gauntlet attacks pgd', 'parameters of pgd with type and default'],
    ['gauntlet attacks --kind poison', 'poisons alone'],
  ],
  positionals: { id: { type: 'string', describe: 'attack or poison to show' } },
  options: {
    kind: {
      choices: ['evasion', 'poison'] as const,
      requiresArg: true,
      describe: 'only these (default both)',
    },
  },
  async run({ id, json, kind }, io) {
    const { createHarness } = await import('../compose.js')
    const { attacks, poisons } = createHarness()
    const evasion = kind === 'poison' ? [] : attacks.all
    const poisoning = kind === 'evasion' ? [] : poisons.all
    if (id === undefined) {
      if (json) {
        const all = [...evasion.map(describeAttack), ...poisoning.map(describePoison)]
        io.out(JSON.stringify(all, null, 2))
      } else printAll(evasion, poisoning, io)
      return
    }
    const [attack, poison] = [evasion, poisoning].map((list) => list.find((one) => one.id === id))
    const found = attack
      ? describeAttack(attack as AttackPlugin)
      : poison
        ? describePoison(poison as PoisonPlugin)
        : unknown(id, [...evasion, ...poisoning])
    if (json) io.out(JSON.stringify(found, null, 2))
    else printOne(found, io)
  },
})

type Described = ReturnType<typeof describeAttack> | ReturnType<typeof describePoison>

function describeAttack(plugin: AttackPlugin) {
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

function describePoison(plugin: PoisonPlugin) {
  const { id, version, title, source, atlas, goal, labels, from, needs } = plugin
  return {
    id,
    version,
    title,
    source,
    atlas,
    kind: 'poison' as const,
    goal,
    labels,
    from,
    needs,
    parameters: describeParameters(plugin),
  }
}

function unknown(id: string, plugins: readonly { readonly id: string }[]): never {
  const near = didYouMean(
    id,
    plugins.map((one) => one.id),
  )
  throw new GauntletError('GNT_ATTACK_UNKNOWN', {
    what: `no attack or poison is called ${id}`,
    expected: `one of ${plugins.length}`,
    fix: near ? `did you mean ${near}?` : 'see gauntlet attacks',
  })
}

function printAll(
  attacks: readonly AttackPlugin[],
  poisons: readonly PoisonPlugin[],
  io: Io,
): void {
  const blocks: string[] = []
  const show = (head: string[], rows: string[][]): void => {
    if (rows.length === 0) return
    const decorate = (text: string, row: number): string =>
      row === 0 ? paint(io.color, 'dim', text) : text
    blocks.push(table([head, ...rows], { width: io.columns, decorate }))
  }
  show(
    ['id', 'needs', 'norms', 'targeted', 'title'],
    attacks.map(({ id, title, needs, norms, goals }) => [
      id,
      needs.join(', '),
      norms.join(', '),
      goals.includes('targeted') ? 'yes' : 'no',
      title,
    ]),
  )
  show(
    ['poison', 'goal', 'labels', 'surrogate', 'title'],
    poisons.map(({ id, title, goal, labels, needs }) => [
      id,
      goal,
      labels,
      needs.includes('surrogate') ? 'yes' : 'no',
      title,
    ]),
  )
  io.out(blocks.join('\n\n'))
}

/** What a poison changes, in words. */
const changes = {
  any: 'any class',
  source: 'the source class',
  target: 'the target class',
  notTarget: 'any class but the target',
} as const

function printOne(described: Described, io: Io): void {
  const { id, title, source, atlas, kind, needs, parameters } = described
  const facts = [
    ['source', source],
    ['technique', atlas === undefined ? '' : `MITRE ATLAS ${atlas}`],
    ['kind', kind],
    ['needs', needs.join(', ')],
    ...('norms' in described
      ? [
          ['norms', described.norms.join(', ')],
          ['goals', described.goals.join(', ')],
          ['restarts', String(described.restarts)],
        ]
      : [
          ['goal', described.goal],
          ['labels', described.labels],
          ['changes', `samples of ${changes[described.from]}`],
        ]),
  ].filter(([, value]) => value !== '') as string[][]
  io.out(paint(io.color, 'bold', `${id}: ${title}`))
  io.out(
    table(facts, {
      width: io.columns,
      decorate: (text, _row, column) => (column === 0 ? paint(io.color, 'dim', text) : text),
    }),
  )
  const rows = parameters.map((one) => [
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
