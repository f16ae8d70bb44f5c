import type { Migration } from '../migration.js'
import { initial } from './0001-initial.js'
import { examinations } from './0002-examinations.js'
import { trials } from './0003-trials.js'
import { audits } from './0004-audits.js'

/** In the order in which they are applied. */
export const migrations: readonly Migration[] = [initial, examinations, trials, audits]
