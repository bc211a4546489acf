"""Looks at a dataset before any long job: what is broken, silent, cut, doubled or lacking, as
checks.json and a page. `check.check_data` is the way in."""
