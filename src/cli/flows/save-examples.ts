import { takeSamples, type Dataset } from '../../data/dataset.js'
import { writeNpz } from '../../data/npz-write.js'
import { GauntletError } from '../../errors.js'
import type { Example, Outcome } from '../../plan/task.js'
import { checkFileWritable, writeWhole } from './writable.js'

const what = 'the examples cannot be written'

/**
 * Refuses a target of `--save` before the attack, which may take hours.
 *
 * @param inputs - files that the attack reads
 * @throws GauntletError GNT_USAGE, GNT_FILE
 */
export async function checkSaveTarget(path: string, inputs: readonly string[]): Promise<void> {
  if (!path.toLowerCase().endsWith('.npz'))
    throw new GauntletError('GNT_USAGE', {
      what: 'wrong value',
      where: '--save',
      got: path,
      expected: 'a file name that ends in .npz',
    })
  if (inputs.includes(path))
    throw new GauntletError('GNT_USAGE', {
      what: '--save would overwrite the data',
      where: path,
      fix: 'choose another file',
    })
  await checkFileWritable(path, what)
}

/** One file with all samples in order; it appears whole or not at all. */
export async function saveExamples(
  path: string,
  dataset: Dataset,
  outcomes: readonly Outcome[],
  examples: readonly Example[],
): Promise<void> {
  const x = takeSamples(
    dataset,
    outcomes.map((outcome) => outcome.sample),
  )
  const xAdv = x.slice()
  const size = x.length / outcomes.length
  const row = new Map(outcomes.map((outcome, i) => [outcome.sample, i]))
  for (const example of examples) xAdv.set(example.xAdv, row.get(example.sample)! * size)
  const shape = [outcomes.length, ...dataset.shape]
  const bytes = writeNpz({
    x_adv: { shape, data: xAdv },
    x: { shape, data: x },
    y: { shape: [outcomes.length], data: Int32Array.from(outcomes, (outcome) => outcome.label) },
    success: {
      shape: [outcomes.length],
      data: Uint8Array.from(outcomes, (outcome) => (outcome.success ? 1 : 0)),
      dtype: 'bool',
    },
  })
  await writeWhole(path, bytes, what)
}
