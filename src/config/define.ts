import type { ConfigInput } from './schema.js'

/** Types a configuration; it is checked when it is loaded. */
export function defineConfig(config: ConfigInput): ConfigInput {
  return config
}
