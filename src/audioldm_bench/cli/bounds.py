"""From where to where the numbers of options go: more is a slip of the keys, or runs for ever."""

SECONDS = (0.1, 120)  # of a sound that is generated; the published models learned 10
STEPS = 1  # at least; at most what the noise schedule has, which the checkpoint decides
GUIDANCE = (0, 1000)
CANDIDATES = (1, 100)  # a prompt: they are sampled at once
BATCH = (1, 1000)  # prompts
DURATION = (0.1, 600)  # s of a clip that is scored: of less a cut leaves nothing to hear
REPLICATES = (0, 10000)  # of intervals; 1 is none
