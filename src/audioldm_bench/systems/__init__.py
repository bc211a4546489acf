"""A system is a folder of clips with a clips.json beside it; this room makes those that no model makes."""
