import { basename, resolve } from 'node:path'
import { lossNames } from '../../step/losses.js'
import { defineCommand } from '../command.js'

export const exportCommand = defineCommand({
  command: 'export <what> <model>',
  describe: 'Write a compiled graph as an ONNX file',
  examples: [
    [
      'gauntlet export gradient net.onnx -o grad.onnx',
      "inputs: the model's, labels int64 [N]; outputs: logits, loss [N], gradient",
    ],
  ],
  positionals: {
    what: {
      choices: ['gradient'] as const,
      demandOption: true,
      describe: 'gradient: the model with its backward pass',
    },
    model: { type: 'string', demandOption: true, describe: 'ONNX file' },
  },
  options: {
    out: {
      alias: 'o',
      type: 'string',
      requiresArg: true,
      demandOption: true,
      describe: 'file to write',
    },
    loss: {
      choices: lossNames,
      default: 'ce' as const,
      requiresArg: true,
      describe: 'loss per sample',
    },
    input: {
      type: 'string',
      requiresArg: true,
      describe: 'input to differentiate, of a network with several',
    },
    output: {
      type: 'string',
      requiresArg: true,
      describe: 'logits, of a network with several outputs',
    },
  },
  async run(args, io) {
    const { exportGradient } = await import('../flows/export-gradient.js')
    const path = resolve(io.cwd, args.out)
    const result = await exportGradient(resolve(io.cwd, args.model), path, args)
    if (args.json) io.out(JSON.stringify(result))
    else {
      io.out(`wrote ${basename(path)}: ${result.nodes} nodes, opset ${result.opset}`)
      io.out(`inputs   ${result.inputs.join(', ')}`)
      io.out(`outputs  ${result.outputs.join(', ')}`)
      for (const note of result.notes) io.out(`note     ${note}`)
    }
  },
})
