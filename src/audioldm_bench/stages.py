"""Versions of the stages. A version is a param of its rule: raise it when the meaning of a
stage changes, so that old results are made anew; a cosmetic edit leaves it alone."""

VERSIONS: dict[str, int] = {
    "synthesise": 1,
    "manifest": 2,
    "resample": 1,
    "checks": 1,
    "embed_text": 1,
    "embed_audio": 1,
    "encode": 1,
    "components": 1,
    "import": 1,
    "training": 1,
    "sampling": 2,
    "corrupt": 2,
    "bounds": 1,
    "foreign": 1,
    "features": 2,
    "metrics": 2,
    "curves": 1,
    "figures": 3,
    "comparison": 1,
    "tables": 3,
    "report": 3,
}
