import { cpus } from 'node:os'
import type { Comparison, Kink } from './measure.js'

export interface NetworkRow {
  readonly title: string
  readonly exporter: string
  readonly opset: number
  readonly result: Comparison | string
}

export interface KinkRow extends Kink {
  readonly found: readonly number[] | string
}

const few = (value: number): string => value.toExponential(1)
const list = (values: readonly number[]): string =>
  values.map((value) => String(Number(value.toFixed(4)))).join(' ')

/** The page that says how far the compiled gradients are from autograd's. */
export function writePage(
  torch: string,
  tolerance: number,
  networks: readonly NetworkRow[],
  kinks: readonly KinkRow[],
): string {
  const compared = networks.filter(({ result }) => typeof result !== 'string')
  const titles = new Set(compared.map(({ title }) => title))
  return `${[
    '# Gradients against PyTorch autograd',
    '',
    `Whole networks, built in PyTorch ${torch}, exported by both of its exporters, and compiled by Gauntlet: the gradient of`,
    'cross-entropy at a batch of 5, in float32 on ONNX Runtime, against what autograd gives in float64 and in float32.',
    `Errors are ‖g − r‖ ÷ ‖r‖ over the whole batch, to be below ${tolerance}; "own" is autograd's float32 against its float64;`,
    'the last column is the error of the gradient compiled in float64, of which the exporters round constants, and weights\nthat they fold BatchNorm into, to float32.',
    `${titles.size} architectures, ${compared.length} files; on ${cpus()[0]?.model.trim() ?? 'an unknown CPU'}. Written by`,
    '`GAUNTLET_PEERS_PYTHON=python3 GAUNTLET_PEERS_WRITE=1 npx vitest run test/peers/autograd.test.ts`.',
    '',
    '| Architecture | Exporter | Opset | Nodes | Error, float64 | Error, float32 | Own | Greatest difference | Logits | Compiled in float64 |',
    '| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |',
    ...networks.map(networkLine),
    '',
    '## Kinks and ties',
    '',
    'The derivative where there is none, and the shares of entries that tie. Where an operator of ONNX stands for several',
    'functions of PyTorch whose answers differ, the last column says which one is followed.',
    '',
    '| Function | At | PyTorch | Gauntlet | |',
    '| --- | --- | --- | --- | --- |',
    ...kinks.map(kinkLine),
  ].join('\n')}\n`
}

function networkLine({ title, exporter, opset, result }: NetworkRow): string {
  const cells =
    typeof result === 'string'
      ? [`${result.replaceAll('|', '/')}`, '', '', '', '', '', '']
      : [
          String(result.nodes),
          ...[result.double, result.single, result.own, result.greatest, result.logits].map(few),
          result.exact === null ? 'no kernel' : few(result.exact),
        ]
  return `| ${[title, exporter, opset, ...cells].join(' | ')} |`
}

function kinkLine({ name, points, derivatives, found, differs }: KinkRow): string {
  const answer = typeof found === 'string' ? found : list(found)
  return `| ${[name, list(points), list(derivatives), answer, differs].join(' | ')} |`
}
