import type { AttackContext, Sample } from '../../../src/plugin.js'

/** What one sample goes through: it writes a point, yields to have it scored, and goes on with the answer. */
export type Course = Generator<undefined, void, undefined>

/**
 * Lets each sample follow its own course, all in step: one query each, then the next. A course that ends early has its
 * last point scored again, so that what a sample costs does not depend on the others.
 */
export async function follow(
  context: AttackContext,
  queries: number,
  courseOf: (sample: Sample) => Course,
): Promise<void> {
  const courses = new Map(context.samples.map((sample) => [sample.id, courseOf(sample)]))
  for (let query = 0; query < queries && context.living > 0; query++) {
    for (const { id } of context.samples) courses.get(id)!.next()
    await context.score()
  }
}
