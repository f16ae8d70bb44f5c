import type { LossInputs, LossOutputs } from './losses.js'

/**
 * A loss without the samples whose label is none of the classes, as the ignored pixels of a segmentation: their loss and
 * their gradient are 0. Without this a label of −1 is the last class, and one beyond the classes has a gradient but no loss.
 */
export const withinClasses =
  (build: (inputs: LossInputs) => LossOutputs) =>
  (inputs: LossInputs): LossOutputs => {
    const { g, labels, dtype, classes } = inputs
    const isNatural = g.emit('GreaterOrEqual', [labels, g.scalar(0, 'int64')])
    const isBelow = g.emit('Less', [labels, g.scalar(classes, 'int64')])
    const isClass = g.emit('And', [isNatural, isBelow])
    const counts = g.emit('Where', [isClass, g.scalar(1, dtype), g.scalar(0, dtype)])
    const known = g.emit('Where', [isClass, labels, g.scalar(0, 'int64')])
    const { loss, dLogits } = build({ ...inputs, labels: known })
    const column = g.emit('Unsqueeze', [counts, g.ints([1])])
    return { loss: g.emit('Mul', [loss, counts]), dLogits: g.emit('Mul', [dLogits, column]) }
  }
