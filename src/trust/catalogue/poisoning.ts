import type { Signal } from '../types.js'

const benchmark = 'Schwarzschild et al. 2021, arXiv:2006.12557'
const armory = 'Armory, documentation of its poisoning scenarios (twosixlabs/armory)'
const own = 'this project'

/** What measurements of poisons, and of detectors against them, look like where they say less than they seem to. */
export const poisoningSignals: readonly Signal[] = [
  {
    id: 'B1',
    title: 'The poison was not implanted',
    severity: 'error',
    test: 'attack success is below 3 times what the clean arm shows, or no more than that for all that chance can do: neither over the trials (95 %) nor within most of them. Note where the same poison takes hold elsewhere: at another rate, or on another version or the baseline',
    source: `${benchmark}; factor: ${own}`,
    remedy:
      'a weak attack is no evidence of a robust training: raise the rate until it takes hold, train for more epochs, check that the poison fits the data (trigger size, classes)',
  },
  {
    id: 'B2',
    title: 'Samples that belong to the target class count as successes',
    severity: 'error',
    test: 'more attacked samples than the source class (or, without one, all classes but the target) has in the test data; or of one arm more that reach the target plus more that keep their class than there are',
    source: armory,
    remedy:
      'what already belongs to the target class is no success: count samples of the source class alone, and nothing whose label is the target',
  },
  {
    id: 'B3',
    title: 'The poison costs clean accuracy',
    severity: 'warning',
    test: 'clean accuracy of the poisoned arm is more than 2 pp below that of the clean arm, mean over trials, and the 95 % interval excludes 0 (where there are two trials). Not for poisons whose goal that is',
    source: `${armory}; limit: ${own}`,
    remedy:
      'who watches the accuracy notices this attack: lower the rate, or report both numbers together',
  },
  {
    id: 'B4',
    title: 'Control arms are missing, or have learned nothing',
    severity: 'error',
    test: 'a trial has no clean arm; or it has one filtered by a detector, and none by a random and a perfect (oracle) filter; or training on clean data does little better than guessing one class',
    source: armory,
    remedy:
      'without a clean arm there is no base rate, without random and perfect filters no scale for a detector: run the trials again with this version of Gauntlet; a training that learns nothing needs more epochs or another learning rate',
  },
  {
    id: 'B5',
    title: 'A detector flags more clean samples than it says',
    severity: 'error',
    test: 'on data without poison it flags more than the stated share, more than chance explains (exact binomial, 95 %, samples of one trial)',
    source: `Trusted-AI/adversarial-robustness-toolbox#1188; ${own}`,
    remedy:
      'its threshold is not calibrated here, so its verdict counts for nothing: check its parameters, give it a trained model that fits the data, or state a higher falsePositiveRate',
  },
  {
    id: 'B6',
    title: 'A detector works only by removing samples',
    severity: 'error',
    test: 'the attack fails after its filter, but of the poisons it removed no larger share than of all samples (exact binomial, 95 %): a random filter that removes as much does as well. Or it flags more than 90 % of them',
    source: armory,
    remedy:
      'compare with the random filter at the same share, and do not count this as a detection: any smaller training set would do',
  },
  {
    id: 'B7',
    title: 'Few trials',
    severity: 'warning',
    test: 'fewer than 10 trials (source, target, seed)',
    source: `${benchmark}: 100 trials, and results of single ones that do not repeat`,
    remedy: 'raise trials: an interval over 10 of them is still 31 percentage points wide at best',
  },
  {
    id: 'B8',
    title: 'A poison rate without its denominator',
    severity: 'error',
    test: 'a configuration with a rate that does not say what it is a share of is refused (GNT_CONFIG). Of results: more training samples are poisoned than the rate allows, by the class counts of the training data',
    source: armory,
    remedy:
      'write { value: 0.01, of: dataset }, of: targetClass or of: sourceClass; 1 % of the data set is 10 % of one of ten classes',
  },
  {
    id: 'B9',
    title: 'The trigger is lost on the way',
    severity: 'note',
    test: 'attack success falls by more than 5 pp, mean over trials, when triggered images are rounded to 8 bits, compressed or resized',
    source: own,
    remedy:
      'the attack needs inputs that no camera or file gives: report the success on that path beside it',
  },
  {
    id: 'B10',
    title: 'The anomaly index of a model audit is not stable',
    severity: 'warning',
    test: 'a class is suspicious for some of the seeds of a trigger search and not for others, or a search ends in numbers that are not finite',
    source: 'Wang et al. 2019, Neural Cleanse, section IV; threshold of 2 deviations',
    remedy: 'more seeds and more steps: gauntlet audit model --help',
  },
  {
    id: 'B11',
    title: 'Classes too unequal for a detector',
    severity: 'warning',
    test: 'a detector says that it does not apply to the data; or the largest class of the training data has more than 10 times the samples of the smallest, and it was used all the same',
    source: own,
    remedy:
      'clusters and spectra of a small class mean little: balance the classes, or do not count what this detector found',
  },
  {
    id: 'B12',
    title: 'The poison never reached the training',
    severity: 'error',
    test: 'the training was fed fewer poisoned samples than the attacker left; note where the trainer cannot tell',
    source: own,
    remedy:
      'something between the data and the training drops or changes samples (a cache, a filter, another file): find it, then run the trials again',
  },
]
