import type { Graph } from '../../src/graph/ir.js'
import { elementCount } from '../../src/graph/tensor.js'
import { encodeModel } from '../../src/onnx/encode.js'
import { Session, type Feed } from '../../src/runtime/session.js'
import { createRng } from '../../src/util/rng.js'

export const doubles = (dims: readonly number[], values: ArrayLike<number>): Feed => ({
  dtype: 'float64',
  dims,
  data: Float64Array.from(values),
})

/** Normal draws. */
export function doubleNoise(dims: readonly number[], ...seed: (string | number)[]): Feed {
  const rng = createRng('double', ...dims, ...seed)
  return doubles(
    dims,
    Array.from({ length: elementCount(dims) }, () => rng.normal()),
  )
}

export const dotOf = (a: ArrayLike<unknown>, b: ArrayLike<unknown>): number => {
  let sum = 0
  for (let k = 0; k < a.length; k++) sum += Number(a[k]) * Number(b[k])
  return sum
}

/** A long step crosses kinks, a short one drowns in rounding; a wrong gradient fits none. */
const steps = [1e-3, 1e-4, 1e-5, 1e-6]

/**
 * Greatest deviation of the gradients of a graph compiled in double precision from fourth-order central differences of
 * its own loss, along a random direction for each input that is differentiated, relative to Σ |gradient · direction|.
 * Null where one of the gradients is zero.
 */
export async function doubleGradientError(
  graph: Graph,
  feeds: Readonly<Record<string, Feed>>,
  wrt: readonly string[],
): Promise<number | null> {
  const session = await Session.open(encodeModel(graph))
  try {
    const known = Object.fromEntries(session.inputs.map((name) => [name, feeds[name]!]))
    const own = await session.run(known)
    let worst = 0
    for (const name of wrt) {
      const point = known[name]!
      const gradient = own[`grad/${name}`]!
      if (gradient.dims.join() !== point.dims.join())
        throw new Error(`grad/${name} has shape [${gradient.dims}], not [${point.dims}]`)
      const rng = createRng('direction', name)
      const v = Float64Array.from(point.data as Float64Array, () => 2 * rng.uniform() - 1)
      const loss = async (by: number): Promise<number> => {
        const moved = Float64Array.from(point.data as Float64Array, (x, k) => x + by * v[k]!)
        const run = await session.run({ ...known, [name]: doubles(point.dims, moved) })
        return Number(run['loss']!.data[0])
      }
      const exact = dotOf(gradient.data, v)
      const scale = dotOf(
        Array.from(gradient.data as Float64Array, Math.abs),
        Array.from(v, Math.abs),
      )
      if (scale === 0) return null
      let least = Infinity
      for (const h of steps) {
        const near = (await loss(h)) - (await loss(-h))
        const far = (await loss(2 * h)) - (await loss(-2 * h))
        least = Math.min(least, Math.abs((8 * near - far) / (12 * h) - exact) / scale)
      }
      worst = Math.max(worst, least)
    }
    return worst
  } finally {
    await session.close()
  }
}
