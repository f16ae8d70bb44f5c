import type { PoisonRegistry } from '../../poison/registry.js'
import { formatRate } from '../../stats/format.js'
import type { Suite } from '../../suite/schema.js'
import { formatEpsilon, normLabels } from '../../threat/threat-model.js'
import { defineCommand } from '../command.js'
import type { Harness } from '../compose.js'
import type { Io } from '../io.js'
import { paint, table } from '../table.js'

export const suitesCommand = defineCommand({
  command: 'suites [id]',
  describe: 'List the suites, or what is in one',
  examples: [
    ['gauntlet suites', 'all suites'],
    ['gauntlet suites standard', 'attacks and threats of standard'],
  ],
  positionals: { id: { type: 'string', describe: 'suite to show' } },
  async run({ id, json }, io) {
    const { createHarness } = await import('../compose.js')
    const { suites, attacks, poisons } = createHarness()
    const found = id === undefined ? suites.all : [suites.get(id)]
    if (json) io.out(JSON.stringify(id === undefined ? found : found[0], null, 2))
    else if (id === undefined) printAll(found, io)
    else for (const suite of found) printOne(suite, { attacks, poisons }, io)
  },
})

function printAll(suites: readonly Suite[], io: Io): void {
  const rows = suites.map((suite) => [
    suite.id,
    String(suite.attacks.length * threatTexts(suite).length + rateTexts(suite).length),
    `${suite.title}. ${suite.describe}`,
  ])
  io.out(
    table([['id', 'checks', 'about'], ...rows], {
      width: io.columns,
      decorate: (text, row) => (row === 0 ? paint(io.color, 'dim', text) : text),
    }),
  )
}

function printOne(
  suite: Suite,
  { attacks, poisons }: Pick<Harness, 'attacks' | 'poisons'>,
  io: Io,
): void {
  const list = suite.attacks.map(({ use, params, restarts }) => {
    const spec = attacks.specify(use, params, restarts)
    return spec.restarts === 1 ? spec.label : `${spec.label} (${spec.restarts} restarts)`
  })
  io.out(paint(io.color, 'bold', `${suite.id}: ${suite.title}`))
  io.out(
    table(
      [
        ['for', suite.describe],
        ['attacks', list.join(', ')],
        ['threats', threatTexts(suite).join(', ')],
        ['poisons', rateTexts(suite, poisons).join(', ')],
        ['detectors', suite.detectors.map(detectorText).join(', ')],
        ['gate', suite.gate.map((rule) => rule.id).join(', ') || 'no rules of its own'],
      ].filter(([, value]) => value !== ''),
      {
        width: io.columns,
        decorate: (text, _row, column) => (column === 0 ? paint(io.color, 'dim', text) : text),
      },
    ),
  )
}

/** One for each poison and rate. */
function rateTexts({ poisons }: Suite, registry?: PoisonRegistry): string[] {
  return poisons.flatMap(({ use, params, rates, trials }) => {
    const label = registry?.specify(use, params).label ?? use
    return rates.map((rate) => `${label} at ${formatRate(rate)} (${trials} trials)`)
  })
}

const detectorText = (one: Suite['detectors'][number]): string =>
  typeof one === 'string' ? one : one.use

function threatTexts(suite: Suite): string[] {
  return suite.threats.flatMap(({ norm, epsilon, goal, features, quantize }) =>
    epsilon.map((radius) => {
      const target = goal === 'untargeted' ? '' : ` to class ${goal.target}`
      const bits = quantize === undefined ? '' : `, ${quantize}-bit`
      return `${normLabels[norm]} ${formatEpsilon(radius)}${features ? ', features' : ''}${bits}${target}`
    }),
  )
}
