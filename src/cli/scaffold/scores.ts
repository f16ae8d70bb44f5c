/** Random search that reads scores only. */
export const scores = (name: string): string => `// ${name}.ts
import { defineAttack, type Sample } from 'gauntlet/plugin'
import { z } from 'zod'

/** What is known of a sample: the best point so far, and by how much it misses the goal. */
interface Best {
  readonly point: Float32Array
  gap: number
}

export default defineAttack({
  id: '${name}',
  version: 1, // raise it when the same parameters give other examples: results are kept by it
  title: 'One value at a time, by scores',
  source: 'Guo et al. 2019, arXiv:1905.07121, algorithm 1 with single values; steps of epsilon',
  kind: 'fixed-epsilon',
  needs: ['scores'],
  norms: ['linf'],
  goals: ['untargeted', 'targeted'],
  restarts: 1,
  params: z.object({
    queries: z.int().min(1).max(1_000_000).default(400).describe('points tried per sample'),
  }),
  label: ({ queries }) => \`${name}-\${queries}\`,
  async run(context, { queries }) {
    const { epsilon } = context.threat
    context.start('clean')
    await context.score()
    // Kept by id: a sample that falls leaves, and the rest moves up.
    const found = new Map<number, Best>()
    for (const sample of context.samples)
      found.set(sample.id, { point: sample.point.slice(), gap: gapOf(sample) })
    for (let query = 0; query < queries && context.living > 0; query++) {
      for (const { id, point, clean, rng } of context.samples) {
        point.set(found.get(id)!.point)
        const place = rng.below(context.sampleSize)
        point[place] = clean[place]! + (rng.uniform() < 0.5 ? -epsilon : epsilon)
      }
      await context.score()
      for (const sample of context.samples) {
        const best = found.get(sample.id)!
        const gap = gapOf(sample)
        if (gap >= best.gap) continue
        best.point.set(sample.point)
        best.gap = gap
      }
    }
  },
})

/** How far the goal is away, in scores. */
function gapOf({ scores, label, target }: Sample): number {
  const wanted = target < 0 ? label : target
  const others = scores.filter((_, k) => k !== wanted)
  const lead = scores[wanted]! - Math.max(...others)
  return target < 0 ? lead : -lead
}
`
