import { GauntletError } from '../errors.js'
import { firstProblem } from '../util/schema-problem.js'
import { suiteSchema, type Suite, type SuiteInput } from './schema.js'

/**
 * Checks a suite and fills in its defaults.
 * @throws GauntletError GNT_CONFIG that names the field
 */
export function defineSuite(input: SuiteInput): Suite {
  const parsed = suiteSchema.safeParse(input)
  if (parsed.success) return parsed.data
  const { path, ...problem } = firstProblem(suiteSchema, input, parsed.error)
  const id = typeof input.id === 'string' ? input.id : 'without an id'
  throw new GauntletError('GNT_CONFIG', {
    ...problem,
    where: `suite ${id}${path ? `: ${path}` : ''}`,
  })
}
