/**
 * A process that falsifies properties, one after the other; networks stay open between those of the same one. A child
 * of the coordinator: if native code crashes here, one instance is lost. Nothing is written from here.
 */
import { Falsifier } from '../src/falsify/falsify.js'
import type { FromFalsifier, ToFalsifier } from './falsify-messages.js'
import { toWire } from './wire-error.js'

let isCancelled = false
let isStopping = false
let isBusy = false
const falsifier = new Falsifier(() => isCancelled)

function send(message: FromFalsifier): void {
  // A coordinator that has just been killed is noticed by `disconnect`; it must not be an uncaught error as well.
  if (process.connected) process.send!(message, undefined, {}, () => {})
}

async function run({ job }: Extract<ToFalsifier, { type: 'job' }>): Promise<void> {
  isBusy = true
  try {
    send({ type: 'result', result: await falsifier.run(job) })
  } catch (error) {
    send({ type: 'error', error: toWire(error) })
  } finally {
    isBusy = false
    leaveIfAsked()
  }
}

/** Only between calls of ONNX Runtime: ending it within one would abort the process. */
function leaveIfAsked(): void {
  if (isStopping && !isBusy) process.exit(0)
}

process.on('message', (message: ToFalsifier) => {
  switch (message.type) {
    case 'job':
      void run(message)
      return
    case 'cancel':
      isCancelled = true
      return
    case 'stop':
      isStopping = true
      leaveIfAsked()
  }
})
// The coordinator is gone (killed): finish the step under way and go.
process.on('disconnect', () => {
  isCancelled = true
  isStopping = true
  leaveIfAsked()
})
// Ctrl-C reaches the whole process group; the coordinator decides what happens.
process.on('SIGINT', () => {})
process.on('SIGTERM', () => {})
