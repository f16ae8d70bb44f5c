import type { Suite } from '../src/plugin.js'
import { quick } from './quick.js'
import { standard } from './standard.js'

/** The built-in suites. A new one is one file and one line here. */
export const builtInSuites: readonly Suite[] = [quick, standard]
