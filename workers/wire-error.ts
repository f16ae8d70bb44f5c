import { GauntletError } from '../src/errors.js'
import type { WireError } from './messages.js'

export function toWire(error: unknown): WireError {
  if (error instanceof GauntletError) return { code: error.code, detail: error.detail }
  const what = error instanceof Error ? error.message : String(error)
  return { code: null, detail: { what }, stack: error instanceof Error ? error.stack : undefined }
}

export function fromWire(wire: WireError): Error {
  if (wire.code !== null) return new GauntletError(wire.code, wire.detail)
  const error = new Error(wire.detail.what)
  if (wire.stack) error.stack = wire.stack
  return error
}
