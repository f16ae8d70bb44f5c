import { GauntletError } from '../errors.js'

/** What is wrong with an attack, in one line. */
class Flaw extends Error {
  override readonly name = 'Flaw'
}

/** @param otherwise - what to say if it does not hold: one line, with numbers */
export function expectThat(holds: boolean, otherwise: () => string): asserts holds {
  if (!holds) throw new Flaw(otherwise())
}

/** The one line of an error that a check ended with. */
export function flawOf(error: unknown): string {
  if (error instanceof Flaw) return error.message
  if (error instanceof GauntletError) return `${error.code}: ${error.message}`
  const [text = ''] = (error instanceof Error ? String(error) : `it threw ${String(error)}`).split(
    '\n',
  )
  return text
}
