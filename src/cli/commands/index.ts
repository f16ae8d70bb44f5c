import type { Command } from '../command.js'
import { attacksCommand } from './attacks.js'
import { schemaCommand } from './schema.js'
import { suitesCommand } from './suites.js'

/** All verbs, in the order of the help. A new one is one file and one line here. */
export const commands: readonly Command[] = [attacksCommand, suitesCommand, schemaCommand]
