import { resolve } from 'node:path'
import { GauntletError } from '../../errors.js'
import { Falsifier, type FalsifyResult } from '../../falsify/falsify.js'
import { witnessText } from '../../property/witness.js'
import { interruptible } from '../interrupt.js'
import type { Io } from '../io.js'
import { checkFileWritable, checkOverwrites, writeWhole } from './writable.js'

export interface FalsifyOnceArgs {
  readonly model: string
  readonly property: string
  readonly timeoutMs: number
  readonly seed: number
  /** File for the witness. */
  readonly out?: string | undefined
}

const unwritable = 'the witness cannot be written'

/** One property of one network, in this process. The answer is written with its witness, if there is one. */
export async function falsifyOnce(args: FalsifyOnceArgs, io: Io): Promise<FalsifyResult> {
  const model = resolve(io.cwd, args.model)
  const property = resolve(io.cwd, args.property)
  const out = args.out === undefined ? undefined : resolve(io.cwd, args.out)
  if (out !== undefined) {
    await checkOverwrites('--out', out, 'what is read', [model, property])
    await checkFileWritable(out, unwritable)
  }
  const { timeoutMs, seed } = args
  const result = await interruptible(io, async (signal) => {
    const falsifier = new Falsifier(() => signal.aborted)
    try {
      return await falsifier.run({ model, property, timeoutMs, seed })
    } catch (error) {
      if (!(error instanceof GauntletError) || error.code !== 'GNT_INTERRUPTED') throw error
      const detail = { what: 'interrupted before an answer; nothing was written' }
      throw new GauntletError('GNT_INTERRUPTED', detail, { cause: error })
    } finally {
      await falsifier.close()
    }
  })
  // An answer without a witness is written too: an older file would speak of something else.
  if (out !== undefined) await writeWhole(out, `${answerText(result)}\n`, unwritable)
  return result
}

/** The answer as the competition writes it. */
export const answerText = ({
  result,
  witness,
}: Pick<FalsifyResult, 'result' | 'witness'>): string => (witness ? witnessText(witness) : result)
