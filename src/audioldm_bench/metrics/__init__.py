"""Metrics as pure numpy functions: features -> statistics -> value, as audioldm_eval defines them.

Which features go in decides the metric's full name: Fréchet distance of PANNs embeddings is FD,
of VGGish embeddings FAD. No module here imports torch.
"""
