/** The library surface. */
export { defineConfig } from './config/define.js'
export type { Config, ConfigInput } from './config/schema.js'
export { errorCodes, GauntletError } from './errors.js'
export type { ErrorCode, ErrorDetail } from './errors.js'
export * from './plugin.js'
