import { defineCommand } from '../command.js'
import { wholeNumber } from '../options.js'

export const demoCommand = defineCommand({
  command: 'demo',
  describe: 'Attack two versions of a small model that comes along; under a minute',
  examples: [
    ['gauntlet demo', 'models, data and report in ./gauntlet-demo'],
    ['gauntlet demo --out /tmp/try --workers 1', 'elsewhere, with one worker'],
  ],
  options: {
    out: {
      type: 'string',
      requiresArg: true,
      default: 'gauntlet-demo',
      describe: 'folder for the demo',
    },
    workers: {
      type: 'number',
      requiresArg: true,
      coerce: wholeNumber('workers', { min: 1, max: 256 }),
      describe: 'worker threads (default: one a core, at most 8)',
    },
  },
  async run(args, io) {
    const { runDemo } = await import('../flows/demo.js')
    await runDemo({ out: args.out, workers: args.workers, json: args.json }, io)
  },
})
