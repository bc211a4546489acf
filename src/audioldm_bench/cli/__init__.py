"""`audioldm-bench`: scores folders of clips, and shows what a study found.

Options go in through `arguments`, what is done with them is in `folders`, which is also the Python
API; what comes out is written by `output` and printed by `terminal`. Heavy imports stand inside
functions, so that `--help` and a user's mistakes are answered at once.
"""
