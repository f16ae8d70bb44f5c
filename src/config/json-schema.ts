import { z } from 'zod'
import { configSchema } from './schema.js'

/** The JSON Schema (draft 2020-12) of a configuration as it is written. */
export function configJsonSchema(): z.core.JSONSchema.BaseSchema {
  const schema = z.toJSONSchema(configSchema, { target: 'draft-2020-12', io: 'input' })
  return { ...schema, title: 'Gauntlet configuration' }
}
