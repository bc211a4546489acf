"""A system is a folder of clips with a clips.json beside it; here those that no model makes."""
