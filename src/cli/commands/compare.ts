import { defineCommand } from '../command.js'
import { configOption } from '../options.js'
import { storeOption } from '../with-store.js'

export const compareCommand = defineCommand({
  command: 'compare <baseline> <candidate>',
  describe: 'Compare two versions on the same samples; never fails',
  examples: [
    ['gauntlet compare v1 v2', 'two versions of the latest run'],
    [
      'gauntlet compare 20250101/v1 20250301/v3',
      'versions of two runs, each by the start of its id',
    ],
  ],
  positionals: {
    baseline: { type: 'string', demandOption: true, describe: 'version, or RUN/version' },
    candidate: { type: 'string', demandOption: true, describe: 'version, or RUN/version' },
  },
  options: {
    run: {
      type: 'string',
      requiresArg: true,
      default: 'latest',
      describe: 'run that a bare version belongs to',
    },
    store: storeOption,
    config: configOption,
  },
  async run(args, io) {
    const { openConfiguredStore } = await import('../flows/configured-store.js')
    const { comparePair } = await import('../flows/compare-pair.js')
    const report = await openConfiguredStore(args, io, async (store) =>
      comparePair(store, args.run, args.baseline, args.candidate),
    )
    if (args.json) {
      const { comparisons, versions, poisoning } = report
      io.out(
        JSON.stringify({ versions, comparisons, ...(poisoning ? { poisoning } : {}) }, null, 2),
      )
      return
    }
    const { renderConsole } = await import('../../../reports/console.js')
    io.out(renderConsole(report, { color: io.color, width: io.columns, maxLines: Infinity }))
  },
})
