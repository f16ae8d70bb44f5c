import type { ModelHandle, StepProgram } from '../../src/model/handle.js'
import type { StepOptions } from '../../src/step/compile.js'
import type { Session } from '../../src/runtime/session.js'

/** Samples, not rows: what a call is filled up with costs nobody. */
export interface Counts {
  queries: number
  gradients: number
}

/**
 * The model, with every sample counted that passes through it. A padded call repeats its first row, which random
 * samples never do.
 */
export function counting(model: ModelHandle, counts: Counts): ModelHandle {
  const step = async (options: StepOptions): Promise<StepProgram> => {
    const program = await model.step(options)
    return { ...program, session: countingSession(program.session, counts) }
  }
  const direction: ModelHandle['direction'] = async (options) => {
    const program = await model.direction(options)
    return { ...program, session: countingSession(program.session, counts) }
  }
  const scores: ModelHandle['scores'] = (x, n, batch) => {
    counts.queries += n
    return model.scores(x, n, batch)
  }
  return wrapped(model, { step, direction, scores })
}

function countingSession(session: Session, counts: Counts): Session {
  const run: Session['run'] = (feeds, into) => {
    const { data, dims } = feeds['gauntlet_x']!
    const rows = Array.from({ length: dims[0]! }, (_, r) =>
      rowText(data as Float32Array, r, dims[0]!),
    )
    const samples = rows.filter((row, r) => r === 0 || row !== rows[0]).length
    counts.queries += samples
    counts.gradients += samples
    return session.run(feeds, into)
  }
  return wrapped(session, { run })
}

function rowText(data: Float32Array, row: number, rows: number): string {
  const size = data.length / rows
  return data.subarray(row * size, (row + 1) * size).join()
}

/** `target` with some methods replaced; private fields stay within reach of the others. */
function wrapped<T extends object>(target: T, methods: Partial<T>): T {
  return new Proxy(target, {
    get(object, key) {
      if (key in methods) return methods[key as keyof T]
      const value: unknown = Reflect.get(object, key, object)
      return typeof value === 'function' ? value.bind(object) : value
    },
  })
}
