"""The config of a new study, written from a person's own recordings (`audioldm-bench init`)."""
