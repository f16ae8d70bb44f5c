import { setTimeout as wait } from 'node:timers/promises'
import { attackedInput } from '../graph/passes/preprocess.js'
import type { ModelHandle, StepProgram } from '../model/handle.js'
import type { Feed, Session } from '../runtime/session.js'
import type { StepOptions } from '../step/compile.js'
import { distance } from '../threat/ball.js'
import type { ThreatModel } from '../threat/threat-model.js'

/** What passes through a model while an attack runs. */
export class Watch {
  /** Samples, not rows: what a call is filled up with costs nobody. */
  queries = 0
  gradients = 0
  /** How far the next points of a fused step lay outside: the worst of them, in words; null if none did. */
  stray: string | null = null
  #worst = 0
  readonly #threat: ThreatModel

  constructor(threat: ThreatModel) {
    this.#threat = threat
  }

  /** Calls that an attack left running, or begins after its end, are seen as well. */
  async settle(): Promise<void> {
    await wait(20)
  }

  /** The model, watched. */
  over(model: ModelHandle): ModelHandle {
    const step = async (options: StepOptions): Promise<StepProgram> => {
      const program = await model.step(options)
      return { ...program, session: this.#session(program.session) }
    }
    const direction: ModelHandle['direction'] = async (options) => {
      const program = await model.direction(options)
      return { ...program, session: this.#session(program.session) }
    }
    const scores: ModelHandle['scores'] = (x, n, batch) => {
      this.queries += n
      return model.scores(x, n, batch)
    }
    return replaced(model, { step, direction, scores })
  }

  #session(session: Session): Session {
    const run: Session['run'] = async (feeds, into) => {
      const samples = countOf(feeds[attackedInput]!)
      this.queries += samples
      this.gradients += samples
      const outputs = await session.run(feeds, into)
      const next = into?.['x_next'] ?? outputs['x_next']
      if (next) this.#look(feeds, next)
      return outputs
    }
    return replaced(session, { run })
  }

  /** A step's update is told the ball: as a box in L∞, as the clean sample else. */
  #look(feeds: Readonly<Record<string, Feed>>, next: Feed): void {
    const { norm, epsilon, bounds } = this.#threat
    const rows = next.dims[0]!
    const points = floatsOf(next)
    const size = points.length / rows
    // Rounding of float32 values near 1.
    const tiny = 1e-6 * Math.sqrt(size) + 1e-4 * epsilon
    const beyond = (excess: number, of: string): void => {
      if (excess <= Math.max(tiny, this.#worst)) return
      this.#worst = excess
      this.stray = `${excess.toPrecision(3)} outside the ${of}`
    }
    for (const value of points) beyond(Math.max(bounds[0] - value, value - bounds[1]), 'bounds')
    if (norm === 'linf') {
      const [lower, upper] = [floatsOf(feeds['lower']!), floatsOf(feeds['upper']!)]
      points.forEach((value, i) =>
        beyond(Math.max(lower[i]! - value, value - upper[i]!), 'ball of radius epsilon'),
      )
      return
    }
    const clean = floatsOf(feeds['x']!)
    for (let from = 0; from < points.length; from += size) {
      const row = (of: Float32Array): Float32Array => of.subarray(from, from + size)
      beyond(distance(norm, row(points), row(clean)) - epsilon, 'ball of radius epsilon')
    }
  }
}

const floatsOf = (feed: Feed): Float32Array => feed.data as Float32Array

/** A padded call repeats its first row, which random samples never do. */
function countOf(feed: Feed): number {
  const rows = feed.dims[0]!
  const data = floatsOf(feed)
  const size = data.length / rows
  const texts = Array.from({ length: rows }, (_, r) =>
    data.subarray(r * size, (r + 1) * size).join(),
  )
  return texts.filter((text, r) => r === 0 || text !== texts[0]).length
}

/** `target` with some methods replaced; private fields stay within reach of the others. */
function replaced<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(object, key) {
      if (key in methods) return methods[key as keyof T]
      const value: unknown = Reflect.get(object, key, object)
      return typeof value === 'function' ? value.bind(object) : value
    },
  })
}
