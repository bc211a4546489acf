"""What `--help` says of the program and of each command."""

from __future__ import annotations

from dataclasses import dataclass

EXIT_CODES = "Exit codes: 0 done, 1 failed, 2 wrong arguments, 130 interrupted (Ctrl-C)."


@dataclass(frozen=True)
class Text:
    """Lines are broken here, for examples must not be filled."""

    description: str
    examples: str
    help: str | None = None
    usage: str | None = None
    more: str = ""

    @property
    def epilog(self) -> str:
        several = "s" if self.examples.strip().count("\n") else ""
        lines = [f"  {line}" for line in self.examples.strip().splitlines()]
        ends = [*([self.more] if self.more else []), EXIT_CODES]
        return "\n".join([f"Example{several}:", *lines, "", *ends])


PROGRAM = Text(
    """\
Fine-tunes AudioLDM on sounds and scores what it generates. The study itself is a
Snakemake workflow (`snakemake` says what can be asked for); this program does the
parts before and after it: a config for sounds of your own, sounds from a finished
checkpoint, and scores for any folders of sounds.""",
    """\
audioldm-bench init my-study --data sounds.csv
snakemake --cores 2 all --configfile my-study.yaml
audioldm-bench generate "a dog barking" \\
  --checkpoint results/my-study/runs/mine/pretrained-text/step-0001000
audioldm-bench evaluate generated real""",
    more="`audioldm-bench COMMAND --help` has the options of each command.",
)
GENERATE = Text(
    """\
Makes a sound for each PROMPT with a checkpoint of a study: OUT/<prompt>.wav, and
OUT/clips.json, which says what made them. Of several candidates CLAP keeps the one
nearest to the prompt. The same prompt and seed give the same sound in any company.
Nothing is overwritten.""",
    """\
audioldm-bench generate "a dog barking" "rain on a tin roof" \\
  --checkpoint results/mini/runs/esc50/pretrained-text/step-0000120
audioldm-bench generate --prompts prompts.txt --checkpoint results/mini/models/unet \\
  --sampler dpm_solver_pp --out sounds""",
    help="make sounds from prompts",
    usage='--checkpoint DIR "PROMPT" ["PROMPT" ...] [options]',
    more="docs/generate.md says more.",
)
_NUMBERS = "docs/evaluate.md explains each number."
EVALUATE = Text(
    """\
Scores GENERATED_DIR against REFERENCE_DIR with FD, IS, KL (PANNs Cnn14, 16 kHz) and
FAD (VGGish), or the metrics that you choose, each with an interval. Clips (wav, flac,
ogg, mp3) pair by file name, whatever the ending. Prints a table and writes
metrics.json and metrics.csv.""",
    """\
audioldm-bench evaluate my-model/clips real/clips
audioldm-bench evaluate my-model/clips real/clips --captions captions.csv \\
  --backbone-weights clap=resources/models/audioldm-s-full/clap""",
    help="score a folder of clips",
    usage="GENERATED_DIR REFERENCE_DIR [options]",
    more=_NUMBERS,
)
COMPARE = Text(
    """\
Scores several folders against one reference on the clips that all of them have, ranks
them, and says which differences are beyond chance. Prints a table and writes
comparison.json and comparison.csv.""",
    "audioldm-bench compare ours=a/clips theirs=b/clips --reference real/clips",
    help="rank several folders of clips",
    usage="[NAME=]DIR [NAME=]DIR ... --reference DIR [options]",
    more=_NUMBERS,
)
SHOW = Text(
    "Prints the tables of a finished study and says where the rest is.",
    "audioldm-bench show results/mini",
    help="print the tables of a study",
)
