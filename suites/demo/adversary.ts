import { encodeModel } from '../../src/onnx/encode.js'
import type { Trainer } from '../../src/poison/trainer.js'
import { Session, type Feed } from '../../src/runtime/session.js'
import { compileStep } from '../../src/step/compile.js'
import { freeDifferentiable } from '../../src/step/train.js'
import { box, randomInBall } from '../../src/threat/ball.js'
import type { ThreatModel } from '../../src/threat/threat-model.js'
import type { Rng } from '../../src/util/rng.js'

/** PGD against the weights a trainer holds at the moment: they are inputs of the step graph, which is compiled once. */
export class Adversary {
  readonly #trainer: Trainer
  readonly #session: Session
  readonly #steps: number

  private constructor(trainer: Trainer, session: Session, steps: number) {
    this.#trainer = trainer
    this.#session = session
    this.#steps = steps
  }

  static async open(trainer: Trainer, steps: number): Promise<Adversary> {
    const model = freeDifferentiable(trainer.model, trainer.parameters)
    const { graph } = compileStep(model, {
      loss: 'ce',
      targeted: false,
      norm: 'linf',
      bounds: [0, 1],
    })
    return new Adversary(trainer, await Session.open(encodeModel(graph)), steps)
  }

  /**
   * @param x - (N, ...sample) in [0, 1], not modified
   * @param epsilon - L∞ radius; each step goes 2.5 × epsilon / steps (Madry et al. 2018, section 5)
   * @returns adversarial examples, as `x`
   */
  async perturb(
    x: Float32Array,
    labels: Int32Array,
    epsilon: number,
    rng: Rng,
  ): Promise<Float32Array> {
    const { model, weights } = this.#trainer
    const threat: ThreatModel = {
      norm: 'linf',
      epsilon,
      bounds: [0, 1],
      goal: { kind: 'untargeted' },
    }
    const [lower, upper, start] = [x.slice(), x.slice(), x.slice()]
    box(x, threat, lower, upper)
    randomInBall(threat, x, rng, start)
    const samples = (data: Float32Array): Feed => ({
      dtype: 'float32',
      dims: [labels.length, ...model.sampleShape],
      data,
    })
    const fixed: Record<string, Feed> = {
      ...weights,
      labels: { dtype: 'int64', dims: [labels.length], data: BigInt64Array.from(labels, BigInt) },
      lower: samples(lower),
      upper: samples(upper),
      step_size: {
        dtype: 'float32',
        dims: [],
        data: Float32Array.of((2.5 * epsilon) / this.#steps),
      },
    }
    let xAdv = start.map((value) => Math.min(Math.max(value, 0), 1))
    for (let step = 0; step < this.#steps; step++) {
      const out = await this.#session.run({ ...fixed, [model.input]: samples(xAdv) })
      xAdv = out['x_next']?.data as Float32Array<ArrayBuffer>
    }
    return xAdv
  }

  async close(): Promise<void> {
    await this.#session.close()
  }
}
