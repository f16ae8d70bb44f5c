import { GraphBuilder } from '../builder.js'
import type { Graph, Node } from '../ir.js'
import { viewOf, type NodeView } from '../node-view.js'
import { isFixed, sameShape, sameSize, type Shape, type ValueInfos } from '../shapes.js'
import { neededBy } from '../sort.js'
import { ints, numbers } from '../tensor.js'

/**
 * Whether the graph proves that row i of the output is a function of row i of the input alone, and always the same one:
 * then a batch gives what its samples give one by one. False says nothing: many an operator is not known here.
 *
 * A value is *of rows* when only its first axis follows the batch, each sample having as many rows as any other, and
 * those of sample i are a function of sample i. Every node on the way must keep it so.
 *
 * @param infos - shapes of the values; one that is missing proves nothing
 */
export function isRowWise(graph: Graph, infos: ValueInfos, input: string, output: string): boolean {
  const g = new GraphBuilder(graph, infos)
  const rows = new Set([input])
  /** Functions of the batch size, not of the samples. */
  const sizes = new Set<string>()
  for (const node of graph.nodes) {
    const reads = neededBy(node)
    const isOfRows = reads.some((name) => rows.has(name))
    const isOfSizes = reads.some((name) => sizes.has(name))
    if (random.test(node.op) || node.domain !== '' || hasSubgraph(node)) return false
    // The same for every batch, whatever it is.
    if (!isOfRows && !isOfSizes) continue
    const outputs = node.outputs.filter((name) => name !== '')
    const view = viewOf(g, node)
    if (isOfRows && (node.op === 'Shape' || node.op === 'Size')) sizes.add(outputs[0]!)
    else if (isOfRows || spreads.has(node.op)) {
      const context: Context = {
        ...view,
        rank: outputs[0] !== undefined && g.knows(outputs[0]) ? view.shape(outputs[0]).length : 0,
        isOfRows: (index) => rows.has(node.inputs[index] ?? ''),
        isOfSizes: (index) => sizes.has(node.inputs[index] ?? ''),
        known: (name) => (name && g.knows(name) ? view.shape(name) : null),
      }
      const keeps = outputs.every((name) => hasRows(context.known(name))) && keepsRows(context)
      if (!keeps) return false
      for (const name of outputs) rows.add(name)
    } else for (const name of outputs) sizes.add(name)
  }
  const batch = g.knows(output) ? g.info(output).shape[0] : undefined
  return rows.has(output) && batch !== undefined && !isFixed(batch) && batch.perBatch === 1
}

const random = /^(Random|Multinomial|Bernoulli)/

const hasSubgraph = (node: Node): boolean =>
  Object.values(node.attrs).some(({ kind }) => kind === 'graph')

interface Context extends NodeView {
  /** Number of axes of the first output. */
  readonly rank: number
  isOfRows(index: number): boolean
  isOfSizes(index: number): boolean
  known(name: string | undefined): Shape | null
}

/** Only the first axis follows the batch, by a whole number of rows a sample. */
function hasRows(shape: Shape | null): shape is Shape {
  const [first, ...rest] = shape ?? []
  return (
    first !== undefined &&
    !isFixed(first) &&
    Number.isInteger(first.perBatch) &&
    first.perBatch > 0 &&
    rest.every(isFixed)
  )
}

type Check = (context: Context) => boolean

/** The first input is of rows, the others are constants; which sizes there are makes no difference. */
const onlyFirst: Check = ({ node, isOfRows, isOfSizes }) =>
  isOfRows(0) &&
  node.inputs.every((_, index) => !isOfSizes(index) && (index === 0 || !isOfRows(index)))

/** The same, but what is computed from sizes may say how long the axes become. */
const shaped: Check = ({ node, isOfRows, isOfSizes }) =>
  isOfRows(0) && !isOfSizes(0) && node.inputs.every((_, index) => index === 0 || !isOfRows(index))

const keepsFirstAxis: Check = ({ x, y, known }) => {
  const [before, after] = [known(x[0]), known(y[0])]
  if (!before || !after || before.length !== after.length) return false
  return sameSize(before[0]!, after[0]!)
}

/** Axes are aligned at their ends: an operand of rows must have them all, a constant must not reach the first. */
const broadcast: Check = ({ node, rank, known, isOfRows, isOfSizes, y }) => {
  const first = known(y[0])?.[0]
  return node.inputs.every((name, index) => {
    const shape = known(name)
    if (!shape || !first || isOfSizes(index)) return false
    if (isOfRows(index)) return shape.length === rank && sameSize(shape[0]!, first)
    return shape.length < rank || shape[0] === 1
  })
}

/** The axis of an attribute is not the first. */
const alongOther =
  (otherwise: number): Check =>
  ({ int, known, x }) => {
    const axis = int('axis', otherwise)
    const rank = known(x[0])?.length ?? 0
    return rank > 0 && (axis + rank) % rank !== 0
  }

const both =
  (...checks: readonly Check[]): Check =>
  (context) =>
    checks.every((check) => check(context))

const matmul: Check = ({ x, known, isOfRows, isOfSizes }) => {
  const [a, b] = [known(x[0]), known(x[1])]
  if (!a || !b || isOfSizes(0) || isOfSizes(1)) return false
  if (isOfRows(0) && isOfRows(1))
    return a.length > 2 && sameShape([a[0]!], [b[0]!]) && a.length === b.length
  if (isOfRows(0))
    return (
      a.length > 1 &&
      (b.length <= 2 || b.length < a.length || (b.length === a.length && b[0] === 1))
    )
  return b.length > 2 && (a.length < b.length || (a.length === b.length && a[0] === 1))
}

const gemm: Check = (context) => {
  const bias = context.x[2] ? context.known(context.x[2]) : []
  return (
    onlyFirst(context) &&
    context.int('transA', 0) === 0 &&
    bias !== null &&
    (bias.length < 2 || bias[0] === 1)
  )
}

const gather: Check = (context) => {
  if (onlyFirst(context)) return alongOther(0)(context)
  // Rows of a table, as many as there are indices.
  const { isOfRows, isOfSizes, int } = context
  return isOfRows(1) && !isOfRows(0) && !isOfSizes(0) && int('axis', 0) === 0
}

/** Whatever is cut, it is nothing of the first axis. */
const slice: Check = (context) => {
  const { g, x, ints: listed } = context
  const constant = (name: string | undefined): readonly number[] | undefined => {
    const tensor = name ? g.initializer(name) : undefined
    return tensor && ints(tensor)
  }
  const axes = x.length > 1 ? constant(x[3]) : listed('axes')
  const rank = context.known(x[0])?.length ?? 0
  return (
    onlyFirst(context) && axes !== undefined && axes.every((axis) => (axis + rank) % rank !== 0)
  )
}

const pad: Check = (context) => {
  const { g, x, ints: listed, rank } = context
  const tensor = x[1] ? g.initializer(x[1]) : undefined
  const pads = x.length > 1 ? tensor && ints(tensor) : listed('pads')
  return onlyFirst(context) && !x[3] && pads?.[0] === 0 && pads[rank] === 0
}

/** The first axis is as long as it was because it is left alone, not by rounding. */
const resize: Check = (context) => {
  const { g, node, x, attr, string } = context
  const scales = x[node.op === 'Resize' && x.length > 2 ? 2 : 1]
  const tensor = scales ? g.initializer(scales) : undefined
  if (scales && tensor === undefined) return false
  const first = tensor ? numbers(tensor)[0] : undefined
  return (
    shaped(context) &&
    keepsFirstAxis(context) &&
    (first ?? 1) === 1 &&
    !['axes', 'scales', 'keep_aspect_ratio_policy'].some((name) => attr(name)) &&
    !string('coordinate_transformation_mode', '').startsWith('tf_')
  )
}

/** Copies of constants, as many as there are rows. */
const spread: Check = (context) =>
  context.isOfRows(0) ? shaped(context) && keepsFirstAxis(context) : !context.isOfSizes(0)

const filled: Check = ({ isOfRows }) => !isOfRows(0)

const dropout: Check = (context) =>
  onlyFirst(context) && !context.x[2] && used(context).length === 1
const normalised: Check = (context) =>
  onlyFirst(context) && used(context).length === 1 && context.int('training_mode', 0) === 0
const alone: Check = (context) => onlyFirst(context) && used(context).length === 1

const used = ({ y }: Context): string[] => y.filter((name) => name !== '')

const concat: Check = (context) => {
  const { node, isOfRows } = context
  return node.inputs.every((_, index) => isOfRows(index)) && alongOther(0)(context)
}

const quantize: Check = (context) => {
  const scale = context.known(context.x[1])
  return onlyFirst(context) && scale !== null && (scale.length === 0 || alongOther(1)(context))
}

const deep: Check = ({ rank }) => rank > 2

const table = (names: string, check: Check): [string, Check][] =>
  names.split(' ').map((name) => [name, check])

/** Those whose result is of rows though no input is. */
const spreads = new Set(['Expand', 'ConstantOfShape'])

const checks = new Map<string, Check>([
  ...table(
    'Abs Acos Acosh Asin Asinh Atan Atanh BitwiseNot Cast Ceil Celu Clip Cos Cosh Elu Erf Exp Floor Gelu HardSigmoid HardSwish Identity IsInf IsNaN LeakyRelu Log Mish Neg Not Reciprocal Relu Round Selu Shrink Sigmoid Sign Sin Sinh Softplus Softsign Sqrt Tan Tanh ThresholdedRelu',
    onlyFirst,
  ),
  ...table(
    'Add And BitwiseAnd BitwiseOr BitwiseXor CastLike Div Equal Greater GreaterOrEqual Less LessOrEqual Max Mean Min Mod Mul Or PRelu Pow Sub Sum Where Xor',
    broadcast,
  ),
  ...table(
    'AveragePool Conv ConvTranspose DepthToSpace GlobalAveragePool GlobalLpPool GlobalMaxPool GroupNormalization InstanceNormalization LRN LpPool SpaceToDepth',
    onlyFirst,
  ),
  // With more outputs it trains, or counts pixels through the whole batch.
  ...table('BatchNormalization', normalised),
  ...table('MaxPool', alone),
  ...table('Dropout', dropout),
  ...table(
    'LayerNormalization RMSNormalization LogSoftmax Softmax Hardmax LpNormalization',
    both(onlyFirst, alongOther(-1)),
  ),
  ...table('MatMul', matmul),
  ...table('Gemm', gemm),
  // In C order the rows of a sample stay together; that the first axis still follows the batch is asked of all.
  ...table('Reshape Flatten', shaped),
  ...table('Squeeze Unsqueeze', onlyFirst),
  // The first axis would be gone.
  ...table(
    'ReduceL1 ReduceL2 ReduceLogSum ReduceLogSumExp ReduceMax ReduceMean ReduceMin ReduceProd ReduceSum ReduceSumSquare',
    onlyFirst,
  ),
  ...table('ArgMax ArgMin', both(onlyFirst, alongOther(0))),
  ...table('Split', both(onlyFirst, alongOther(0))),
  ...table('TopK', both(onlyFirst, alongOther(-1))),
  ...table(
    'Transpose',
    both(onlyFirst, ({ ints: listed }) => listed('perm')?.[0] === 0),
  ),
  ...table('Trilu', both(onlyFirst, deep)),
  ...table('Concat', concat),
  ...table('Gather', gather),
  ...table('Slice', slice),
  ...table('Pad', pad),
  ...table('Resize Upsample', resize),
  ...table('Expand', spread),
  ...table('ConstantOfShape', filled),
  ...table('QuantizeLinear DequantizeLinear', quantize),
])

const keepsRows: Check = (context) => checks.get(context.node.op)?.(context) ?? false
