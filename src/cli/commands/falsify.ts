import { GauntletError } from '../../errors.js'
import { defineCommand } from '../command.js'
import type { Io } from '../io.js'
import { seconds, wholeNumber } from '../options.js'

/** Seconds, where nothing says otherwise. */
const defaultTimeout = 60

export const falsifyCommand = defineCommand({
  command: 'falsify [model] [property]',
  describe: 'Search for a counterexample of a VNN-LIB property',
  examples: [
    ['gauntlet falsify net.onnx property.vnnlib', 'sat and a witness, or unknown; never unsat'],
    [
      'gauntlet falsify net.onnx property.vnnlib.gz --timeout 10 -o witness.txt',
      'keep the witness',
    ],
    [
      'gauntlet falsify --instances instances.csv --timeout 5 --workers 2',
      'a table of results; with --json one line each: {"id", "result", "seconds"}, of an error "reason"',
    ],
  ],
  positionals: {
    model: { type: 'string', describe: 'ONNX file, of one float32 input and output' },
    property: { type: 'string', describe: 'VNN-LIB 1.0 file, plain or gzip' },
  },
  options: {
    instances: {
      type: 'string',
      requiresArg: true,
      describe: 'CSV with columns onnx, vnnlib, and maybe id and timeout_s; or without a header',
    },
    timeout: {
      type: 'number',
      requiresArg: true,
      coerce: seconds('timeout'),
      describe: `seconds for a property (default: ${defaultTimeout}, or as the list says)`,
    },
    workers: {
      type: 'number',
      requiresArg: true,
      coerce: wholeNumber('workers', { min: 1, max: 256 }),
      describe: 'worker processes for --instances (default: one a core, at most 8)',
    },
    seed: {
      type: 'number',
      requiresArg: true,
      default: 1,
      coerce: wholeNumber('seed'),
      describe: 'seed of every random draw',
    },
    out: {
      alias: 'o',
      type: 'string',
      requiresArg: true,
      describe: 'file for the answer and its witness; with --instances a folder for ID.txt each',
    },
  },
  async run({ model, property, instances, timeout, workers, seed, out, json }, io) {
    if (instances !== undefined) {
      refuseFiles(model)
      const { falsifyBatch, printBatch, printInterrupted } =
        await import('../flows/falsify-batch.js')
      const { defaultWorkers } = await import('../../config/schema.js')
      const timeoutMs = timeout === undefined ? undefined : timeout * 1000
      const batch = await falsifyBatch(
        {
          instances,
          timeoutMs,
          defaultTimeoutMs: defaultTimeout * 1000,
          workers: workers ?? defaultWorkers(),
          seed,
          out,
        },
        io,
        (result) => {
          if (json) io.out(JSON.stringify(result))
        },
      )
      if (!json) printBatch(batch, io)
      printInterrupted(batch, io)
      return
    }
    if (model === undefined || property === undefined)
      throw new GauntletError('GNT_USAGE', {
        what: model === undefined ? 'missing MODEL and PROPERTY' : 'missing PROPERTY',
        fix: 'name both, or a list with --instances; see gauntlet falsify --help',
      })
    if (workers !== undefined)
      throw new GauntletError('GNT_USAGE', {
        what: '--workers is for --instances only',
        fix: 'leave it out',
      })
    await falsifyFiles({ model, property, timeout: timeout ?? defaultTimeout, seed, out, json }, io)
  },
})

interface FileArgs {
  readonly model: string
  readonly property: string
  readonly timeout: number
  readonly seed: number
  readonly out: string | undefined
  readonly json: boolean
}

async function falsifyFiles({ timeout, json, ...args }: FileArgs, io: Io): Promise<void> {
  const { falsifyOnce } = await import('../flows/falsify-once.js')
  const { witnessText } = await import('../../property/witness.js')
  const {
    result,
    witness,
    seconds: taken,
    notes,
  } = await falsifyOnce({ ...args, timeoutMs: timeout * 1000 }, io)
  for (const note of notes) io.err(`note: ${note}`)
  if (json) {
    const point = witness ? { x: [...witness.x], y: [...witness.y] } : null
    io.out(JSON.stringify({ result, seconds: taken, witness: point }))
  } else io.out(witness ? witnessText(witness) : result)
}

function refuseFiles(model: string | undefined): void {
  if (model !== undefined)
    throw new GauntletError('GNT_USAGE', {
      what: '--instances names its networks and properties itself',
      got: model,
      fix: 'leave one of them out',
    })
}
