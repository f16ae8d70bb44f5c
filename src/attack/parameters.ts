import { z } from 'zod'
import { shapeOf } from '../util/plugins.js'

/** One parameter of an attack, for help and documents. */
export interface ParameterInfo {
  readonly name: string
  /** `whole number 1 to 100000`, `ce | margin | dlr`, `flag`. */
  readonly type: string
  /** Absent where there is none, or where it depends on other parameters. */
  readonly default?: unknown
  readonly describe: string
}

/** Read from the plugin's own schema: nothing is said twice. */
export function describeParameters(plugin: { readonly params: z.ZodType }): ParameterInfo[] {
  const schema = z.toJSONSchema(plugin.params, { io: 'input', unrepresentable: 'any' })
  const shape = shapeOf(plugin)
  return Object.entries(schema.properties ?? {}).map(([name, property]) => {
    const node = typeof property === 'object' ? property : {}
    return {
      name,
      type: typeText(node),
      ...(node.default === undefined ? {} : { default: node.default }),
      describe: node.description ?? ownDescription(shape[name]),
    }
  })
}

/** Another copy of zod keeps what it describes to itself. */
function ownDescription(schema: unknown): string {
  const isDescribed = typeof schema === 'object' && schema !== null && 'description' in schema
  return isDescribed && typeof schema.description === 'string' ? schema.description : ''
}

function typeText(node: z.core.JSONSchema.BaseSchema): string {
  if (node.enum) return node.enum.map(String).join(' | ')
  switch (node.type) {
    case 'boolean':
      return 'flag'
    case 'integer':
      return `whole number${limits(node)}`
    case 'number':
      return `number${limits(node)}`
    case 'string':
      return 'text'
    default:
      return typeof node.type === 'string' ? node.type : 'value'
  }
}

function limits(node: z.core.JSONSchema.BaseSchema): string {
  const { minimum, maximum, exclusiveMinimum, exclusiveMaximum } = node
  return [
    bound('from', minimum) || bound('above', exclusiveMinimum),
    bound('to', maximum) || bound('below', exclusiveMaximum),
  ].join('')
}

/** The least and greatest safe integers are what zod says where nothing was asked for. */
function bound(word: string, value: unknown): string {
  return typeof value === 'number' && Math.abs(value) < Number.MAX_SAFE_INTEGER
    ? ` ${word} ${value}`
    : ''
}
