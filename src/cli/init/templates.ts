import type { ConfigInput } from '../../config/schema.js'
import type { FoundModel, FoundProject } from './find-project.js'

/** The text of a new configuration, by the ending of its file. */
export const templates: Readonly<
  Record<'ts' | 'yaml' | 'json', (project: FoundProject) => string>
> = {
  ts,
  yaml,
  json,
}

const placeholders: readonly FoundModel[] = [
  { version: 'v1', path: 'models/v1.onnx' },
  { version: 'v2', path: 'models/v2.onnx' },
]

function content({ models, data }: FoundProject): { models: readonly FoundModel[]; data: string } {
  return { models: models.length > 0 ? models : placeholders, data: data ?? 'data/test.npz' }
}

/** Two versions can be compared; of one, only the floor can be held. */
function rulesFor(models: readonly FoundModel[]) {
  return models.length > 1
    ? ([
        { id: 'clean', kind: 'non-inferiority', metric: 'cleanAccuracy', margin: 0.02 },
        { id: 'robust', kind: 'non-inferiority', metric: 'robustAccuracy', margin: 0.02 },
      ] as const)
    : ([{ id: 'clean', kind: 'floor', metric: 'cleanAccuracy', min: 0.5 }] as const)
}

const meaning = {
  data: 'Labelled samples: .npz with x and y, IDX, CIFAR binary, an image folder or CSV.',
  dataMore: 'With more to say: path, range (0..255), layout, classes, limit.',
  models: 'Versions of the model, oldest first. Check the order.',
  modelsMore: 'Preprocessing that is not in the file: mean, std (per channel), layout.',
  suites: 'What is attacked with what: gauntlet suites',
  gate: 'What decides over the newest version. margin 0.02: two percentage points worse, at most.',
} as const

function quote(value: string): string {
  return `'${value.replace(/[\\']/g, '\\$&')}'`
}

/** `key: value, key: value`, in one line. */
function fields(value: object, write: (inner: string) => string): string {
  return Object.entries(value)
    .map(([key, inner]) => `${key}: ${typeof inner === 'string' ? write(inner) : String(inner)}`)
    .join(', ')
}

function ts(project: FoundProject): string {
  const { models, data } = content(project)
  return `import { defineConfig } from 'gauntlet'

export default defineConfig({
  // ${meaning.data}
  // ${meaning.dataMore}
  data: ${quote(data)},

  // ${meaning.models}
  // ${meaning.modelsMore}
  models: [
${models.map((model) => `    { ${fields(model, quote)} },`).join('\n')}
  ],

  // ${meaning.suites}
  suites: ['quick'],

  // ${meaning.gate}
  gate: {
    rules: [
${rulesFor(models)
  .map((rule) => `      { ${fields(rule, quote)} },`)
  .join('\n')}
    ],
  },
})
`
}

function yaml(project: FoundProject): string {
  const { models, data } = content(project)
  // JSON strings are YAML strings.
  return `# ${meaning.data}
# ${meaning.dataMore}
data: ${JSON.stringify(data)}

# ${meaning.models}
# ${meaning.modelsMore}
models:
${models.map((model) => `  - { ${fields(model, JSON.stringify)} }`).join('\n')}

# ${meaning.suites}
suites: [quick]

# ${meaning.gate}
gate:
  rules:
${rulesFor(models)
  .map((rule) => `    - { ${fields(rule, JSON.stringify)} }`)
  .join('\n')}
`
}

function json(project: FoundProject): string {
  const { models, data } = content(project)
  const config: ConfigInput = {
    data,
    models: [...models],
    suites: ['quick'],
    gate: { rules: [...rulesFor(models)] },
  }
  return `${JSON.stringify(config, null, 2)}\n`
}
