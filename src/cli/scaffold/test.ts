/** The test beside an attack. Plain JavaScript: Node 20 runs no TypeScript, and this needs nothing but Node and gauntlet. */
export const testOf = (name: string): string => `// ${name}.test.mjs: run it with node --test
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { openKit } from 'gauntlet/plugin-kit'

const kit = await openKit(new URL('./${name}.ts', import.meta.url))
after(() => kit.close())

// The conformance suite, as gauntlet plugins test ${name}.ts runs it.
for (const check of kit.checks) test(\`\${check.where} \${check.name}\`, () => check.assert())

test('a greater epsilon fools more', async () => {
  const fooled = async (epsilon) => {
    const { outcomes } = await kit.attack({ norm: 'linf', epsilon })
    return outcomes.filter(({ success }) => success).length
  }
  assert.ok((await fooled(0.3)) > (await fooled(0.03)))
})
`
