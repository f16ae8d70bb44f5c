import { z } from 'zod'
import { didYouMean } from './did-you-mean.js'

/** What a person must know about a value that its schema refuses; the parts of one line. */
export interface SchemaProblem {
  /** `models[1].maen`; empty for the value itself. */
  readonly path: string
  readonly what: string
  readonly got?: string | undefined
  readonly expected?: string | undefined
  readonly fix?: string | undefined
}

type Issue = z.core.$ZodIssue
type JsonNode = z.core.JSONSchema.BaseSchema

/**
 * The first thing to repair. A misspelt key comes before the missing one that it causes; in a union,
 * the branch of the value's own type speaks. Messages of custom checks are phrased as what is expected.
 *
 * @param value - what the schema was given
 */
export function firstProblem(schema: z.ZodType, value: unknown, error: z.ZodError): SchemaProblem {
  const issues = error.issues.map((issue) => innermost(issue))
  const issue = issues.find((one) => one.code === 'unrecognized_keys') ?? issues[0]
  if (!issue) throw new Error('a schema refused a value without an issue')
  const got = valueAt(value, issue.path)
  if (issue.code === 'unrecognized_keys') return unknownKey(schema, value, issue)
  if (got === undefined && issue.code !== 'custom')
    return { path: showPath(issue.path), what: 'missing value', expected: expectation(issue) }
  return {
    path: showPath(issue.path),
    what: 'wrong value',
    got: show(got),
    expected: expectation(issue),
  }
}

function unknownKey(
  schema: z.ZodType,
  value: unknown,
  issue: z.core.$ZodIssueUnrecognizedKeys,
): SchemaProblem {
  const key = issue.keys[0] ?? ''
  const known = knownKeys(schema, value, issue.path)
  const near = didYouMean(key, known)
  return {
    path: showPath([...issue.path, key]),
    what: 'unknown key',
    expected: known.length > 0 ? `one of ${known.join(', ')}` : undefined,
    fix: near === undefined ? undefined : `did you mean ${near}?`,
  }
}

/** Descends into unions: which branch was meant follows from the value's type. */
function innermost(issue: Issue): Issue {
  if (issue.code !== 'invalid_union') return issue
  const meant = issue.errors.filter((branch) => !branch.some((one) => isOfOtherType(one)))
  const branch = meant.length === 1 ? meant[0] : undefined
  const inner = branch?.find((one) => one.code === 'unrecognized_keys') ?? branch?.[0]
  if (!inner) return issue
  return innermost({ ...inner, path: [...issue.path, ...inner.path] })
}

function isOfOtherType({ code, path }: Issue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value')
}

/** How zod begins the messages that a schema does not write itself. */
const zodsOwn = /^Invalid /

function expectation(issue: Issue): string {
  if (!zodsOwn.test(issue.message) && issue.code.startsWith('invalid_')) return issue.message
  switch (issue.code) {
    case 'invalid_type':
      return withArticle(issue.expected)
    case 'too_small':
      return limit('at least', 'above', issue.origin, issue.minimum, issue.inclusive)
    case 'too_big':
      return limit('at most', 'below', issue.origin, issue.maximum, issue.inclusive)
    case 'invalid_value':
      return oneOf(issue.values)
    case 'not_multiple_of':
      return `a multiple of ${issue.divisor}`
    case 'invalid_union':
      return expectationOfUnion(issue)
    case 'invalid_key':
    case 'invalid_element':
    case 'invalid_format':
    case 'unrecognized_keys':
    case 'custom':
      return issue.message
  }
}

function expectationOfUnion(issue: z.core.$ZodIssueInvalidUnion): string {
  if ('options' in issue && issue.options) return oneOf(issue.options)
  const parts = issue.errors.flatMap((branch) => branch.slice(0, 1).map((one) => expectation(one)))
  return [...new Set(parts)].join(' or ') || issue.message
}

function limit(
  inclusiveWord: string,
  strictWord: string,
  origin: string,
  bound: number | bigint,
  inclusive: boolean | undefined,
): string {
  const units: Readonly<Record<string, string>> = { string: ' characters', array: ' entries' }
  return `${inclusive === false ? strictWord : inclusiveWord} ${bound}${units[origin] ?? ''}`
}

const articles: Readonly<Record<string, string>> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  tuple: 'a list',
  object: 'an object',
  record: 'an object',
}

function withArticle(type: string): string {
  return articles[type] ?? type
}

function oneOf(values: readonly unknown[]): string {
  const texts = values.map(String)
  return texts.length === 1 ? String(texts[0]) : `one of ${texts.join(', ')}`
}

/** `models[1].mean` */
function showPath(path: readonly PropertyKey[]): string {
  return path
    .map((part, i) =>
      typeof part === 'number' ? `[${part}]` : i === 0 ? String(part) : `.${String(part)}`,
    )
    .join('')
}

/** A value as one short phrase. */
function show(value: unknown): string {
  const text =
    typeof value === 'function' || typeof value === 'symbol' || typeof value === 'bigint'
      ? `a ${typeof value}`
      : typeof value === 'number'
        ? String(value)
        : (JSON.stringify(value) ?? 'nothing')
  return text.length > 60 ? `${text.slice(0, 57)}...` : text
}

function valueAt(value: unknown, path: readonly PropertyKey[]): unknown {
  let at = value
  for (const part of path) {
    if (typeof at !== 'object' || at === null) return undefined
    at = (at as Record<PropertyKey, unknown>)[part]
  }
  return at
}

function knownKeys(schema: z.ZodType, value: unknown, path: readonly PropertyKey[]): string[] {
  let nodes: JsonNode[] = branches(z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' }))
  let at = value
  for (const part of path) {
    at = valueAt(at, [part])
    nodes = nodes.flatMap((node) => child(node, part)).flatMap((node) => branches(node))
  }
  const keys = nodes
    .filter((node) => agrees(node, at))
    .flatMap((node) => Object.keys(node.properties ?? {}))
  return [...new Set(keys)].filter((key) => key !== '$schema')
}

function branches(node: JsonNode): JsonNode[] {
  const inner = [...(node.anyOf ?? []), ...(node.oneOf ?? []), ...(node.allOf ?? [])]
  return [node, ...inner.filter((one) => typeof one === 'object').flatMap((one) => branches(one))]
}

function child(node: JsonNode, part: PropertyKey): JsonNode[] {
  const found =
    typeof part === 'number'
      ? (node.prefixItems?.[part] ?? (Array.isArray(node.items) ? node.items[part] : node.items))
      : (node.properties?.[String(part)] ?? node.additionalProperties)
  return typeof found === 'object' ? [found as JsonNode] : []
}

/** False for the branch of a union whose fixed fields differ from the value's. */
function agrees(node: JsonNode, value: unknown): boolean {
  return Object.entries(node.properties ?? {}).every(([key, property]) => {
    if (typeof property !== 'object' || property.const === undefined) return true
    const own = valueAt(value, [key])
    return own === undefined || own === property.const
  })
}
