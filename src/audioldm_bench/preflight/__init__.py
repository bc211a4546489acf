"""What a study will take, and whether this machine has it: looked at before any long job."""
