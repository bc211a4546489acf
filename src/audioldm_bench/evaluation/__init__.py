"""From feature files to the metrics of a system, of several, and of Figure 1. No torch."""
