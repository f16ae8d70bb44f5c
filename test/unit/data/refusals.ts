import { describe, expect, it } from 'vitest'
import type { DatasetSpec } from '../../../src/data/dataset.js'
import { loadDataset } from '../../../src/data/load.js'
import type { ErrorCode } from '../../../src/errors.js'
import { GauntletError } from '../../../src/errors.js'
import { tempFolder } from './build.js'

/** A data set that must be refused, and what the message must say. */
export interface Refusal {
  readonly label: string
  readonly file: string
  readonly bytes: Uint8Array | string
  readonly spec?: Partial<DatasetSpec>
  readonly says: RegExp
}

export async function failure(spec: DatasetSpec): Promise<GauntletError> {
  const error: unknown = await loadDataset(spec).then(
    () => undefined,
    (reason: unknown) => reason,
  )
  if (!(error instanceof GauntletError))
    throw new Error('expected a GauntletError', { cause: error })
  return error
}

export function describeRefusals(code: ErrorCode, cases: readonly Refusal[]): void {
  const folder = tempFolder()
  describe.each(cases)(`${code}: $label`, ({ file, bytes, spec, says }) => {
    it('is refused in one line', async () => {
      const error = await failure({ path: folder.write(file, bytes), ...spec })
      expect(error.message).toMatch(says)
      expect(error.message).not.toMatch(/\p{Cc}/u)
      expect(error.code).toBe(code)
      expect(error.exitCode).toBe(2)
    })
  })
}
