import { isFixed, type Shape, type Size } from '../../graph/shapes.js'
import { losses, type AscentLoss } from '../losses.js'
import { withinClasses } from '../within-classes.js'
import type { Objective, ObjectiveInputs, ObjectiveOutputs } from './objective.js'

/**
 * The loss of an attack over scores (N, K, …): the same at every position, the classes along axis 1. Untargeted: it
 * rises as the scores of the class that is fed fall; a negative weight descends it. A position whose class is none of
 * them, as the ignored ones of a segmentation, has no loss and no gradient.
 */
export function classwise(name: AscentLoss): Objective {
  const { title, build, leastClasses } = losses[name]
  return {
    title,
    feeds: 'classes',
    feedName: 'target',
    leastClasses: leastClasses[0],
    build(inputs) {
      const { g, dtype, shape, fed } = inputs
      const classes = shape[1] as number
      const rows = asRows(inputs, classes)
      const labels = shape.length === 2 ? fed : g.emit('Reshape', [fed, g.ints([-1])])
      const built = withinClasses(build)({ g, logits: rows, dtype, classes, labels, targets: null })
      return fromRows(inputs, built.loss, built.dLogits)
    },
  }
}

const positionsOf = (shape: Shape): readonly Size[] => [shape[0]!, ...shape.slice(2)]

/** (N, K, …S) → (N·S, K) */
function asRows({ g, output, shape }: ObjectiveInputs, classes: number): string {
  const rank = shape.length
  if (rank === 2) return output
  const perm = [0, ...Array.from({ length: rank - 2 }, (_, k) => k + 2), 1]
  return g.emit('Reshape', [g.emit('Transpose', [output], { perm }), g.ints([-1, classes])])
}

/** (N·S) → (N, …S), and (N·S, K) → (N, K, …S) */
function fromRows({ g, shape }: ObjectiveInputs, loss: string, dRows: string): ObjectiveOutputs {
  const rank = shape.length
  if (rank === 2) return { terms: loss, rank: 1, dOutput: dRows }
  const target = (sizes: readonly Size[]): string =>
    g.ints(sizes.map((size) => (isFixed(size) ? size : -1)))
  const positions = positionsOf(shape)
  const last = g.emit('Reshape', [dRows, target([...positions, shape[1]!])])
  const perm = [0, rank - 1, ...Array.from({ length: rank - 2 }, (_, k) => k + 1)]
  return {
    terms: g.emit('Reshape', [loss, target(positions)]),
    rank: rank - 1,
    dOutput: g.emit('Transpose', [last], { perm }),
  }
}
