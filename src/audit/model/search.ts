import type { Feed, Session } from '../../runtime/session.js'
import { createRng } from '../../util/rng.js'
import { shuffle } from '../../util/shuffle.js'
import type { AuditSamples, FoundTrigger, SearchJob } from './types.js'

/** What is optimised of one search, and when it has ended. */
export interface SearchState {
  readonly job: SearchJob
  /** What the graph of the form is fed for this search: one row each. */
  readonly rows: Readonly<Record<string, Float32Array>>
  /**
   * Takes what a step found of the trigger that it started from. `rows` holds that trigger still, and is overwritten
   * with the next one afterwards.
   * @returns whether the search goes on
   */
  observe(found: { readonly success: number; readonly size: number }): boolean
  finish(): FoundTrigger
}

export interface SearchSettings {
  /** Samples of a search in one step. */
  readonly batch: number
  /** Scalars of step `step`, from 0. */
  scalars(step: number): Readonly<Record<string, number>>
}

/**
 * Runs searches of one form side by side until each has ended. What a search draws depends on its own seed and target
 * alone; those that have ended leave the batch.
 *
 * @param session - of a graph of `compileTrigger`
 * @throws GNT_MODEL_RUN; whatever `onStep` throws
 */
export async function runSearches(
  session: Session,
  samples: AuditSamples,
  states: readonly SearchState[],
  settings: SearchSettings,
  onStep: () => void = () => {},
): Promise<FoundTrigger[]> {
  const draws = new Map(states.map((state) => [state, drawing(state.job)]))
  let living = [...states]
  for (let step = 0; living.length > 0; step++) {
    onStep()
    const feeds = feedsOf(living, samples, settings, step, draws)
    const out = await session.run(feeds)
    const goesOn = living.map((state, i) =>
      state.observe({ success: at(out, 'success', i), size: at(out, 'size', i) }),
    )
    living.forEach((state, i) => {
      for (const [name, row] of Object.entries(state.rows)) {
        const next = out[`next/${name}`]?.data as Float32Array | undefined
        if (next) row.set(next.subarray(i * row.length, (i + 1) * row.length))
      }
    })
    living = living.filter((_, i) => goesOn[i])
  }
  return states.map((state) => state.finish())
}

function feedsOf(
  living: readonly SearchState[],
  samples: AuditSamples,
  { batch, scalars }: SearchSettings,
  step: number,
  draws: ReadonlyMap<SearchState, () => number>,
): Record<string, Feed> {
  const { x, shape, count } = samples
  const size = x.length / count
  const drawn = new Float32Array(living.length * batch * size)
  living.forEach((state, i) => {
    const draw = draws.get(state)!
    for (let b = 0; b < batch; b++) {
      const row = draw()
      drawn.set(x.subarray(row * size, (row + 1) * size), (i * batch + b) * size)
    }
  })
  const targets = BigInt64Array.from(living, ({ job }) => BigInt(job.target))
  return {
    samples: { dtype: 'float32', dims: [living.length, batch, ...shape], data: drawn },
    targets: { dtype: 'int64', dims: [living.length], data: targets },
    ...stacked(living, shape),
    ...Object.fromEntries(
      Object.entries(scalars(step)).map(([name, value]) => [
        name,
        { dtype: 'float32' as const, dims: [], data: Float32Array.of(value) },
      ]),
    ),
  }
}

/** The rows of all searches, one under another. A single number is a scalar of each. */
function stacked(living: readonly SearchState[], shape: readonly number[]): Record<string, Feed> {
  const names = Object.keys(living[0]?.rows ?? {})
  const size = shape.reduce((a, b) => a * b, 1)
  return Object.fromEntries(
    names.map((name) => {
      const width = living[0]!.rows[name]!.length
      const data = new Float32Array(living.length * width)
      living.forEach(({ rows }, i) => data.set(rows[name]!, i * width))
      const rest = isPerSearch(name) ? [] : width === size ? shape : [1, ...shape.slice(1)]
      return [name, { dtype: 'float32' as const, dims: [living.length, ...rest], data }]
    }),
  )
}

const isPerSearch = (name: string): boolean => name === 'penalty' || name === 'radius'

const at = (out: Readonly<Record<string, Feed>>, name: string, i: number): number =>
  Number(out[name]?.data[i] ?? NaN)

/** The sources in random order, again and again. */
function drawing({ form, target, seed, sources }: SearchJob): () => number {
  const rng = createRng('trigger', form, seed, target)
  let order: number[] = []
  return () => {
    if (order.length === 0) order = shuffle([...sources], rng)
    return order.pop()!
  }
}
