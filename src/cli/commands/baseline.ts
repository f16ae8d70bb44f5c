import { GauntletError } from '../../errors.js'
import { didYouMean } from '../../util/did-you-mean.js'
import { defineCommand } from '../command.js'
import { configOption } from '../options.js'
import { storeOption } from '../with-store.js'

export const baselineCommand = defineCommand({
  command: 'baseline [name] [version]',
  describe: 'Show the accepted baselines, or point one at a version of a run',
  examples: [
    ['gauntlet baseline', 'all baselines'],
    [
      'gauntlet baseline production v7 --note "released"',
      'v7 of the latest run is the baseline; use it as baseline:production',
    ],
  ],
  positionals: {
    name: { type: 'string', describe: 'name of the baseline' },
    version: { type: 'string', describe: 'version it shall point to' },
  },
  options: {
    run: {
      type: 'string',
      requiresArg: true,
      default: 'latest',
      describe: 'run the version belongs to',
    },
    note: { type: 'string', requiresArg: true, default: '', describe: 'why' },
    store: storeOption,
    config: configOption,
  },
  async run(args, io) {
    const { openConfiguredStore } = await import('../flows/configured-store.js')
    const { table } = await import('../table.js')
    await openConfiguredStore(args, io, async (store) => {
      const { name, version } = args
      if (name !== undefined && version !== undefined)
        await store.setBaseline(name, (await store.getRun(args.run)).id, version, args.note)
      const shown =
        name === undefined ? await store.listBaselines() : await store.baselineHistory(name)
      if (name !== undefined && shown.length === 0)
        throw unknownBaseline(
          name,
          (await store.listBaselines()).map((one) => one.name),
        )
      if (args.json) io.out(JSON.stringify(shown, null, 2))
      else if (shown.length === 0)
        io.out('no baseline yet: gauntlet baseline NAME VERSION sets one')
      else
        io.out(
          table(
            [
              ['baseline', 'version', 'run', 'since', 'note'],
              ...shown.map((one) => [one.name, one.version, one.runId, one.createdAt, one.note]),
            ],
            { width: io.columns },
          ),
        )
    })
  },
})

function unknownBaseline(name: string, known: readonly string[]): GauntletError {
  const near = didYouMean(name, known)
  return new GauntletError('GNT_STORE_NOT_FOUND', {
    what: 'no such baseline in the store',
    got: name,
    expected: known.join(', ') || undefined,
    fix: near ? `did you mean ${near}?` : `gauntlet baseline ${name} VERSION sets it`,
  })
}
