import { GauntletError } from '../errors.js'

/**
 * The same error, said to be at `place` too: the compiler knows the node, its caller the file.
 * What is no GauntletError, or says so already, is returned as it is.
 */
export function located(error: unknown, place: string): unknown {
  if (!(error instanceof GauntletError)) return error
  const { code, detail } = error
  if (code === 'GNT_INTERRUPTED' || detail.where?.includes(place)) return error
  const where = detail.where ? `${place}, ${detail.where}` : place
  return new GauntletError(code, { ...detail, where }, { cause: error })
}
