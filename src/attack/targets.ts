import { GauntletError } from '../errors.js'
import { argmax } from '../model/handle.js'
import type { TargetChoice } from '../threat/threat-model.js'
import type { Rng } from '../util/rng.js'

/**
 * The class a targeted attack steers a sample to. A fixed target may be the sample's own class: then there
 * is nothing to attack.
 *
 * @param scores - of the clean sample, one per class
 * @param rng - the sample's own stream: asked once, and only for a random target
 * @throws GNT_ATTACK_NEEDS when the model has no such class
 */
export function chooseTarget(
  choice: TargetChoice,
  label: number,
  scores: Float32Array,
  rng: () => Rng,
): number {
  const classes = scores.length
  switch (choice) {
    case 'next':
      return (label + 1) % classes
    case 'least-likely':
      return argmax(
        scores.map((score, k) => (k === label ? -Infinity : -score)),
        0,
        classes,
      )
    case 'random': {
      const draw = rng().below(classes - 1)
      return draw < label ? draw : draw + 1
    }
    default:
      if (Number.isInteger(choice) && choice >= 0 && choice < classes) return choice
      throw new GauntletError('GNT_ATTACK_NEEDS', {
        what: 'the target class does not exist',
        got: String(choice),
        expected: `0 to ${classes - 1}`,
      })
  }
}
