"""Features of clips: backbones behind one interface, and their HDF5 files."""
