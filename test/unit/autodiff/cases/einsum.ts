import { input, weight, type RuleCase } from '../../../helpers/gradient-check.js'

const einsum = (equation: string, ...inputs: RuleCase['inputs']): RuleCase => ({
  op: 'Einsum',
  label: equation,
  inputs,
  attrs: { equation },
})

export const einsumCases: readonly RuleCase[] = [
  einsum('ij,jk->ik', input(['N', 3]), weight([3, 4])),
  einsum('bhid,bhjd->bhij', input(['N', 2, 3, 4]), input(['N', 2, 5, 4])),
  einsum('ij->ji', input(['N', 3])),
  einsum('ij->i', input(['N', 3])),
  einsum('ij->', input(['N', 3])),
  einsum('bij,bjk,kl->bil', input(['N', 2, 3]), input(['N', 3, 4]), weight([4, 2])),
  einsum('bii->bi', input(['N', 3, 3])),
  einsum('bii->b', input(['N', 3, 3])),
  einsum('bi,bj->bij', input(['N', 3]), input(['N', 2])),
  einsum('bi,ci->bc', input(['N', 3]), weight([2, 3])),
  einsum('...ij,...jk->...ik', input(['N', 2, 3, 4]), input(['N', 2, 4, 2])),
  einsum('...ij,jk->...ik', input(['N', 2, 3, 4]), weight([4, 2])),
  einsum('ij,jk', input(['N', 3]), weight([3, 2])),
  einsum('ba, b', input(['N', 3]), input(['N'])),
]
