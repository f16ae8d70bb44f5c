import type { AscentLoss } from '../../step/losses.js'
import { normLabels, type FusedNorm } from '../../threat/threat-model.js'

/** How often the step is taken, how far, and from where. */
export interface Recipe {
  readonly attack: 'pgd' | 'fgsm'
  readonly norm: FusedNorm
  readonly epsilon: number
  readonly steps: number
  readonly stepSize: number
  readonly randomStart: boolean
  readonly targeted: boolean
  readonly loss: AscentLoss
  readonly range: readonly [number, number]
}

export interface AttackPage {
  readonly file: string
  readonly recipe: Recipe
  readonly sampleShape: readonly number[]
  readonly classes: number
  /** Where the network runs at one batch size only. */
  readonly batch: number | null
  readonly mean: readonly number[] | undefined
  readonly std: readonly number[] | undefined
  readonly opset: number
  readonly domains: readonly string[]
  readonly notes: readonly string[]
}

/** What a person needs who has only the file: its inputs and outputs, and the loop around it in two languages. */
export function attackReadme(page: AttackPage): string {
  const { recipe, sampleShape, classes, batch, opset, domains, notes } = page
  const n = batch ?? 'N'
  const shape = `[${[n, ...sampleShape].join(', ')}]`
  const { range, targeted } = recipe
  const target = '| `targets` | int64 | [N] | the class each sample shall be taken for |'
  const rows = [
    `| \`x_adv\` | float32 | ${shape} | the current point, in [${range.join(', ')}] |`,
    `| \`x\` | float32 | ${shape} | the clean samples, in [${range.join(', ')}] |`,
    `| \`labels\` | int64 | [${n}] | their true classes, 0 to ${classes - 1} |`,
    ...(targeted ? [target.replace('N', String(n))] : []),
    `| \`epsilon\` | float32 | [] | radius of the ball, in the units of x; ${show(recipe.epsilon)} unless you choose another |`,
    `| \`step_size\` | float32 | [] | length of one step; ${show(recipe.stepSize)} unless you choose another |`,
  ]
  return `# ${page.file}

One step of ${title(recipe)} as an ONNX graph: forward pass, loss, backward pass, update and projection. Call it ${
    recipe.steps === 1 ? 'once' : `${recipe.steps} times`
  } and you have the attack; no framework is needed but ONNX Runtime. Operators: ai.onnx ${opset}${
    domains.length > 0 ? `, and those of ${domains.join(', ')} that the model itself has` : ''
  }.

| Input | Type | Shape | Meaning |
| --- | --- | --- | --- |
${rows.join('\n')}

| Output | Type | Shape | Meaning |
| --- | --- | --- | --- |
| \`x_adv_next\` | float32 | ${shape} | the next point, inside the ball around x and inside [${range.join(', ')}] |
| \`logits\` | float32 | [${n}, ${classes}] | of x_adv |
| \`loss\` | float32 | [${n}] | of x_adv; the step makes it grow |

- The network sees ${sees(page)}. What you feed is ${unit(range)}.
- ${batch === null ? 'N is free: any number of samples.' : `The network runs at its batch of ${batch} only.`}
- A success counts when the model itself, run on x_adv, gives another class${targeted ? ': the target' : ''}. ${exactness(recipe)}
${notes.map((note) => `- Note: ${note}.\n`).join('')}
## Node

\`\`\`sh
npm install onnxruntime-node
\`\`\`

\`\`\`js
${nodeSnippet(page)}
\`\`\`

## Python

\`\`\`sh
pip install onnxruntime numpy
\`\`\`

\`\`\`python
${pythonSnippet(page)}
\`\`\`

Sources: ${source(recipe)}.
`
}

const exactness = ({ norm }: Recipe): string =>
  norm === 'linf'
    ? '`x_adv_next` is\n  within epsilon of x in exact arithmetic.'
    : 'The distance to x is\n  at most epsilon up to rounding: compare with a relative tolerance of 1e-6.'

const show = (value: number): string => String(Number(value.toPrecision(7)))

function title({ attack, norm, epsilon, steps, loss, targeted }: Recipe): string {
  const name = attack === 'fgsm' ? 'FGSM' : `PGD-${steps}`
  const towards = targeted ? 'targeted, ' : ''
  const losses = { ce: 'cross-entropy', margin: 'the margin', dlr: 'the DLR loss' }
  return `${name} (${towards}${normLabels[norm]}, ε = ${show(epsilon)}, on ${losses[loss]})`
}

function sees({ mean, std }: AttackPage): string {
  if (!mean && !std) return 'x as it is'
  return `(x − mean) / std with mean [${(mean ?? [0]).join(', ')}] and std [${(std ?? [1]).join(', ')}]; that is part of the graph`
}

const unit = ([low, high]: readonly [number, number]): string =>
  low === 0 && high === 1
    ? 'pixels in [0, 1]: divide bytes by 255 first'
    : `data in [${low}, ${high}]`

function source({ attack, norm }: Recipe): string {
  const own =
    attack === 'fgsm'
      ? 'Goodfellow et al. 2015, arXiv:1412.6572'
      : 'Madry et al. 2018, arXiv:1706.06083'
  return norm === 'l1' ? `${own}; L1 steps: Tramèr and Boneh 2019, arXiv:1904.13000` : own
}

function nodeSnippet({ file, recipe, sampleShape }: AttackPage): string {
  const { epsilon, stepSize, steps, range, targeted } = recipe
  const [low, high] = range
  const size = sampleShape.reduce((a, b) => a * b, 1)
  const extra = targeted ? ', targets' : ''
  const target = targeted
    ? "\n      targets: new ort.Tensor('int64', BigInt64Array.from(targets, BigInt), [n]),"
    : ''
  return `import * as ort from 'onnxruntime-node'

const step = await ort.InferenceSession.create('${file}')

/** x: Float32Array of n samples of ${size} numbers; labels${targeted ? ' and targets' : ''}: n classes. Returns the adversarial samples. */
export async function attack(x, labels${extra}, { epsilon = ${show(epsilon)}, steps = ${steps}, stepSize = ${show(stepSize)}, random = Math.random } = {}) {
  const n = labels.length
  const samples = (data) => new ort.Tensor('float32', data, [n, ${sampleShape.join(', ')}])
  const scalar = (value) => new ort.Tensor('float32', Float32Array.of(value), [])
  const clip = (value) => Math.min(${high}, Math.max(${low}, value))
${indent(nodeStart(recipe, size))}
  for (let k = 0; k < steps; k++) {
    const result = await step.run({
      x_adv: samples(xAdv),
      x: samples(x),
      labels: new ort.Tensor('int64', BigInt64Array.from(labels, BigInt), [n]),${target}
      epsilon: scalar(epsilon),
      step_size: scalar(stepSize),
    })
    xAdv = result.x_adv_next.data
  }
  return xAdv
}`
}

const indent = (text: string): string =>
  text
    .split('\n')
    .map((line) => `  ${line}`)
    .join('\n')

const directions = { linf: '', l2: 'a normal', l1: 'a Laplacian' } as const

function nodeStart({ norm, randomStart }: Recipe, size: number): string {
  if (!randomStart) return '// Starts at the samples themselves.\nlet xAdv = Float32Array.from(x)'
  if (norm === 'linf')
    return '// Starts at a random point of the ball.\nlet xAdv = x.map((value) => clip(value + epsilon * (2 * random() - 1)))'
  const isRound = norm === 'l2'
  const draw = isRound
    ? 'Math.sqrt(-2 * Math.log(1 - random())) * Math.cos(2 * Math.PI * random())'
    : 'Math.log(1 - random()) * (random() < 0.5 ? -1 : 1)'
  const length = isRound
    ? 'Math.sqrt(direction.reduce((sum, d) => sum + d * d, 0))'
    : 'direction.reduce((sum, d) => sum + Math.abs(d), 0)'
  return `// Starts at a random point of the ball: ${directions[norm]} direction, a radius that fills the volume evenly.
const draw = () => ${draw}
let xAdv = new Float32Array(x.length)
for (let i = 0; i < n; i++) {
  const direction = Float64Array.from({ length: ${size} }, draw)
  const length = ${length}
  const radius = epsilon * random() ** (1 / ${size})
  direction.forEach((d, j) => (xAdv[i * ${size} + j] = clip(x[i * ${size} + j] + (radius * d) / length)))
}`
}

function pythonSnippet({ file, recipe, sampleShape }: AttackPage): string {
  const { epsilon, stepSize, steps, range, targeted } = recipe
  const [low, high] = range
  const extra = targeted ? ', targets' : ''
  const target = targeted ? '\n            "targets": np.asarray(targets, np.int64),' : ''
  return `import numpy as np
import onnxruntime as ort

step = ort.InferenceSession("${file}", providers=["CPUExecutionProvider"])


def attack(x, labels${extra}, epsilon=${show(epsilon)}, steps=${steps}, step_size=${show(stepSize)}, seed=0):
    """x: float32 (n, ${sampleShape.join(', ')}); labels${targeted ? ' and targets' : ''}: n classes. Returns the adversarial samples."""
    x = np.asarray(x, np.float32)
    random = np.random.default_rng(seed)
${indent(indent(pythonStart(recipe)))}
    x_adv = np.clip(x_adv, ${low}, ${high}).astype(np.float32)
    for _ in range(steps):
        feeds = {
            "x_adv": x_adv,
            "x": x,
            "labels": np.asarray(labels, np.int64),${target}
            "epsilon": np.array(epsilon, np.float32),
            "step_size": np.array(step_size, np.float32),
        }
        (x_adv,) = step.run(["x_adv_next"], feeds)
    return x_adv`
}

function pythonStart({ norm, randomStart }: Recipe): string {
  if (!randomStart) return '# Starts at the samples themselves.\nx_adv = x.copy()'
  if (norm === 'linf')
    return '# Starts at a random point of the ball.\nx_adv = x + random.uniform(-epsilon, epsilon, x.shape)'
  const [draw, order] = norm === 'l2' ? ['normal', 2] : ['laplace', 1]
  return `# Starts at a random point of the ball: ${directions[norm]} direction, a radius that fills the volume evenly.
direction = random.${draw}(size=(len(x), x[0].size))
direction /= np.linalg.norm(direction, ord=${order}, axis=1, keepdims=True)
radius = epsilon * random.uniform(size=(len(x), 1)) ** (1 / x[0].size)
x_adv = x + (radius * direction).reshape(x.shape)`
}
