import type { AttackResult } from '../../attack/job.js'
import type { Bench, Samples } from '../bench.js'
import { memo } from '../measure.js'

const samples = 64

interface Attacked extends AttackResult {
  readonly all: Samples
  readonly params: Readonly<Record<string, unknown>>
  readonly label: string
  readonly standing: Samples
  readonly fallen: readonly number[]
}

const done = new WeakMap<Bench, () => Promise<Attacked>>()

/** The attack with its defaults at the run's epsilon: what several probes compare with, run once for each bench. */
export function sharedAttack(bench: Bench): Promise<Attacked> {
  if (!done.has(bench))
    done.set(
      bench,
      memo(() => run(bench)),
    )
  return done.get(bench)!()
}

async function run(bench: Bench): Promise<Attacked> {
  const all = await bench.right(samples)
  const { attack } = bench.job
  const params = attack.params.parse({}) as Readonly<Record<string, unknown>>
  const result = await bench.attack(all, params, { threat: bench.threat()! })
  const fallen = Array.from(all.ids.keys()).filter((i) => result.outcomes[i]!.success)
  const standing = bench.take(all.ids.filter((_, i) => !result.outcomes[i]!.success))
  return { ...result, all, params, label: attack.label(params), standing, fallen }
}
