import type { Graph, Node } from '../../graph/ir.js'
import { scalar } from '../../graph/tensor.js'
import { influence } from '../../model/batch.js'
import { createRng } from '../../util/rng.js'
import type { Bench } from '../bench.js'
import type { Check, Raised } from '../check.js'
import { greatestDistance, percent, short } from '../measure.js'

const count = 64
/** Of unit score vectors: other kernels for other batch sizes round otherwise, by 1e-6. */
const apart = 1e-3

/** P3. Layers left in training mode, and samples whose scores depend on who else is in the batch. */
export const batchDependence: Check = {
  signal: 'P3',
  needs: [],
  async run(bench) {
    const found: Raised[] = []
    const training = inTraining(bench.job.model.prepared.forward)
    if (training.length > 0) {
      const rest = training.length > 3 ? ` and ${training.length - 3} more` : ''
      const text = `layers in training mode: ${training.slice(0, 3).join(', ')}${rest}; export the model in evaluation mode`
      found.push({ severity: 'error', text })
    }
    const note = bench.job.model.prepared.notes.find((one) => one.startsWith(influence))
    if (note) found.push({ severity: 'error', text: note })
    if ((await bench.has('determinism')) && bench.job.model.prepared.batch !== 1) {
      const measured = await amongOthers(bench)
      if (measured) found.push(measured)
    }
    return found
  },
}

/** Each sample in one batch with all, and with another neighbour. */
async function amongOthers(bench: Bench): Promise<Raised | null> {
  const { x, n } = bench.first(count)
  if (n < 3) return null
  const { size, classes, job } = bench
  const together = await job.model.scores(x, n, n)
  const rng = createRng(job.seed, 'neighbours')
  const keys = Array.from({ length: n }, () => rng.uniform())
  const order = keys.map((_, i) => i).toSorted((a, b) => keys[a]! - keys[b]!)
  const shuffled = new Float32Array(x.length)
  order.forEach((id, i) => shuffled.set(x.subarray(id * size, (id + 1) * size), i * size))
  const scores = await job.model.scores(shuffled, n, 2)
  const apartFrom = new Float32Array(scores.length)
  order.forEach((id, i) =>
    apartFrom.set(scores.subarray(i * classes, (i + 1) * classes), id * classes),
  )
  const difference = greatestDistance(together, apartFrom, classes)
  if (difference <= apart) return null
  const [one, other] = [bench.predictions(together), bench.predictions(apartFrom)]
  const changed = one.filter((prediction, i) => prediction !== other[i]).length
  return {
    severity: 'error',
    text: `scores depend on the batch: unit score vectors of ${n} samples differ by up to ${short(difference)} (limit 1e-3) between batches of ${n} and of 2, predictions of ${percent(changed / n)}`,
  }
}

/** Names of the layers in training mode. */
function inTraining(graph: Graph): string[] {
  return graph.nodes.flatMap((node) => [
    ...(isInTraining(graph, node) ? [`${node.name || node.outputs[0]} (${node.op})`] : []),
    ...Object.values(node.attrs).flatMap((attr) =>
      attr.kind === 'graph' ? inTraining(attr.value) : [],
    ),
  ])
}

function isInTraining(graph: Graph, { op, attrs, inputs }: Node): boolean {
  if (op === 'BatchNormalization') {
    const mode = attrs['training_mode']
    return mode?.kind === 'int' && mode.value === 1
  }
  if (op !== 'Dropout') return false
  const mode = inputs[2] ? graph.initializers[inputs[2]] : undefined
  return mode !== undefined && scalar(mode) !== 0
}
