import { configJsonSchema } from '../../config/json-schema.js'
import { defineCommand } from '../command.js'

export const schemaCommand = defineCommand({
  command: 'schema',
  describe: 'Print the JSON Schema of a configuration',
  examples: [['gauntlet schema > gauntlet.schema.json', 'a file that editors check against']],
  async run(_args, io) {
    io.out(JSON.stringify(configJsonSchema(), null, 2))
  },
})
