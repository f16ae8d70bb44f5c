#!/usr/bin/env node
// First: ONNX Runtime reads the environment when it is loaded, and child processes inherit it.
// oxlint-disable-next-line import/no-unassigned-import
import '../util/no-telemetry.js'
import { processIo } from './io.js'
import { runCli } from './run.js'

// Not process.exit: it would cut off what stdout still holds, and a worker inside ONNX Runtime.
process.exitCode = await runCli(process.argv.slice(2), processIo())
