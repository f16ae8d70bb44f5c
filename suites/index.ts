import type { Suite } from '../src/plugin.js'
import { autoattackRand } from './autoattack-rand.js'
import { autoattack } from './autoattack.js'
import { nightly } from './nightly.js'
import { poisoning } from './poisoning.js'
import { quick } from './quick.js'
import { release } from './release.js'
import { standard } from './standard.js'

/** The built-in suites. A new one is one file and one line here. */
export const builtInSuites: readonly Suite[] = [
  quick,
  standard,
  nightly,
  release,
  autoattack,
  autoattackRand,
  poisoning,
]
