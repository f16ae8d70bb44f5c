import { z } from 'zod'
import { gateRuleSchema } from '../gate/schema.js'
import { epsilonExpected, readEpsilon } from '../threat/epsilon.js'
import { norms } from '../threat/threat-model.js'
import { canonicalJson } from '../util/hash.js'
import { featuresSchema, quantizeSchema } from './features.js'
import { poisoningFields } from './poisons.js'

const one = z.union([
  z.number(),
  z.string().regex(/\d/, { error: epsilonExpected }).describe('a decimal or a fraction: 8/255'),
])

/** One radius or several, as the field writes them; numbers afterwards. */
const epsilonSchema = z
  .union([one, z.array(one).min(1)])
  .transform((value, context) => {
    const several = Array.isArray(value)
    return (several ? value : [value]).map((text, i) => {
      const epsilon = readEpsilon(text)
      if (epsilon === undefined)
        context.addIssue({ code: 'custom', path: several ? [i] : [], message: epsilonExpected })
      return epsilon ?? NaN
    })
  })
  .describe(
    'radius of the allowed perturbation, in the units of the data: 0.03, "8/255", or a list; a level from 1 to 5 of severity',
  )

const goalSchema = z
  .union([
    z.literal('untargeted'),
    z.strictObject({
      target: z
        .union([z.enum(['random', 'least-likely', 'next']), z.int().min(0)])
        .describe('class to reach: random, least-likely, next, or its index'),
    }),
  ])
  .default('untargeted')
  .describe('leave the true class, or reach a target class (default untargeted)')

const threatSchema = z.strictObject({
  norm: z.enum(norms).describe('norm that measures the perturbation'),
  epsilon: epsilonSchema,
  goal: goalSchema,
  features: featuresSchema.optional(),
  quantize: quantizeSchema.optional(),
})

const attackSchema = z.strictObject({
  use: z.string().min(1).describe('id of an attack; see gauntlet attacks'),
  params: z
    .record(z.string(), z.unknown())
    .default({})
    .describe('parameters of the attack (default: those of its paper)'),
  restarts: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe('how often the attack runs on what still stands (default: as the attack says)'),
  eot: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe('passes over which a random model is averaged, at each call (default 1)'),
  surrogate: z
    .string()
    .min(1)
    .optional()
    .describe(
      'version, or surrogate of the configuration, that examples are crafted on (default: the attacked one)',
    ),
})

export const suiteSchema = z
  .strictObject({
    id: z
      .string()
      .regex(/^[a-z0-9][a-z0-9._-]*$/, {
        error: 'lower-case letters, digits, dots and hyphens, as in my-suite',
      })
      .describe('short name of the suite'),
    title: z.string().min(1).describe('one line for reports'),
    describe: z.string().default('').describe('what the suite is for (default none)'),
    attacks: z
      .array(attackSchema)
      .default([])
      .describe('attacks that run, in this order (default none)'),
    threats: z
      .array(threatSchema)
      .default([])
      .describe('what the attacker may do; each attack runs in each (default none)'),
    ...poisoningFields,
    gate: z
      .array(gateRuleSchema)
      .default([])
      .describe('rules that come with the suite (default none)'),
  })
  .superRefine(({ attacks, threats, poisons }, context) => {
    const need = (path: string, message: string): void =>
      context.addIssue({ code: 'custom', path: [path], message })
    if (attacks.length === 0 && (threats.length > 0 || poisons.length === 0))
      need('attacks', 'at least 1 attack, or poisons instead')
    if (threats.length === 0 && attacks.length > 0) need('threats', 'at least 1 threat')
    refuseRepeats(context, poisons, 'poisons', 'a poison that is not in the list before')
    const flat = threats.map(({ epsilon, ...rest }) => epsilon.map((e) => [e, rest]))
    refuseRepeats(context, attacks, 'attacks', 'an attack that is not in the list before')
    for (const [i, own] of flat.entries()) {
      const before = new Set(flat.slice(0, i).flat().map(canonicalJson))
      const inside = new Set(own.map(canonicalJson))
      if (inside.size < own.length || own.some((each) => before.has(canonicalJson(each))))
        context.addIssue({
          code: 'custom',
          path: ['threats', i],
          message: 'a threat that is not in the list before',
        })
    }
  })

function refuseRepeats(
  context: z.core.$RefinementCtx,
  items: readonly unknown[],
  path: string,
  message: string,
): void {
  const seen = new Set<string>()
  for (const [i, item] of items.entries()) {
    const text = canonicalJson(item)
    if (seen.has(text)) context.addIssue({ code: 'custom', path: [path, i], message })
    seen.add(text)
  }
}

/** A suite as it is written. */
export type SuiteInput = z.input<typeof suiteSchema>

/** A checked suite with defaults filled in and epsilons as numbers; also valid as input. */
export type Suite = z.output<typeof suiteSchema>
