import type { FalsifyJob, FalsifyResult } from '../src/falsify/falsify.js'
import type { WireError } from './messages.js'

/** From the coordinator to a process that falsifies. One job at a time. */
export type ToFalsifier =
  | { readonly type: 'job'; readonly job: FalsifyJob }
  | { readonly type: 'cancel' }
  | { readonly type: 'stop' }

/** And back: the answer to the job. */
export type FromFalsifier =
  | { readonly type: 'result'; readonly result: FalsifyResult }
  | { readonly type: 'error'; readonly error: WireError }
