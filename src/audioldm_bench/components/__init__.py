"""Training from scratch of the models that a study needs where no published weights are."""
